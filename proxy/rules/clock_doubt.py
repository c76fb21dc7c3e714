"""
Whether the wall clock can be believed (DESIGN §5): by the upstream's `Date` where one was heard, else by what is known without.

The upstream's time is kept as what has to be added to the clock that nobody can set. So it stays known through an outage, and a wall
clock that jumps shows at once, without asking anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from proxy.rules.stamps import Stamp
from proxy.rules.wire import http_date

JUMP_S: Final = 2.0
"""Drift between the two clocks that is no slewing: somebody set the wall clock. A leap second is less."""

OFFSET_MAX_S: Final = 60.0
"""A clock further off than this dates doses wrongly around midnight and confuses whoever compares."""

BEHIND_MAX_S: Final = 60.0
"""How far the clock may be behind the journal's latest record: less is a correction."""

SANE_YEARS: Final = range(2025, 2100)

ROUND_TRIP_MAX_S: Final = 2.0
"""Of a slower answer nobody knows when its `Date` was written."""

HEARD_MAX: Final = 9
"""Answers of which the median is taken: one of four servers behind one name with a wrong clock changes nothing."""

UNWATCHED_S: Final = 30.0
"""A longer time between two looks at the clock, of which there is one every few seconds: the computer was suspended, or we were stopped."""


class Why(StrEnum):
    """Why the clock is in doubt."""

    YEAR = "year"
    """It shows a year that cannot be."""
    OFFSET = "offset"
    """It is off the upstream's by more than `OFFSET_MAX_S`."""
    JUMPED = "jumped"
    """It was set while we ran, and the upstream was not heard since we started."""
    BEHIND = "behind"
    """It is behind the journal's latest record, and the upstream was not heard since we started."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why, and by how many seconds the clock is ahead (below 0: behind) of what it is compared with."""

    why: Why
    ahead_s: float

    def __str__(self) -> str:
        """As kept with a record and told to people."""
        way = f"{abs(self.ahead_s):.0f} s {'ahead of' if self.ahead_s > 0 else 'behind'}"
        match self.why:
            case Why.YEAR:
                return "a year that cannot be"
            case Why.OFFSET:
                return f"{way} the server"
            case Why.JUMPED:
                return f"{way} its own course: it was set"
            case Why.BEHIND:
                return f"{way} the journal's latest record"


@dataclass(frozen=True, slots=True)
class Known:
    """
    What is known of the time besides the clock.

    `start` is when this process began; `heard` what `heard_s` made of the upstream's answers, the oldest first; `latest_at` when the
    latest record before this process was made, by a clock that was not in doubt; wall-clock milliseconds UTC.
    """

    start: Stamp
    heard: Sequence[float] = ()
    latest_at: int | None = None


def drift_s(since: Stamp, now: Stamp) -> float:
    """Return by how many seconds the wall clock was set forwards (below 0: back) between two moments of one boot; 0 where it was not."""
    drift = (now.wall - since.wall) / 1000 - (now.boot_s - since.boot_s)
    return drift if abs(drift) > JUMP_S else 0.0


def unwatched_s(last_s: float, now_s: float) -> float:
    """Return how long nobody looked, of the time between two looks (boot seconds): 0 where it is no longer than usual."""
    return now_s - last_s if now_s - last_s > UNWATCHED_S else 0.0


def heard_s(date: str | None, age: str | None, asked_s: float, answered_s: float) -> float | None:
    """
    Return what has to be added to boot seconds to get the upstream's time, seconds since 1970; None where an answer does not tell.

    Args:
        date: The answer's `Date`.
        age: Its `Age`: a cache answered, and the date is that of an earlier answer.
        asked_s: When it was asked, boot seconds.
        answered_s: When the answer's head and body had come.

    Source: RFC 9110 §6.6.1 (whole seconds, cut off: half a second is added), RFC 9111 §5.1.
    """
    when = http_date(date)
    if when is None or age is not None or not 0 <= answered_s - asked_s <= ROUND_TRIP_MAX_S:
        return None
    return when.timestamp() + 0.5 - (asked_s + answered_s) / 2


def offset_s(heard: Sequence[float], now: Stamp) -> float | None:
    """Return by how many seconds the wall clock is ahead of the upstream's; None as long as it was not heard."""
    return now.wall / 1000 - now.boot_s - sorted(heard)[len(heard) // 2] if heard else None


def doubt(known: Known, now: Stamp) -> Doubt | None:
    """Return why the wall clock cannot be believed; None where it can, as far as anybody knows."""
    offset = offset_s(known.heard, now)
    if datetime.fromtimestamp(now.wall / 1000, UTC).year not in SANE_YEARS:
        return Doubt(Why.YEAR, offset or 0.0)
    if offset is not None:
        return Doubt(Why.OFFSET, offset) if abs(offset) > OFFSET_MAX_S else None
    if drift := drift_s(known.start, now):
        return Doubt(Why.JUMPED, drift)
    if known.latest_at is not None and known.latest_at - now.wall > BEHIND_MAX_S * 1000:
        return Doubt(Why.BEHIND, (now.wall - known.latest_at) / 1000)
    return None

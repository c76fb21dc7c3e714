"""
When the server is slow and not down: a brown-out (DESIGN §5).

An answer is slow that comes later than a desk is made to wait (`answering.answer_within`): it has a receipt by then. All times are boot
seconds, chosen by the caller.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

WITHIN_S: Final = 300.0
CALLS: Final = 6
SLOW_CALLS: Final = 3
SHARE: Final = 0.25
"""It is one when so many of at least `CALLS` calls within `WITHIN_S` are slow, and at least `SLOW_CALLS`"""
OVER_S: Final = 30.0
"""and there is so much time between the first of them and now: a hiccup is none."""
HOLDS_S: Final = 120.0
"""It is over when no call was slow for so long; it ended with the last that was."""
RECENT_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class Call:
    """One call that had its answer, or its failure, *slow* or not."""

    asked_at: float
    ended_at: float
    slow: bool

    @property
    def took_s(self) -> float:
        """How long it took."""
        return self.ended_at - self.asked_at


@dataclass(frozen=True, slots=True)
class BrownOut:
    """From when the first slow call was asked to when the last one ended; `after` are calls since then, counted in once it goes on."""

    began_at: float
    last_slow_at: float
    calls: int
    slow_calls: int
    first_s: float
    last_s: float
    after: int = 0


@dataclass(frozen=True, slots=True)
class Pace:
    """What is known of one group: the recent calls while it is not slow, the brown-out while it is."""

    recent: tuple[Call, ...] = ()
    brown_out: BrownOut | None = None


def heard(pace: Pace, calls: Iterable[Call], now: float) -> Pace:
    """Return what is known after some calls more."""
    for call in calls:
        if pace.brown_out is None:
            pace = _begun(Pace((*(one for one in pace.recent if call.ended_at - one.ended_at <= WITHIN_S), call)[-RECENT_MAX:]), now)
        else:
            pace = replace(pace, brown_out=_with(pace.brown_out, call))
    return pace


def is_over(brown_out: BrownOut, now: float) -> bool:
    """Whether no call was slow for so long that what comes now is another one."""
    return now - brown_out.last_slow_at >= HOLDS_S


def _begun(pace: Pace, now: float) -> Pace:
    slow = [call for call in pace.recent if call.slow]
    if len(pace.recent) < CALLS or len(slow) < SLOW_CALLS or len(slow) < SHARE * len(pace.recent) or now - slow[0].asked_at < OVER_S:
        return pace
    begun = BrownOut(slow[0].asked_at, slow[0].ended_at, 0, 0, slow[0].took_s, slow[0].took_s)
    for call in pace.recent[pace.recent.index(slow[0]) :]:
        begun = _with(begun, call)
    return Pace(brown_out=begun)


def _with(brown_out: BrownOut, call: Call) -> BrownOut:
    if not call.slow:
        return replace(brown_out, after=brown_out.after + 1)
    return replace(
        brown_out,
        last_slow_at=max(brown_out.last_slow_at, call.ended_at),
        calls=brown_out.calls + brown_out.after + 1,
        slow_calls=brown_out.slow_calls + 1,
        last_s=call.took_s,
        after=0,
    )

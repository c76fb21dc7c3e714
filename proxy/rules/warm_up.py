"""
What is asked for in quiet times, so that an outage finds it remembered (DESIGN §7): what next, when, and how much of it there is. Pure.

Asked with the sidecar's own credential only. A desk's is a person's log-in: the server would have on record that they looked at people
who never came to them; it is mostly over before the quiet hour; and what is answered to one log-in is given to no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import IntEnum
from hashlib import blake2b
from math import inf
from typing import Final
from urllib.parse import urlsplit

from proxy.profiles.model import Expected
from proxy.rules.look_up import query_of
from proxy.rules.outcome import view_of
from proxy.rules.routes import without_prefix
from proxy.rules.wire import Answer

QUIET_S: Final = 15.0
"""So long nothing was asked for a desk or for a record."""

NEXT_DAY_WITHIN_S: Final = 3600.0
"""After midnight the list of a new day is asked for within this time: by each centre at a moment of its own."""

LIST_EVERY_S: Final = 3600.0
"""A list of expected persons is asked for again: bookings come in all day."""

REFRESH_SHARE: Final = 0.5
"""An answer is asked for again after this share of the time for which it may be given."""

IN_VAIN_S: Final = 1800.0
"""What was asked for and is not there all the same is asked for again."""

PERSONS_MAX: Final = 2000
"""Persons whose look-ups are asked for; the medical college expected 800 on its day. Of all others an outage finds nothing."""

PAGES_MAX: Final = 50
"""Parts of one list that are asked for."""

LOOK_UPS_MAX: Final = 8
"""Look-ups of one person."""


class Kind(IntEnum):
    """What is asked for, the most pressing first."""

    MASTER = 0
    LIST = 1
    EXPECTED = 2
    READ = 3


@dataclass(frozen=True, slots=True)
class Want:
    """
    One look-up that an outage should find.

    `age_s` is how old the remembered answer is, None where there is none that would be given; `lasts_s` for how long one may be given;
    `tried_s` how long ago it was asked for last, None where it was not.
    """

    kind: Kind
    age_s: float | None
    lasts_s: float
    tried_s: float | None


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list of expected persons: what is looked up of each, and where the list goes on."""

    persons: tuple[tuple[str, ...], ...]
    following: str | None


@dataclass(frozen=True, slots=True)
class Coverage:
    """Persons who are expected or were looked up in the last day, and of how many an outage would find everything."""

    persons: int
    found: int


def may_ask(*, credential: bool, idle_s: float, backlog: bool) -> bool:
    """
    Whether it is a quiet time.

    Args:
        credential: The sidecar has one of its own, and nothing is known to be wrong with it.
        idle_s: Since anything was asked for a desk or for a record.
        backlog: A record waits that can go up.
    """
    return credential and not backlog and idle_s >= QUIET_S


def in_turn(wants: Sequence[Want]) -> list[int]:
    """Return which of *wants* are to be asked for now, the most pressing first: what is missing before what grows old."""
    due = [index for index, want in enumerate(wants) if _is_due(want)]
    return sorted(due, key=lambda index: (wants[index].kind, -_age_s(wants[index]), index))


def coverage(persons: Iterable[Sequence[bool]]) -> Coverage:
    """Return how many persons there are, and of how many all look-ups are there; of one without any, nothing is."""
    whole = [bool(there) and all(there) for there in persons]
    return Coverage(len(whole), sum(whole))


def days(now: int, timezone: tzinfo, centre: str) -> tuple[date, ...]:
    """
    Return today and tomorrow in *timezone*; *now* is wall-clock milliseconds UTC.

    Until a moment after midnight, which is the *centre*'s own, today alone: else all centres ask for the new day's list at once.
    """
    instant = datetime.fromtimestamp(now / 1000, UTC)
    next_day = (instant - timedelta(seconds=_offset_s(centre))).astimezone(timezone).date() + timedelta(days=1)
    return tuple(dict.fromkeys((instant.astimezone(timezone).date(), next_day)))


def list_of(expected: Expected, day: date, centre: str) -> str | None:
    """Return path and query of the list of those whom *centre* expects on *day*; None where a value is not to be had."""
    if not expected.query:
        return expected.path
    data = {"day": day.isoformat(), "yyyy": f"{day.year:04}", "mm": f"{day.month:02}", "dd": f"{day.day:02}", "centre": centre}
    query = query_of(expected.query, data)
    return None if query is None else f"{expected.path}?{query}"


def page(expected: Expected, answer: Answer, prefix: str) -> Page:
    """Return what a list says; *prefix* is the path of `upstream.url`, which a URL in it begins with."""
    view = view_of(answer)
    entries = expected.entries.search(view)
    following = None if expected.next is None else expected.next.search(view)
    persons = [_targets(expected.look_ups.search({"entry": entry})) for entry in (entries if isinstance(entries, list) else ())]
    return Page(tuple(each for each in persons if each), _inner(following, prefix))


def _offset_s(centre: str) -> float:
    return NEXT_DAY_WITHIN_S * int.from_bytes(blake2b(centre.encode(), digest_size=6).digest()) / 2**48


def _age_s(want: Want) -> float:
    return inf if want.age_s is None else want.age_s


def _is_due(want: Want) -> bool:
    if want.tried_s is not None and want.tried_s < min(IN_VAIN_S, _age_s(want)):
        return False  # what is there is older than that: it was in vain
    every_s = REFRESH_SHARE * want.lasts_s
    return _age_s(want) >= (min(every_s, LIST_EVERY_S) if want.kind is Kind.LIST else every_s)


def _targets(found: object) -> tuple[str, ...]:
    texts = found if isinstance(found, list) else [found]
    return tuple(dict.fromkeys(text for text in texts if isinstance(text, str) and text.startswith("/")))[:LOOK_UPS_MAX]


def _inner(url: object, prefix: str) -> str | None:
    """Return path and query of *url*; its host is not looked at: only the upstream is asked."""
    if not isinstance(url, str) or not url:
        return None
    parts = urlsplit(url)
    path = without_prefix(parts.path, prefix) if parts.netloc else parts.path
    return None if path is None or not path.startswith("/") else f"{path}?{parts.query}" if parts.query else path

"""
The outage ledger as a report: what each day and month came to, and what is drawn. Pure.

An outage counts where doses could not go up: in a group with a record route. Time in which nobody watched is neither up nor down, and of
a time that is two things the first of `KINDS` counts. A dose belongs to the day on which its outage began, or to the first of the report;
an outage counts on each day that it touches, so that days may have more of them together than the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Final, Literal

from proxy.rules.spans import Span, length_s, merged, minus, within
from store.outages import Outage, Watch

Drawn = Literal["unobserved", "down", "planned", "slow"]

KINDS: Final[tuple[Drawn, ...]] = ("unobserved", "down", "planned", "slow")

BRIDGED_MS: Final = 60_000
"""A clock that went on by more: it may have been set right after the computer was off, and nobody watched."""


@dataclass(frozen=True, slots=True)
class Made:
    """
    What was recorded in an outage; `waiting` is not confirmed yet, `late` missed its deadline, `confirmed_at`: since then all was.

    What was refused or given up (`given_up`) is in none of the others.
    """

    records: int = 0
    doses: int = 0
    walk_ins: int = 0
    waiting: int = 0
    late: int = 0
    confirmed_at: int | None = None
    given_up: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the ledger with what was made in it, over by *until*, or now."""

    row: Outage
    until: int
    made: Made

    @property
    def span(self) -> Span:
        """From beginning to end."""
        return Span(self.row.started_at, self.until)


@dataclass(frozen=True, slots=True)
class Figures:
    """
    What a day, a month or the whole came to; seconds are those of it in which somebody watched, but for `unobserved_s`.

    `own_line` are the outages that were of our own line (scope `local`).
    """

    since: int
    until: int
    outages: int
    own_line: int
    down_s: float
    longest_s: float
    planned_s: float
    slow_s: float
    unobserved_s: float
    made: Made


def unobserved(watches: Sequence[Watch], bounds: Span) -> list[Span]:
    """Return when nobody watched; where only the clock was set, and by little, between two times of watching, somebody did."""
    seen = [Span(watch.began_at, watch.seen_at) for watch in watches]
    bridged = [Span(a.seen_at, b.began_at) for a, b in pairwise(watches) if _goes_on(a, b)]
    return minus([bounds], merged([*seen, *bridged]))


def _goes_on(before: Watch, watch: Watch) -> bool:
    return watch.began_by == "clock" and watch.id == before.id + 1 and watch.began_at - before.seen_at <= BRIDGED_MS


def drawn(entries: Iterable[Entry], groups: Collection[str], unseen: Sequence[Span], bounds: Span) -> dict[Drawn, list[Span]]:
    """Return the spans of each kind within *bounds*; they do not overlap. *groups* are those with a record route."""
    of: dict[Drawn, list[Span]] = {kind: [] for kind in KINDS}
    for entry in entries:
        if entry.row.kind == "planned" or entry.row.group in groups:
            of[entry.row.kind].append(entry.span)
    of["unobserved"] = list(unseen)
    taken: list[Span] = []
    for kind in KINDS:
        of[kind] = minus(within(of[kind], bounds), taken)
        taken += of[kind]
    return of


def figures(entries: Sequence[Entry], groups: Collection[str], spans: Mapping[Drawn, Sequence[Span]], bounds: Span, since: int) -> Figures:
    """Return what *bounds* came to; *spans* as `drawn`, of a report that begins with *since*."""
    down = [entry for entry in entries if entry.row.kind == "down" and entry.row.group in groups and within([entry.span], bounds)]
    seconds = {kind: length_s(within(spans[kind], bounds)) for kind in KINDS}
    return Figures(
        since=bounds.since,
        until=bounds.until,
        outages=len(down),
        own_line=sum(entry.row.scope == "local" for entry in down),
        down_s=seconds["down"],
        longest_s=max((length_s(minus(within([entry.span], bounds), spans["unobserved"])) for entry in down), default=0.0),
        planned_s=seconds["planned"],
        slow_s=seconds["slow"],
        unobserved_s=seconds["unobserved"],
        made=_together(entry.made for entry in down if bounds.since <= max(entry.row.started_at, since) < bounds.until),
    )


def _together(made: Iterable[Made]) -> Made:
    parts = list(made)
    confirmed = [part.confirmed_at for part in parts if part.confirmed_at is not None]
    waiting = sum(part.waiting for part in parts)
    return Made(
        records=sum(part.records for part in parts),
        doses=sum(part.doses for part in parts),
        walk_ins=sum(part.walk_ins for part in parts),
        waiting=waiting,
        late=sum(part.late for part in parts),
        confirmed_at=max(confirmed) if confirmed and not waiting else None,
        given_up=sum(part.given_up for part in parts),
    )


def days(bounds: Span, zone: tzinfo) -> Iterator[Span]:
    """Yield each day of the centre, as far as it lies within *bounds*."""
    yield from _cut(bounds, zone, lambda day: day + timedelta(days=1))


def months(bounds: Span, zone: tzinfo) -> Iterator[Span]:
    """Yield each month of the centre, as far as it lies within *bounds*."""
    first = _midnight(bounds.since, zone).replace(day=1)
    yield from _cut(bounds, zone, lambda day: (day.replace(day=1) + timedelta(days=32)).replace(day=1), first)


def _cut(bounds: Span, zone: tzinfo, after: Callable[[datetime], datetime], first: datetime | None = None) -> Iterator[Span]:
    day = first or _midnight(bounds.since, zone)
    while (begins := _milliseconds(day)) < bounds.until:
        day = after(day)
        yield Span(max(begins, bounds.since), min(_milliseconds(day), bounds.until))


def _midnight(at: int, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)

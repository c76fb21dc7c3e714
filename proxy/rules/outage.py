"""
What the outage ledger is told (DESIGN §5): a circuit that opened or closed, and the group's last row, give the entry to make.

Circuits live in monotonic seconds, the ledger in wall-clock milliseconds UTC; an `Anchor` joins the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from proxy.rules.circuit import Circuit, Downtime
from store.outages import Outage

FLAP_MS: Final = 120_000
"""Outages less than this apart are one."""

Scope = Literal["local", "between", "upstream"]

BETWEEN: Final = frozenset({"dns", "connect", "tls", "portal", "redirect", "content_type"})
"""Causes that speak of the way to the upstream, or of somebody on it who answers in its place."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """
    One moment on both clocks: monotonic seconds and wall-clock milliseconds UTC.

    An outage reckoned with one anchor from beginning to end has the duration that the monotonic clock measured, whatever was done to
    the wall clock meanwhile.
    """

    monotonic: float
    wall: int


@dataclass(frozen=True, slots=True)
class Begin:
    """A new row; `started_at` is back-dated to the first failure."""

    started_at: int
    detected_at: int
    cause: str
    scope: Scope


@dataclass(frozen=True, slots=True)
class Reopen:
    """The row *id* goes on, as if it had not ended: it was too short a break."""

    id: int
    last_bad_at: int


@dataclass(frozen=True, slots=True)
class Touch:
    """The row *id* lasts: another bad answer."""

    id: int
    last_bad_at: int


@dataclass(frozen=True, slots=True)
class End:
    """The row *id* is over; `ended_at` is back-dated to the first good answer of the run that held."""

    id: int
    ended_at: int


Entry = Begin | Reopen | Touch | End


def wall_at(at: float, anchor: Anchor) -> int:
    """Return monotonic time *at* as wall-clock milliseconds UTC."""
    return anchor.wall + round((at - anchor.monotonic) * 1000)


def entry_for(row: Outage | None, before: Circuit, after: Circuit, anchor: Anchor) -> Entry | None:
    """
    Return what the ledger has to be told.

    An entry that could not be written is made up for by the next: the decision goes by the row that is there.

    Args:
        row: The group's last row, None where it never had an outage.
        before: The circuit as the row tells of it.
        after: The circuit now.
        anchor: The same one as long as the outage lasts.
    """
    if after.downtime is None:
        return _end(row, before.downtime, anchor)
    if row is None or row.ended_at is not None:
        return _begin(row, after.downtime, anchor)
    if before.downtime is not None and before.downtime.last_bad_at == after.downtime.last_bad_at:
        return None
    return Touch(row.id, max(row.last_bad_at, wall_at(after.downtime.last_bad_at, anchor)))


def _end(row: Outage | None, downtime: Downtime | None, anchor: Anchor) -> End | None:
    if row is None or row.ended_at is not None or downtime is None or downtime.good_since is None:
        return None
    # Its seconds have been counted up to the last bad answer, and a counter never falls.
    return End(row.id, max(row.started_at, row.last_bad_at, wall_at(downtime.good_since, anchor)))


def _begin(last: Outage | None, downtime: Downtime, anchor: Anchor) -> Begin | Reopen:
    started_at = wall_at(downtime.first_bad_at, anchor)
    # Also where it seems to have begun before the last one ended, after the wall clock was put back: rows of a group never overlap.
    if last is not None and last.ended_at is not None and started_at - last.ended_at < FLAP_MS:
        return Reopen(last.id, max(last.ended_at, wall_at(downtime.last_bad_at, anchor)))
    return Begin(started_at, wall_at(downtime.opened_at, anchor), downtime.cause, scope_of(downtime.cause))


def scope_of(cause: str) -> Scope:
    """Return where an outage of this cause lies: the server's own, or on the way to it; `local` takes a check of our own line."""
    return "between" if cause in BETWEEN else "upstream"


def unobserved_ms(row: Outage, now: int) -> int:
    """
    Return for how many milliseconds nobody watched the outage of *row*, which was running when the process before this one ended.

    *now* is wall-clock milliseconds UTC.
    """
    return 0 if row.ended_at is not None else max(0, now - max(row.seen_at, row.started_at))

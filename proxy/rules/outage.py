"""
What the outage ledger is told (DESIGN §5): a circuit that opened or closed, and the group's last row, give the entry to make.

Circuits live in boot seconds, the ledger in wall-clock milliseconds UTC; an `Anchor` joins the two. A row is reckoned by one anchor from
beginning to end, over restarts too: by the wall clock as it stood when the outage began, on which its times then go on as if nobody had
set it. So its duration is what was measured, whatever was done to the wall clock, and what was counted stays counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from proxy.rules.circuit import Circuit, Downtime
from proxy.rules.clock_doubt import JUMP_S
from proxy.rules.stamps import Stamp, age_s
from proxy.rules.wire import FailureKind
from store.outages import UNKNOWN_START, Failed, Outage, Seen, Start

FLAP_MS: Final = 120_000
"""Outages less than this apart are one."""

Scope = Literal["local", "between", "upstream"]

BETWEEN: Final = frozenset({"dns", "connect", "tls", "portal", "redirect", "content_type"})
"""Causes that speak of the way to the upstream, or of somebody on it who answers in its place."""


SILENT: Final = frozenset({FailureKind.DNS, FailureKind.CONNECT, FailureKind.TIMEOUT, FailureKind.RESET, FailureKind.TRUNCATED, "slow"})
"""Causes for which nobody needs to have answered."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One moment on both clocks: boot seconds, and milliseconds UTC of the row's own time."""

    monotonic: float
    wall: int


@dataclass(frozen=True, slots=True)
class Begin:
    """A new row; `started_at` is back-dated to the first failure."""

    started_at: int
    detected_at: int
    cause: str
    scope: Scope
    start: Start = UNKNOWN_START


@dataclass(frozen=True, slots=True)
class Reopen:
    """The row *id* goes on, as if it had not ended: it was too short a break."""

    id: int
    failed: Failed


@dataclass(frozen=True, slots=True)
class Touch:
    """The row *id* lasts: another bad answer."""

    id: int
    failed: Failed


@dataclass(frozen=True, slots=True)
class End:
    """The row *id* is over; `ended_at` is back-dated to the first good answer of the run that held."""

    id: int
    ended_at: int


Entry = Begin | Reopen | Touch | End


def wall_at(at: float, anchor: Anchor) -> int:
    """Return boot seconds *at* as milliseconds UTC of the row's own time."""
    return anchor.wall + round((at - anchor.monotonic) * 1000)


def entry_for(row: Outage | None, before: Circuit, after: Circuit, anchor: Anchor) -> Entry | None:
    """
    Return what the ledger has to be told.

    An entry that could not be written is made up for by the next: the decision goes by the row that is there.

    Args:
        row: The group's last row, None where it never had an outage.
        before: The circuit as the row tells of it.
        after: The circuit now.
        anchor: `reckoned_by`, of the same row.
    """
    if after.downtime is None:
        return _end(row, before.downtime, anchor)
    if row is None or row.ended_at is not None:
        return _begin(row, after.downtime, anchor)
    if before.downtime is not None and before.downtime.last_bad_at == after.downtime.last_bad_at:
        return None
    return Touch(row.id, _failed(row.last_bad_at, after.downtime, anchor))


def _end(row: Outage | None, downtime: Downtime | None, anchor: Anchor) -> End | None:
    if row is None or row.ended_at is not None or downtime is None or downtime.good_since is None:
        return None
    # Its seconds have been counted up to the last bad answer, and a counter never falls.
    return End(row.id, max(row.started_at, row.last_bad_at, wall_at(downtime.good_since, anchor)))


def _begin(last: Outage | None, downtime: Downtime, anchor: Anchor) -> Begin | Reopen:
    started_at = wall_at(downtime.first_bad_at, anchor)
    if last is not None and last.ended_at is not None and abs(started_at - last.ended_at) < FLAP_MS:
        return Reopen(last.id, _failed(last.ended_at, downtime, anchor))
    start = Start(_maybe_at(downtime.good_at, anchor), _maybe_at(downtime.known_at, anchor), downtime.first_said)
    return Begin(started_at, wall_at(downtime.opened_at, anchor), downtime.cause, scope_of(downtime.cause), start)


def _failed(not_before: int, downtime: Downtime, anchor: Anchor) -> Failed:
    at = max(not_before, wall_at(downtime.last_bad_at, anchor))
    return Failed(at, _maybe_at(downtime.asked_at, anchor), downtime.last_said)


def _maybe_at(at: float | None, anchor: Anchor) -> int | None:
    return None if at is None else wall_at(at, anchor)


def scope_of(cause: str) -> Scope:
    """Return where an outage of this cause lies: the server's own, or on the way to it; `local` takes a check of our own line."""
    return "between" if cause in BETWEEN else "upstream"


def may_be_ours(cause: str) -> bool:
    """Whether our own line may be what failed: nothing came back. An answer, whosever, came over it."""
    return cause in SILENT


def continued(row: Outage, now: Stamp) -> Anchor:
    """Return the anchor by which *row* goes on: from when it was last seen, by what was measured since; over a reboot by the wall clock."""
    return Anchor(now.boot_s, row.seen_at + _since_seen_ms(row, now))


def reckoned_by(last: Outage | None, first_bad_at: float, now: Stamp, *, doubtful: bool) -> Anchor:
    """
    Return the anchor of an outage whose first failure was at *first_bad_at* (boot seconds): of a new row, or of *last*, which goes on.

    A new row goes by the wall clock as it is. Where that was put back behind the last row's end, or so near that it would look like a
    flap and is none, it goes on by the last row's time: rows of a group never overlap. Unless it is the last row's time that was wrong,
    and the clock is right now (*doubtful*: it is not, as far as anybody knows): a year ahead once is not a year ahead for ever.
    """
    fresh = Anchor(now.boot_s, now.wall)
    if last is None:
        return fresh
    own = continued(last, now)
    if last.ended_at is None:
        return own
    gap_ms = wall_at(first_bad_at, own) - last.ended_at
    if gap_ms < FLAP_MS and _may_flap(last, now):
        return own
    fresh_gap_ms = wall_at(first_bad_at, fresh) - last.ended_at
    if fresh_gap_ms >= FLAP_MS or (fresh_gap_ms <= -FLAP_MS and last.clock_doubtful and not doubtful):
        return fresh
    return Anchor(own.monotonic, own.wall + max(0, FLAP_MS - gap_ms))


def seen(anchor: Anchor, now: Stamp, *, doubtful: bool) -> Seen:
    """Return how a row reckoned by *anchor* is seen now; *doubtful*: the wall clock is known to be wrong."""
    at = wall_at(now.boot_s, anchor)
    return Seen(at, now.wall, now.boot_id, now.boot_s, doubtful or abs(now.wall - at) > JUMP_S * 1000)


def unobserved_ms(row: Outage, now: Stamp) -> int:
    """Return for how many milliseconds nobody watched the outage of *row*, which was running when the process before this one ended."""
    return 0 if row.ended_at is not None else _since_seen_ms(row, now)


def lasted_ms(row: Outage, now: Stamp) -> int:
    """Return how long the outage of *row* has lasted, or did; one that runs is counted up to *now*."""
    end = wall_at(now.boot_s, continued(row, now)) if row.ended_at is None else row.ended_at
    return max(0, end - row.started_at)


def end_holds(row: Outage, now: Stamp) -> bool:
    """Whether the end of *row* has held so long that what comes now is another outage; once true it stays so, or its duration would not."""
    return row.ended_at is not None and (not _may_flap(row, now) or wall_at(now.boot_s, continued(row, now)) - row.ended_at >= FLAP_MS)


def _may_flap(row: Outage, now: Stamp) -> bool:
    # Over a reboot only the wall clock tells how long ago it ended, and whoever puts that back would take a told duration back.
    return row.seen_boot == now.boot_id


def _since_seen_ms(row: Outage, now: Stamp) -> int:
    return round(age_s(Stamp(row.seen_wall_at, row.seen_boot, row.seen_boot_s), now) * 1000)

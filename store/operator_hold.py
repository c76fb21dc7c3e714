"""
The operator's hold: for planned maintenance, sending stops until it is released. At most one is in force.

In the outage ledger it is a row of its own kind, dated by the wall clock, as its `until` is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from store import audit, outage_ledger
from store.outages import ALL_GROUPS, Note, Seen
from store.queries import Db, rows, run

CAUSE: Final = "hold"


@dataclass(frozen=True, slots=True)
class OperatorHold:
    """A hold in force; times are wall-clock milliseconds UTC, `until` None means until it is released."""

    until: int | None
    reason: str
    by: str
    held_at: int


def hold(db: Db, until: int | None, reason: str, by: str, now: int) -> None:
    """Put a hold in force, in place of the one that was."""
    run(db, "release_hold", released_by=by, released_at=now)
    _end_row(db, now)
    _begin_row(db, reason, by, now)
    run(db, "insert_hold", until=until, reason=reason, held_by=by, held_at=now)
    audit.note(db, now, by, "hold", None, reason, {"until": until})


def release(db: Db, by: str, now: int, seen: OperatorHold | None = None) -> bool:
    """Release the hold in force, or the one *seen*; False where there is none, or another took its place."""
    held = operator_hold(db)
    if seen is not None and held != seen:
        return False
    released = run(db, "release_hold", released_by=by, released_at=now) > 0
    if released:
        _end_row(db, now if held is None or held.until is None else min(now, held.until))
        audit.note(db, now, by, "release", None, "")
    return released


def operator_hold(db: Db) -> OperatorHold | None:
    """Return the hold in force. One whose `until` has passed is in force until it is released: whoever asks compares."""
    found = rows(db, "hold_in_force")
    return OperatorHold(*found[0]) if found else None


def _begin_row(db: Db, reason: str, by: str, now: int) -> None:
    id_ = outage_ledger.begin_row(db, "planned", ALL_GROUPS, (now, now), (CAUSE, "upstream"), _seen(now))
    if reason:
        outage_ledger.add_note(db, Note(id_, now, by, reason))


def _end_row(db: Db, now: int) -> None:
    for row in outage_ledger.as_outages(rows(db, "running_hold")):
        ended_at = max(now, row.started_at)
        run(db, "end_outage", id=row.id, ended_at=ended_at, later=0, **outage_ledger.columns(_seen(ended_at)))


def _seen(now: int) -> Seen:
    return Seen(now, now, "", 0.0)

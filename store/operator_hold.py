"""The operator's hold: for planned maintenance, sending stops until it is released. At most one is in force."""

from __future__ import annotations

from dataclasses import dataclass

from store import audit
from store.queries import Db, rows, run


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
    run(db, "insert_hold", until=until, reason=reason, held_by=by, held_at=now)
    audit.note(db, now, by, "hold", None, reason, {"until": until})


def release(db: Db, by: str, now: int) -> bool:
    """Release the hold in force; False where there is none."""
    released = run(db, "release_hold", released_by=by, released_at=now) > 0
    if released:
        audit.note(db, now, by, "release", None, "")
    return released


def operator_hold(db: Db) -> OperatorHold | None:
    """Return the hold in force. One whose `until` has passed is in force until it is released: whoever asks compares."""
    found = rows(db, "hold_in_force")
    return OperatorHold(*found[0]) if found else None

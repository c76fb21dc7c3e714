"""
What makes a journal that is a copy different: the original may have sent what is unsent here, and given out the numbers that come next.

So what is unsent is looked up before it is sent, and numbers and provisional ids go on with a gap.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Final

from store import audit, remembered
from store.file.home import Home
from store.identity_ledger import BY_ITSELF, PROVISIONAL_IDS
from store.queries import Db, run, value

GAP: Final = 10_000
"""Numbers left out after a copy was put in place: what the original may have given out since. A big centre gives 800 doses a day."""

RESTORED: Final = "restored"
"""In meta, what is remembered of it; and the audit's word."""

_HOME: Final = "home"
_COPIED: Final = "copied"


@dataclass(frozen=True, slots=True)
class Restored:
    """
    That a journal is a copy. Times are wall-clock milliseconds UTC.

    `at` is when that was noticed, `copied_at` when the copy was made (None: nobody knows, it was copied by hand). Of the numbers up to
    `last_number` what was unsent is looked up before it is sent; those from there to `next_number` were not given out here.
    `taken_over`: what cannot be looked up has been held.
    """

    at: int
    copied_at: int | None
    last_number: int
    next_number: int
    taken_over: bool = False


def restored(db: Db) -> Restored | None:
    """Return since when this journal is a copy; None for an original."""
    kept = value(db, "meta", name=RESTORED)
    return None if kept is None else Restored(**json.loads(kept))


def mark_copied(db: Db, now: int) -> None:
    """In a backup: wherever it is put in place, it is known for one. Answers that are remembered are expendable, and left out of it."""
    remembered.forget_all(db)
    run(db, "set_meta", name=_COPIED, value=str(now).encode())


def is_at_home(db: Db, found: Home | None) -> bool | None:
    """Whether the journal lives where *found* is; None where it never lived anywhere."""
    if value(db, "meta", name=_COPIED) is not None:
        return False
    kept = value(db, "meta", name=_HOME)
    if kept is None:
        return None
    known = json.loads(kept)
    return found is not None and found.place == known["place"] and found.token in known["tokens"]


def live_at(db: Db, home: Home, next_token: str) -> None:
    """Remember where the journal lives: it goes by the token that is there, and by the one that is to be written over it."""
    run(db, "set_meta", name=_HOME, value=json.dumps({"place": home.place, "tokens": [home.token, next_token]}).encode())


def mark_restored(db: Db, now: int) -> Restored:
    """Note that this is a copy: forget the look-ups of what is unsent, and leave a gap in the numbers."""
    copied_at = value(db, "meta", name=_COPIED)
    last: int = value(db, "last_number") or 0
    run(db, "skip_numbers", gap=GAP)
    run(db, "skip_count", name=PROVISIONAL_IDS, label="", gap=GAP)
    run(db, "forget_look_ups")
    run(db, "forget_meta", name=_COPIED)
    made = Restored(now, None if copied_at is None else int(copied_at), last, last + GAP + 1)
    _keep(db, made)
    details = {"copied_at": made.copied_at, "last_number": made.last_number, "next_number": made.next_number}
    audit.note(db, now, BY_ITSELF, RESTORED, None, "the journal is a copy", details)
    return made


def mark_taken_over(db: Db) -> Restored | None:
    """Note that what cannot be looked up has been held."""
    known = restored(db)
    if known is None:
        return None
    taken_over = replace(known, taken_over=True)
    _keep(db, taken_over)
    return taken_over


def _keep(db: Db, made: Restored) -> None:
    run(db, "set_meta", name=RESTORED, value=json.dumps(asdict(made)).encode())

"""
Put a journal right that is damaged: a copy with all that can be had, the damaged original kept beside it, the one in the other's place.

The new one is complete before the old is moved away (`store.file.exchange`). Whoever calls this has the journal's lock and has no
connection open.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from store.errors import JournalUnreadable
from store.file.connection import SqliteError, open_writer
from store.file.engine import size_bytes
from store.file.exchange import put_in
from store.file.image import Image, composed, looks_whole
from store.file.keepsake import keepsake
from store.file.log import Tail
from store.file.originals import RESCUE, end_rescue, free_original, thin_out
from store.file.reserve import give_up
from store.file.wreck import Wreck
from store.queries import SQL, Db, rows, run
from store.salvage import Salvaged, doubt_last_commit, noted, salvaged
from store.traces import damaged_wait

COPIES: Final = 3
"""Files of about the journal's size that a rescue makes, at most: an image of it, one of before its damage, and the new journal."""

_NOTHING_LOST: Final = Salvaged((), (), ())
_IMAGE, _BEFORE, _FRESH = (".copied", ".before", ".salvaged")
_SCRATCH: Final = (_IMAGE, _BEFORE, _FRESH, ".keeping")
"""The last is an older version's."""


@dataclass(frozen=True, slots=True)
class Rescue:
    """
    What was found damaged, and what became of it; `at` is wall-clock milliseconds UTC.

    `kept_as` is the damaged original's name. `bits` were flipped back, which lost nothing; `pages` stayed damaged. `held` are numbers of
    records that are held with the reason `damaged`, `closed` of those that were closed and of which only the number is left; `holed`
    what could not be read wholly. `commits_lost`: so many of the last commits could not be taken, and may have been acknowledged.
    """

    at: int
    kept_as: str
    bits: int
    pages: int
    held: tuple[int, ...]
    closed: tuple[int, ...]
    holed: tuple[str, ...]
    commits_lost: int


def rescued_at_start(journal: Path, key: bytes, now: int) -> Rescue | None:
    """
    Before SQLite opens the file: end a rescue that a stop cut off, look at the first page and the log, and rescue what is damaged.

    Raises:
        JournalError: it cannot be rescued; the files are left as they are.
    """
    with suppress(OSError):  # what is damaged is swept again
        _sweep(journal)
    end_rescue(journal)
    if not journal.exists() or journal.stat().st_size == 0 or _being_made(journal) or looks_whole(journal, key):
        return None
    return rescued(journal, key, now)


def _being_made(journal: Path) -> bool:
    """Whether a stop cut off the very first transactions, made before the file has its log: SQLite itself takes them back."""
    undo = journal.with_name(journal.name + "-journal")
    return undo.exists() and undo.stat().st_size > 0


def rescued(journal: Path, key: bytes, now: int, *, in_place: bool = True) -> Rescue | None:
    """
    Look at every page, and put right what is damaged; without *in_place* only tell what that would come to. None where nothing is.

    Raises as `rescued_at_start`.
    """
    copy, before, fresh = (journal.with_name(journal.name + ending) for ending in (_IMAGE, _BEFORE, _FRESH))
    try:
        _sweep(journal)
        if in_place:
            end_rescue(journal)  # else what it took from the log would be lost
            _have_room(journal)
        image = composed(journal, key, copy)
        cut = not image.damaged and _ends_in_zeros(copy, key)
        if image.as_it_was() and not cut:
            return None
        found, new = _NOTHING_LOST, copy
        if image.damaged or cut:
            older = composed(journal, key, before, before_holes=True) if image.behind.tail is Tail.HOLED else None
            try:
                found, new = salvaged(copy, key, fresh, now, keepsake(journal), None if older is None else older.path), fresh
            except JournalUnreadable:
                # A power cut in the very first commits, of what everything else is read by: as it was before them.
                if older is None or older.damaged:
                    raise
                image, new = older.without_rest(), before
        kept = free_original(journal, now)
        result = _result(image, found, kept.name, now)
        if in_place:
            need_them = _note(new, key, result)
            _sync(new)
            put_in(new, journal, kept, RESCUE)
            if not need_them:
                with suppress(OSError):  # what cannot be deleted only takes room
                    thin_out(journal)
    except (OSError, SqliteError) as error:
        why = f"it is damaged, and no sound one can be made beside it ({getattr(error, 'strerror', None) or error})"
        raise JournalUnreadable(journal=journal, reason=why) from error
    finally:
        with suppress(OSError):  # whatever became of it is so all the same
            _sweep(journal)
    return result


def _ends_in_zeros(image: Path, key: bytes) -> bool:
    """Whether a request does of which no page is damaged any more: the zeros were copied, or moved, since."""
    with closing(Wreck(image, key, {})) as wreck:
        return any(wreck.one(asked) == (1,) for asked in (SQL["any_request_cut"], SQL["any_revision_cut"]))


def _sweep(journal: Path) -> None:
    """Take away what a rescue works with. A kill leaves it: SQLite would read an old copy's log into the next one."""
    for name in _SCRATCH:
        for ending in ("", "-wal", "-shm", "-journal"):
            journal.with_name(journal.name + name + ending).unlink(missing_ok=True)


def rescues(db: Db) -> list[Rescue]:
    """Return every rescue this journal has had, oldest first."""
    return [_as_rescue(json.loads(said)) for (said,) in rows(db, "reports")]


def _as_rescue(said: dict[str, Any]) -> Rescue:
    fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in said.items()}
    return Rescue(**fields)


def _result(image: Image, found: Salvaged, kept_as: str, now: int) -> Rescue:
    lost = image.behind.lost if image.behind.tail is Tail.LOST else 0
    return Rescue(now, kept_as, image.bits, len(image.damaged), found.held, found.closed, found.holed, lost)


def _note(new: Path, key: bytes, result: Rescue) -> bool:
    """Let the new journal tell of the damage itself, and be one file again. Return whether records wait of which a part is lost."""
    db = open_writer(new, key)
    try:
        if result.commits_lost:
            doubt_last_commit(db)
        said: Mapping[str, Any] = asdict(result)
        db.execute("BEGIN IMMEDIATE")
        run(db, "keep_meta", name=f"damage-{result.at:014}", value=json.dumps(said).encode())
        noted(db, result.at, result.kept_as, said)
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return damaged_wait(db)
    finally:
        db.close()


def _have_room(journal: Path) -> None:
    """Up to three copies are made; where they may not fit they have the reserve's room, then that of the originals between others."""
    for make_room in (give_up, thin_out):
        if shutil.disk_usage(journal.parent).free < COPIES * size_bytes(journal):
            with suppress(OSError):  # it may do all the same
                make_room(journal)


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())

"""
Put a copy of a journal in place: it is verified first, and what was there is set aside, never deleted.

There is a whole journal at every moment: the old one has its other name as well before anything is moved, and the copy takes its place in
one step. A stop on the way is ended by the next start, for which the copy waits beside the journal under a name that says so.
"""

from __future__ import annotations

import glob
import os
import secrets
import shutil
from contextlib import closing
from pathlib import Path
from typing import Final

from store.errors import BackupUnfit, JournalError, JournalInPlace, JournalNewer, JournalUnreadable, RestoreUnfinished
from store.file.backup import remove, verified
from store.file.connection import SqliteError, open_copy
from store.file.folder import sync_folder
from store.file.migrate import MIGRATIONS, version

_LOG: Final = "-wal"
_GOES_WITH_IT: Final = (_LOG, "-journal", "-shm", ".home", ".rescued")
"""A journal's other files, but for the lock, which the caller holds. A rescue that was cut off would else go on in the copy's place."""

_READY: Final = ".restoring"
"""Behind the name of what is set aside: the copy, whole, until it is in place."""

_PART: Final = ".part"


def put_in_place(file: Path, journal: Path, key: bytes, aside: str | None) -> Path | None:
    """
    Put *file* where *journal* is to be; the caller holds the journal's lock.

    Args:
        file: A backup; or the file of a stopped journal, with its log beside it if there is one.
        journal: Where to.
        key: What opens both.
        aside: What is appended to the names of the files that are there already; None: they must not be there.

    Returns:
        Under what name the journal that was there is now; None where there was none.

    Raises:
        BackupUnfit: the copy is not there, not whole, of another key or of a newer dosekeeper, or the disk fails. Nothing was changed.
        JournalInPlace: there is a journal, and *aside* is None. Nothing was changed.
        RestoreUnfinished: the disk fails half-way, and does not let it be taken back either.
    """
    end_restore(journal)
    part = journal.with_name(f".{journal.name}.{secrets.token_hex(4)}")
    present = [path for path in (journal, _beside(journal, _LOG)) if path.exists()]  # a log that has lost its file may hold records
    if present and aside is None:
        raise JournalInPlace(journal=present[0], size=present[0].stat().st_size)
    try:
        _bring(file, part)
        _require_fit(part, key)
        if aside is None:
            part.replace(journal)
            sync_folder(journal.parent)
        else:
            _exchange(part, journal, _beside(journal, aside))
    except OSError as error:
        raise BackupUnfit(file=file, reason=error.strerror or error) from error
    except RestoreUnfinished:
        raise
    except (SqliteError, JournalError) as error:
        raise BackupUnfit(file=file, reason=error) from error
    finally:
        remove(part)
    return _beside(journal, str(aside)) if present else None


def end_restore(journal: Path) -> Path | None:
    """
    End a restore that a stop cut off; before anything is read of the journal. Returns the name of what was there; None where nothing was.

    Raises:
        RestoreUnfinished: the disk does not let it be ended.
    """
    ready = next(journal.parent.glob(f"{glob.escape(journal.name)}.*{_READY}"), None)
    if ready is None:
        return None
    kept = ready.with_name(ready.name.removesuffix(_READY))
    try:
        _change_places(ready, journal, kept)
    except OSError as error:
        raise RestoreUnfinished(journal=journal, kept=kept.name, reason=error.strerror or error) from error
    return kept


def _exchange(part: Path, journal: Path, kept: Path) -> None:
    """Raise OSError where all is as it was."""
    if any(path.exists() for path in (kept, *(_beside(kept, end) for end in _GOES_WITH_IT))):
        raise FileExistsError(f"{kept} is there already")  # of the same second: it would be overwritten
    ready = part.replace(_beside(kept, _READY))
    try:
        sync_folder(journal.parent)
        _change_places(ready, journal, kept)
    except OSError as error:
        if not ready.exists():
            return  # the copy is in place; a disk that does not sync says so at the first write
        try:
            _call_off(ready, journal, kept)
        except OSError:
            raise RestoreUnfinished(journal=journal, kept=kept.name, reason=error.strerror or error) from error
        raise


def _change_places(ready: Path, journal: Path, kept: Path) -> None:
    """Set aside what is there, and put the copy in its place; each step may be done twice."""
    if journal.exists() and not kept.exists():
        _name_too(journal, kept)
    for end in _GOES_WITH_IT:
        if _beside(journal, end).exists():
            _beside(journal, end).replace(_beside(kept, end))
    sync_folder(journal.parent)  # before the copy is there: the old log must never be read into it
    ready.replace(journal)
    sync_folder(journal.parent)


def _call_off(ready: Path, journal: Path, kept: Path) -> None:
    """Take back what was done of `_change_places`; the copy goes last, for a start would else find a journal without its log."""
    for end in _GOES_WITH_IT:
        if _beside(kept, end).exists():
            _beside(kept, end).replace(_beside(journal, end))
    sync_folder(journal.parent)
    for path in (kept, _beside(kept, _PART)):
        path.unlink(missing_ok=True)
    ready.unlink()
    sync_folder(journal.parent)  # a copy that comes back would be put over what is recorded from now on


def _name_too(journal: Path, kept: Path) -> None:
    try:
        os.link(journal, kept)
    except OSError:  # a file system without links
        copy = _beside(kept, _PART)
        copy.unlink(missing_ok=True)
        _copy(journal, copy)
        copy.replace(kept)


def _beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def _bring(file: Path, part: Path) -> None:
    """Copy the file, and its log, next to the journal's place: verified there, it is on the disk on which it will be used."""
    for end in ("", _LOG):
        if end == "" or _beside(file, end).exists():
            _copy(_beside(file, end), _beside(part, end))


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as read, os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written:
        shutil.copyfileobj(read, written)
        written.flush()
        os.fsync(written.fileno())


def _require_fit(part: Path, key: bytes) -> None:
    with closing(open_copy(part, key)) as db:
        found, known = version(db), max(MIGRATIONS)
        db.execute("PRAGMA journal_mode = DELETE")  # folds the log in
    if found == 0:  # SQLite takes a file that is cut off at its very beginning for an empty one
        raise JournalUnreadable(journal=part, reason="there is no journal in it")
    if found > known:
        raise JournalNewer(found=found, known=known)
    verified(part, key, lambda _: None)

"""Put a copy of a journal in place: it is verified first, and what was there is set aside, never deleted."""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import closing
from pathlib import Path
from typing import Final

from store.errors import BackupUnfit, JournalError, JournalInPlace, JournalNewer, JournalUnreadable
from store.file.backup import remove, verified
from store.file.connection import SqliteError, open_copy
from store.file.folder import sync_folder
from store.file.migrate import MIGRATIONS, version

_LOG: Final = "-wal"
_GOES_WITH_IT: Final = ("", _LOG, "-shm", ".home", ".rescued")
"""The files of a journal, but for the lock, which the caller holds. A rescue that was cut off would else go on in the copy's place."""


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
        BackupUnfit: the copy is not there, not whole, of another key or of a newer dosekeeper. Nothing was changed.
        JournalInPlace: there is a journal, and *aside* is None. Nothing was changed.
    """
    part = journal.with_name(f".{journal.name}.{secrets.token_hex(4)}")
    present = [journal.with_name(journal.name + end) for end in _GOES_WITH_IT]
    try:
        there = any(path.exists() for path in present[:2])
        if aside is None:
            _require_none(present)
        _bring(file, part)
        _require_fit(part, key)
        if aside is not None:
            for path in filter(Path.exists, present):
                path.rename(path.with_name(journal.name + aside + path.name.removeprefix(journal.name)))
        part.replace(journal)
        sync_folder(journal.parent)
    except OSError as error:
        raise BackupUnfit(file=file, reason=error.strerror or error) from error
    except JournalInPlace:
        raise
    except (SqliteError, JournalError) as error:
        raise BackupUnfit(file=file, reason=error) from error
    finally:
        remove(part)
    return journal.with_name(journal.name + str(aside)) if there else None


def _require_none(present: list[Path]) -> None:
    """The file, or a log that it has lost, may hold records."""
    for path in present[:2]:
        if path.exists():
            raise JournalInPlace(journal=path, size=path.stat().st_size)


def _bring(file: Path, part: Path) -> None:
    """Copy the file, and its log, next to the journal's place: verified there, it is on the disk on which it will be used."""
    for end in ("", _LOG):
        source, target = file.with_name(file.name + end), part.with_name(part.name + end)
        if end and not source.exists():
            continue
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

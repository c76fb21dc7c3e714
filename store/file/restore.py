"""Put a copy of a journal in place: it is verified first, and what was there is set aside, never deleted."""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import closing, suppress
from glob import escape
from pathlib import Path
from typing import Final

from store.errors import BackupUnfit, ExchangeUnfinished, JournalError, JournalInPlace, JournalNewer, JournalUnreadable
from store.file.backup import LEFTOVERS, remove, verified
from store.file.connection import SqliteError, open_copy
from store.file.exchange import Kind, beside, end, put_in
from store.file.folder import sync_folder
from store.file.migrate import MIGRATIONS, version
from store.file.originals import end_rescue

_LOG: Final = "-wal"
_RESTORE: Final = Kind(".replaced-", ".restoring", (_LOG, "-journal", ".home", ".rescued"))
"""All of a journal but the lock, which the caller holds; `.rescued` is of an older version (`store.file.originals`)."""


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
        ExchangeUnfinished: the disk fails half-way, and does not let it be taken back either.
    """
    end_restore(journal)
    end_rescue(journal)  # else it would go on in the copy's place
    _sweep(journal)
    part = journal.with_name(f".{journal.name}.{secrets.token_hex(4)}")
    present = [path for path in (journal, beside(journal, _LOG)) if path.exists()]  # a log that has lost its file may hold records
    if present and aside is None:
        raise JournalInPlace(journal=present[0], size=present[0].stat().st_size)
    try:
        _bring(file, part)
        _require_fit(part, key)
        if aside is None:
            part.replace(journal)
            sync_folder(journal.parent)
        else:
            put_in(part, journal, beside(journal, aside), _RESTORE)
    except OSError as error:
        raise BackupUnfit(file=file, reason=error.strerror or error) from error
    except ExchangeUnfinished:
        raise
    except (SqliteError, JournalError) as error:
        raise BackupUnfit(file=file, reason=error) from error
    finally:
        remove(part)
    return beside(journal, str(aside)) if present else None


def end_restore(journal: Path) -> Path | None:
    """As `store.file.exchange.end`, of a restore."""
    return end(journal, _RESTORE)


def _sweep(journal: Path) -> None:
    """Take away what restores left that were killed as they copied: each as large as the journal."""
    begins = f".{journal.name}."
    for left in journal.parent.glob(f"{escape(begins)}{'[0-9a-f]' * 8}*"):
        if left.name[len(begins) + 8 :] in LEFTOVERS:
            with suppress(OSError):
                left.unlink(missing_ok=True)


def _bring(file: Path, part: Path) -> None:
    """Copy the file, and its log, next to the journal's place: verified there, it is on the disk on which it will be used."""
    for ending in ("", _LOG):
        if ending == "" or beside(file, ending).exists():
            _copy(beside(file, ending), beside(part, ending))


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

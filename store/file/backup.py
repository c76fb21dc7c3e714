"""
A copy of a journal that is in use: one encrypted file, opened by the same key, verified before it has its name.

The copy is of one moment: its pages are read within one read transaction, which in WAL mode keeps nobody from writing.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

from store.errors import BackupFailed, JournalError, JournalUnreadable
from store.file.connection import SqliteError, open_copy, open_reader, require_sound
from store.file.ends import require_ends
from store.file.folder import sync_folder
from store.queries import Db

T = TypeVar("T")

PAGES: Final = 1000
"""Pages (4 KiB each) copied between two looks at whether the copy is still wanted."""

LEAVE_FREE: Final = 64 << 20
"""Bytes that a backup on the journal's own disk leaves to the journal: `store.reserve`, at its default."""

EXPENDABLE: Final = "remembered"
"""Tables whose names begin so are in no copy."""

LEFTOVERS: Final = ("", "-journal", "-wal", "-shm")


class _NotWanted(Exception):
    """The process is stopping."""


@dataclass(frozen=True, slots=True)
class Backup(Generic[T]):
    """A finished backup: where it is, its size in bytes, and what it holds, as the caller looks at it."""

    file: Path
    size_bytes: int
    holds: T


@dataclass(frozen=True, slots=True)
class About(Generic[T]):
    """What the caller knows of the content: `look` says what a journal holds, `sign` writes into a copy that it is one."""

    look: Callable[[Db], T]
    sign: Callable[[Db], None]


def back_up(journal: Path, key: bytes, target: Path, about: About[T], given_up: Callable[[], bool]) -> Backup[T]:
    """
    Copy *journal* to *target*, whole and on disk, or not at all; blocks as long as it takes (80 MB: about a second and a half).

    Args:
        journal: Open in this process or in none.
        key: The journal's; the copy has the same.
        target: What bears this name is replaced. Its folder is not made: a stick that is not plugged in would become one on this disk.
        about: What the copy is compared by, and signed with.
        given_up: Asked now and then whether to stop.

    Raises:
        BackupFailed: there is none; the folder is as it was.
    """
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        _require_room(journal, target.parent)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        held = _copy(journal, key, part, about, given_up)
        _require_same(part, held, verified(part, key, lambda db: _seen(db, about)))
        _sync_file(part)
        part.replace(target)
        sync_folder(target.parent)
        return Backup(target, target.stat().st_size, held[1])
    except OSError as error:
        raise BackupFailed(folder=target.parent, reason=error.strerror or error) from error
    except _NotWanted:
        raise BackupFailed(folder=target.parent, reason="the service is stopping") from None
    except BackupFailed:
        raise
    except (SqliteError, JournalError) as error:
        raise BackupFailed(folder=target.parent, reason=error) from error
    finally:
        remove(part)


def verified(copy: Path, key: bytes, look: Callable[[Db], T]) -> T:
    """
    Open a copy with the key, read every page of it, and return what *look* says of it.

    Raises:
        JournalError: it cannot be opened, or is not whole.
    """
    with closing(open_copy(copy, key)) as db:
        damaged = db.execute("PRAGMA cipher_integrity_check").fetchall()  # the HMAC of each page
        (found,) = db.execute("PRAGMA integrity_check(1)").fetchone()
        if damaged or found != "ok" or db.execute("PRAGMA foreign_key_check").fetchall():
            raise JournalUnreadable(journal=copy, reason=f"it is damaged ({len(damaged)} pages; {found})")
        return look(db)


def remove(part: Path) -> None:
    """Take away what is left of an unfinished copy."""
    for end in LEFTOVERS:
        with suppress(OSError):
            part.with_name(part.name + end).unlink(missing_ok=True)


def _copy(journal: Path, key: bytes, part: Path, about: About[T], given_up: Callable[[], bool]) -> tuple[dict[str, int], T]:
    """Return what the journal held at the moment of the copy."""

    def go_on(*_: object) -> None:
        if given_up():
            raise _NotWanted

    with closing(open_reader(journal, key)) as source, closing(open_copy(part, key)) as copy:
        source.execute("BEGIN")
        held = _rows(source), about.look(source)  # the first read: from here on the transaction sees this moment
        source.backup(copy, pages=PAGES, progress=go_on, sleep=0)
        require_sound(source)  # else zeros were copied as if they had been written
        source.execute("ROLLBACK")
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a log
        about.sign(copy)
        copy.execute("PRAGMA incremental_vacuum").fetchall()  # what the signature left out takes no room on a stick
    return held


def _seen(copy: Db, about: About[T]) -> tuple[dict[str, int], T]:
    require_ends(copy)  # a page of zeros was copied as if it had been written, and has an HMAC now
    return _rows(copy), about.look(copy)


def _rows(db: Db) -> dict[str, int]:
    """Return how many rows each table has; `meta` is where a copy is signed."""
    names = db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'meta'").fetchall()
    tables = [name for (name,) in names if not name.startswith(EXPENDABLE)]
    return {name: db.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0] for name in tables}  # noqa: S608 - names from the schema


def _require_same(part: Path, held: object, copied: object) -> None:
    if held != copied:
        raise BackupFailed(folder=part.parent, reason="the copy does not hold what the journal held")


def _require_room(journal: Path, folder: Path) -> None:
    size = journal.stat().st_size
    needed = size + (LEAVE_FREE if folder.stat().st_dev == journal.stat().st_dev else 0)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise BackupFailed(folder=folder, reason=f"it has {free >> 20} MiB free, and {(needed >> 20) + 1} MiB are needed")


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

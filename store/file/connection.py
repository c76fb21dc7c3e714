"""Open the encrypted file, and say in our words what SQLite says. The only module that imports sqlcipher3."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import sqlcipher3

from store.errors import JournalError, JournalRefused, JournalUnreadable, JournalUnwritable, KeyWrong
from store.file.migrate import MIGRATIONS, migrate
from store.queries import Db

SQLITE_FLOOR: Final = (3, 51, 3)
"""SQLite 3.7.0 to 3.51.2 can corrupt a WAL file when two connections write or checkpoint at once (sqlite.org/wal.html, "WAL-reset bug")."""

SqliteError: Final[type[Exception]] = sqlcipher3.Error
"""What the library raises, for those who translate it."""

_CORRUPT: Final = 11
_NOT_A_DATABASE: Final = 26
"""SQLITE_CORRUPT, SQLITE_NOTADB (sqlite.org/rescode.html)."""

_DAMAGED: Final = frozenset({8, _CORRUPT, _NOT_A_DATABASE})
"""SQLITE_READONLY, SQLITE_CORRUPT, SQLITE_NOTADB."""

_PRAGMAS: Final = (
    "busy_timeout = 5000",  # ms; only our own checkpoint ever makes us wait
    "foreign_keys = ON",
    "secure_delete = ON",  # what is purged leaves no trace in free pages
    "synchronous = FULL",  # NORMAL lost 5-12 % of acknowledged writes in simulated power cuts
    "fullfsync = ON",  # macOS: fsync alone stops at the drive's cache; no effect elsewhere
    "checkpoint_fullfsync = ON",
    "wal_autocheckpoint = 4000",  # pages: about 16 MiB of WAL
    "journal_size_limit = 67108864",  # bytes: after a burst the WAL is cut back to 64 MiB
    "cache_size = -32768",  # KiB: decrypted pages, so that a page is not decrypted at each use
)


def sqlite_version() -> str:
    """Return the version of the SQLite that sqlcipher3 brings."""
    return str(sqlcipher3.sqlite_version)


def open_writer(journal: Path, key: bytes) -> Db:
    """
    Open the journal for writing, making it if it is not there, and bring its schema up to date.

    Raises:
        KeyWrong: the key does not open it.
        JournalNewer: a newer dosekeeper wrote it.
        JournalUnreadable: anything else that keeps it from being opened; the file is left as it is.
    """
    _refuse_lost_journal(journal)
    db = _open(journal, key)
    with _closed_on_error(db, journal):
        _use_wal(db, journal)
        migrate(db)
    return db


def open_new(journal: Path, key: bytes, version: int) -> Db:
    """Make an empty journal with the schema of *version*, in one file without a log. Raises as `open_writer` does."""
    journal.unlink(missing_ok=True)
    db = _open(journal, key)
    with _closed_on_error(db, journal):
        _shrink_by_and_by(db)
        migrate(db, {number: script for number, script in MIGRATIONS.items() if number <= version})
    return db


def open_reader(journal: Path, key: bytes) -> Db:
    """Open a journal that `open_writer` has opened, for reading only: also its close changes nothing, be it the last. Raises as it does."""
    return _open(journal, key, read_only=True)


def open_copy(copy: Path, key: bytes) -> Db:
    """Open a copy of a journal, or an empty file that is to be one; without a log beside it, and not migrated. Raises as `open_writer`."""
    return _open(copy, key)


def open_wreck(image: Path, key: bytes) -> Db:
    """Open a copy of a damaged journal to read what can be read. After a damaged page it reads nothing more: open it anew."""
    db = _open(image, key)
    with _closed_on_error(db, image):
        db.execute("PRAGMA query_only = ON")
        db.execute("PRAGMA writable_schema = ON")  # reads on where the file is shorter than it says
    return db


def log_end(journal: Path, key: bytes) -> int:
    """
    Return how many frames of the log SQLite takes, asked through a connection that changes nothing and deletes nothing.

    In our own code the same sums would take 2 s for a log of 64 MiB. 0 where the first page cannot be read.
    """
    try:
        db = sqlcipher3.connect(_read_only(journal), uri=True, isolation_level=None)
    except sqlcipher3.Error:
        return 0
    try:
        db.execute("PRAGMA cipher_log_level = NONE")
        db.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        db.execute("SELECT COUNT(*) FROM sqlite_schema").fetchone()
        return max(0, int(db.execute("PRAGMA wal_checkpoint(NOOP)").fetchone()[1]))
    except sqlcipher3.Error:
        return 0
    finally:
        db.close()


def damaged(error: Exception) -> bool:
    """
    Whether an error of the journal's may come from a damaged page.

    Measured: the first read of one is SQLITE_CORRUPT (of the first page SQLITE_NOTADB); after it, that connection writes no more
    (SQLITE_READONLY) and reads nothing that is not in its cache.
    """
    reason = error.facts.get("reason") if isinstance(error, JournalError) else error
    code = getattr(reason, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _DAMAGED


def sound(db: Db) -> bool:
    """
    Whether no damaged page was met through this connection so far. 2 µs.

    SQLCipher gives out zeros for one. SQLite finds them wrong anywhere but at the end of a long value, which then reads as ending in zeros.
    A page that is zeros on disk it takes for whole: `store.file.ends`.
    """
    return bool(db.execute("PRAGMA cipher_status").fetchone() == ("1",))


def require_sound(db: Db) -> None:
    """Raise SqliteError, as SQLite itself does elsewhere, where what was just read may be zeros instead of what was written."""
    if not sound(db):
        raise damage("a page is not as it was written")


def damage(what: str) -> Exception:
    """Return the error by which SQLite itself tells of a damaged page, for what only we can see."""
    error: Exception = sqlcipher3.DatabaseError(what)
    error.sqlite_errorcode = _CORRUPT  # type: ignore[attr-defined]
    return error


def translated(error: Exception, journal: Path) -> Exception:
    """Return what a failed write means in our words; what SQLite has not said is returned as it is."""
    if isinstance(error, sqlcipher3.IntegrityError):
        return JournalRefused(reason=error)
    if isinstance(error, SqliteError):
        return JournalUnwritable(journal=journal, reason=error)
    return error


def _refuse_lost_journal(journal: Path) -> None:
    """SQLite deletes the WAL of a file that is empty or gone, and what was acknowledged with it."""
    log = journal.with_name(journal.name + "-wal")
    lost = not journal.exists() or journal.stat().st_size == 0
    if lost and log.exists() and log.stat().st_size > 0:
        raise JournalUnreadable(journal=journal, reason=f"it is empty or gone, but its log {log.name} is there and may hold records")


def _open(journal: Path, key: bytes, *, read_only: bool = False) -> Db:
    if sqlcipher3.sqlite_version_info < SQLITE_FLOOR:
        raise JournalUnreadable(
            journal=journal, reason=f"SQLite {sqlcipher3.sqlite_version} can corrupt it; install sqlcipher3 0.6.4 or later"
        )
    try:
        name = _read_only(journal) if read_only else str(journal)
        db: Db = sqlcipher3.connect(name, uri=read_only, isolation_level=None, check_same_thread=False, cached_statements=256)
    except sqlcipher3.Error as error:
        raise JournalUnreadable(journal=journal, reason=error) from error
    with _closed_on_error(db, journal):
        _unlock(db, key, journal)
        for pragma in _PRAGMAS:
            db.execute(f"PRAGMA {pragma}")
    return db


def _read_only(journal: Path) -> str:
    return f"{journal.absolute().as_uri()}?mode=ro"


def _unlock(db: Db, key: bytes, journal: Path) -> None:
    db.execute("PRAGMA cipher_log_level = NONE")  # it would write to stderr, past our logs, what we raise anyway
    db.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    if not db.execute("PRAGMA cipher_version").fetchone():
        raise JournalUnreadable(journal=journal, reason="this SQLite does not encrypt; install sqlcipher3 0.6.4 or later")
    try:
        db.execute("SELECT COUNT(*) FROM sqlite_schema").fetchone()
    except sqlcipher3.DatabaseError as error:
        if error.sqlite_errorcode == _NOT_A_DATABASE:  # the first page's HMAC does not fit
            raise KeyWrong(journal=journal) from error
        raise


def _use_wal(db: Db, journal: Path) -> None:
    if db.execute("PRAGMA page_count").fetchone()[0] == 0:  # it takes effect in a new file only, and would write to any other
        _shrink_by_and_by(db)
    mode = db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise JournalUnreadable(journal=journal, reason=f"its file system allows no write-ahead log (journal mode {mode})")


def _shrink_by_and_by(db: Db) -> None:
    """In a new file: what is purged can be given back to the disk."""
    db.execute("PRAGMA auto_vacuum = INCREMENTAL")


@contextmanager
def _closed_on_error(db: Db, journal: Path) -> Iterator[None]:
    """While a connection is being opened, whatever SQLite says means that the journal is not to be had."""
    try:
        yield
    except SqliteError as error:
        db.close()
        raise JournalUnreadable(journal=journal, reason=error) from error
    except BaseException:
        db.close()
        raise

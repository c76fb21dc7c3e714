"""Bring a journal's schema up to date. The file's `user_version` is the number of the last migration that it has had."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Final

from store.errors import JournalNewer
from store.queries import Db


def _load() -> Mapping[int, str]:
    folder = files("store") / "sql" / "migrations"
    scripts = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name)
    return {int(script.name.partition("_")[0]): script.read_text("utf-8") for script in scripts}


MIGRATIONS: Final = _load()
"""Scripts by number, in order; sql/schema.sql is what they add up to."""


def version(db: Db) -> int:
    """Return the number of the last migration this file has had; 0 for a new file."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def migrate(db: Db, migrations: Mapping[int, str] = MIGRATIONS) -> None:
    """
    Apply what is missing; each migration and the note that it ran are one transaction.

    Raises:
        JournalNewer: the file has had migrations this program does not know. It is left as it is.
    """
    found, known = version(db), max(migrations)
    if found > known:
        raise JournalNewer(found=found, known=known)
    for number in range(found + 1, known + 1):
        _apply(db, number, migrations[number])


def _apply(db: Db, number: int, script: str) -> None:
    try:
        db.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise

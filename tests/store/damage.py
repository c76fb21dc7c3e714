"""A journal as a power cut leaves it, with commits in file and log, and ways to damage it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from store.file.connection import open_writer
from store.file.log import FRAME_BYTES, HEADER_BYTES
from store.file.pages import PAGE_BYTES
from store.journal import Journal
from store.queries import Db
from store.records import RecordState, Settlement
from tests.store.helpers import KEY, NOON, seen_at
from tests.store.verbs import a_write, issue

RECORDS = 60
OPEN = 40
AT = 1_700_000_000_000


async def build(path: Path) -> None:
    """Make *path*: 60 records in 20 lanes; every third is delivered, the fifth a registration; the last 20 are in the log alone."""
    made = path.with_name("made")
    made.mkdir()
    journal = await Journal.open(made / path.name, KEY)
    try:
        for number in range(1, RECORDS + 1):
            new = replace(
                a_write(number, idempotency_key=number.to_bytes(16)), lanes=((number % 20).to_bytes(16),), body=b"%d " % number * 300
            )
            if number == 5:
                await journal.record(new, send=False, issue=issue)
            else:
                await journal.record(new, send=False)
                if number % 3 == 0:
                    await journal.move(number, RecordState.PENDING, Settlement(RecordState.DELIVERED, None), NOON)
            if number == OPEN:
                await journal.note("asha", "export", "paper register", NOON)
                await journal.open_outage("vaccinator", NOON, NOON, "refused", "upstream", seen_at(NOON))
                await journal._engine._engine._connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
        for name in (path.name, f"{path.name}-wal", f"{path.name}.keepsake"):
            shutil.copy(made / name, path.with_name(name))
    finally:
        await journal.close()
        shutil.rmtree(made)


def log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def alter(path: Path, place: int, change: Callable[[bytes], bytes], length: int = 1) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        old = file.read(length)
        file.seek(place)
        file.write(change(old))


def flip(path: Path, place: int, bit: int = 2) -> None:
    alter(path, place, lambda old: bytes([old[0] ^ 1 << bit]))


def wipe(path: Path, page: int) -> None:
    """Overwrite a page of the file: more than one bit."""
    alter(path, (page - 1) * PAGE_BYTES, lambda old: bytes(byte ^ 0x5A for byte in old), PAGE_BYTES)


def frame_at(path: Path, index: int) -> int:
    """Return where a frame of the log begins; a negative index counts from the end."""
    count = (log_of(path).stat().st_size - HEADER_BYTES) // FRAME_BYTES
    return HEADER_BYTES + (index % count) * FRAME_BYTES


def fold(path: Path) -> None:
    """Fold the log into the file."""
    open_writer(path, KEY).close()


def roots(path: Path) -> dict[str, int]:
    db = open_writer(path, KEY)
    try:
        return dict(db.execute("SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0"))
    finally:
        db.close()


def contents(db: Db) -> dict[str, set[Any]]:
    return {
        table: set(db.execute(f"SELECT * FROM {table}"))
        for table in ("record", "record_request", "record_lane", "record_answer", "fact_claim", "request_claim", "identity", "outage")
    }


def read(path: Path) -> dict[str, set[Any]]:
    """Return what is in a journal; it must be sound."""
    db = open_writer(path, KEY)
    try:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        tallied = db.execute("SELECT state, SUM(records) FROM record_tally WHERE records > 0 GROUP BY state").fetchall()
        assert sorted(tallied) == sorted(db.execute("SELECT state, COUNT(*) FROM record GROUP BY state").fetchall())
        return contents(db)
    finally:
        db.close()

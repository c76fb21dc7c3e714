# ruff: noqa: ASYNC240 - nothing else waits in a test's loop
from __future__ import annotations

import asyncio
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
import sqlcipher3

from store.errors import JournalLocked, JournalUnreadable, KeyMissing, KeyWrong
from store.file.connection import SQLITE_FLOOR, open_writer
from store.file.lock import Lock, Role
from store.journal import Journal, open_journal
from tests.store.helpers import KEY, Closing


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "journal.key"


async def test_first_start_and_the_next(path: Path, key_file: Path, closing: Closing) -> None:
    journal = await closing(open_journal(path, key_file, {}, Role.SERVICE))
    identity = journal.installation_id
    assert not journal.wanted()
    with pytest.raises(JournalLocked, match="service"):
        await closing(open_journal(path, key_file, {}, Role.CLI))
    await journal.close()
    again = await closing(open_journal(path, key_file, {}, Role.CLI))
    assert again.installation_id == identity
    path.with_name("journal.db.wanted").touch()
    assert again.wanted()
    await again.close()


async def test_a_missing_key_is_a_refusal_and_frees_the_lock(path: Path, key_file: Path, closing: Closing) -> None:
    await (await open_journal(path, key_file, {}, Role.SERVICE)).close()
    key_file.unlink()
    before = path.read_bytes()
    with pytest.raises(KeyMissing):
        await closing(open_journal(path, key_file, {}, Role.SERVICE))
    assert path.read_bytes() == before
    assert not key_file.exists()
    Lock.take(path, Role.CLI).release()


async def test_a_wrong_key_is_a_refusal_and_changes_nothing(path: Path, key: bytes, closing: Closing) -> None:
    await (await Journal.open(path, key)).close()
    before = path.read_bytes()
    with pytest.raises(KeyWrong, match=r"The key does not open the journal .*journal\.db"):
        await closing(Journal.open(path, secrets.token_bytes(32)))
    assert path.read_bytes() == before


async def test_a_file_that_is_no_journal_is_a_refusal_and_is_kept(path: Path, key: bytes, closing: Closing) -> None:
    path.write_bytes(b"not a journal" * 1000)
    with pytest.raises(KeyWrong, match="damaged in every part"):
        await closing(Journal.open(path, key))
    assert path.read_bytes() == b"not a journal" * 1000


@pytest.mark.parametrize("left", [None, b""])
async def test_a_journal_that_is_gone_while_its_log_is_there_is_a_refusal(
    path: Path, key: bytes, left: bytes | None, closing: Closing
) -> None:
    log = path.with_name("journal.db-wal")
    log.write_bytes(b"acknowledged records")
    if left is not None:
        path.write_bytes(left)
    with pytest.raises(JournalUnreadable, match=r"journal\.db-wal is there and may hold records"):
        await closing(Journal.open(path, key))
    assert log.read_bytes() == b"acknowledged records"


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path, key: bytes, closing: Closing) -> None:
    with pytest.raises(JournalUnreadable, match="unable to open"):
        await closing(Journal.open(tmp_path / "nowhere" / "journal.db", key))


async def test_a_damaged_page_is_an_error_and_not_an_altered_dose(path: Path, key: bytes) -> None:
    await (await Journal.open(path, key)).close()
    content = bytearray(path.read_bytes())
    for place in range(4096 + 100, len(content), 4096):
        content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(JournalUnreadable, match="malformed"):
        open_writer(path, key)


async def test_it_is_opened_as_durable_as_promised(path: Path, key: bytes, closing: Closing) -> None:
    journal = await closing(Journal.open(path, key))

    def pragma(name: str) -> object:
        return journal._engine._engine._connection._conn.execute(f"PRAGMA {name}").fetchone()[0]

    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
    assert {name: pragma(name) for name in wanted} == wanted
    await journal.close()


def test_this_sqlite_does_not_corrupt_its_log() -> None:
    assert sqlcipher3.sqlite_version_info >= SQLITE_FLOOR


LOCKED = """
import fcntl, os, sys
try:
    fcntl.lockf(os.open(sys.argv[1], os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002)
except OSError:
    print("locked")
"""
"""What SQLite asks before it deletes a log: whether anybody else has the file open (sqlite.org/src/file/src/os.h, SHARED_FIRST)."""


@pytest.mark.skipif(sys.platform == "win32", reason="locks are of a file's handle there")
async def test_whoever_else_opens_the_journal_sees_that_it_is_in_use_whatever_we_read_of_it_ourselves(path: Path, closing: Closing) -> None:
    journal = await closing(Journal.open(path, KEY))
    await journal.damaged_after(0)
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", LOCKED, path, stdout=subprocess.PIPE)
    said, _ = await other.communicate()
    assert said == b"locked\n"

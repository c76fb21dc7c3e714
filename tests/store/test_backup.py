# ruff: noqa: ASYNC240 - nothing else waits in a test's loop
"""A backup is of one moment, whole, or not there."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from store.errors import BackupFailed, BackupUnfit, JournalInPlace
from store.file import backup as backup_module
from store.file.backup import About, back_up
from store.file.connection import open_reader, open_writer
from store.file.restore import put_in_place
from store.file.standing import Why
from store.journal import Journal
from store.records import RecordState
from store.remembered import Remembered
from tests.store.helpers import KEY, NOON, MakeRecord

PENDING = RecordState.PENDING


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    made = tmp_path / "stick"
    made.mkdir()
    return made


async def fill(journal: Journal, make: MakeRecord, records: int) -> None:
    await asyncio.gather(*(journal.record(make(), send=False) for _ in range(records)))


async def held(file: Path) -> int:
    journal = await Journal.open(file, KEY)
    try:
        return (await journal.counts())[PENDING]
    finally:
        await journal.close()


async def test_a_backup_holds_one_moment_while_others_write(journal: Journal, make: MakeRecord, stick: Path) -> None:
    await fill(journal, make, 500)
    over = asyncio.Event()

    async def desk() -> int:
        count = 0
        while not over.is_set():
            await journal.record(make(), send=False)
            count += 1
        return count

    desks = [asyncio.create_task(desk()) for _ in range(4)]
    made = await journal.back_up(stick / "a.journal", NOON)
    over.set()
    recorded = sum(await asyncio.gather(*desks))
    assert recorded > 0
    assert 500 <= made.holds[PENDING] <= 500 + recorded
    assert [file.name for file in stick.iterdir()] == ["a.journal"]
    assert made.size_bytes == made.file.stat().st_size
    assert await held(made.file) == made.holds[PENDING]


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
async def test_a_backup_is_its_owners_and_nothing_in_it_is_in_clear(journal: Journal, make: MakeRecord, stick: Path) -> None:
    await fill(journal, make, 5)
    made = await journal.back_up(stick / "a.journal", NOON)
    assert stat.S_IMODE(made.file.stat().st_mode) == 0o600
    written = made.file.read_bytes()
    assert b"SQLite format" not in written
    assert b"48448366834980" not in written


async def test_a_backup_put_in_place_by_hand_is_known_for_one(journal: Journal, make: MakeRecord, tmp_path: Path, stick: Path) -> None:
    await fill(journal, make, 2)
    made = await journal.back_up(stick / "a.journal", NOON)
    new = tmp_path / "new"
    new.mkdir()
    shutil.copy(made.file, new / "journal.db")
    opened = await Journal.open(new / "journal.db", KEY)
    restored = await opened.settle_in(NOON + 5)
    await opened.close()
    assert restored is not None
    assert (restored.copied_at, restored.at, restored.last_number) == (NOON, NOON + 5, 2)


def flipped(file: Path, at: int) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


async def test_a_damaged_journal_makes_no_backup(path: Path, make: MakeRecord, stick: Path) -> None:
    journal = await Journal.open(path, KEY)
    await fill(journal, make, 50)
    await journal.close()
    flipped(path, path.stat().st_size - 100)
    with pytest.raises(BackupFailed):
        back_up(path, KEY, stick / "a.journal", About(lambda _: None, lambda _: None), lambda: False)
    assert list(stick.iterdir()) == []


async def test_what_was_not_written_as_it_was_read_is_found(
    journal: Journal, make: MakeRecord, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(journal, make, 50)
    copy = backup_module._copy

    def copied_to_a_bad_stick(*given: Any) -> Any:
        made = copy(*given)
        flipped(given[2], given[2].stat().st_size - 100)
        return made

    monkeypatch.setattr(backup_module, "_copy", copied_to_a_bad_stick)
    with pytest.raises(BackupFailed, match="is damaged"):
        await journal.back_up(stick / "a.journal", NOON)
    assert list(stick.iterdir()) == []


async def test_what_lacks_a_row_is_found(journal: Journal, make: MakeRecord, stick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(journal, make, 50)
    copy = backup_module._copy

    def copied_without_the_lanes(*given: Any) -> Any:
        made = copy(*given)
        db = open_writer(given[2], KEY)
        db.execute("DELETE FROM record_lane WHERE number = 7")
        db.close()
        return made

    monkeypatch.setattr(backup_module, "_copy", copied_without_the_lanes)
    with pytest.raises(BackupFailed, match="does not hold what the journal held"):
        await journal.back_up(stick / "a.journal", NOON)
    assert list(stick.iterdir()) == []


async def test_a_backup_that_is_given_up_leaves_nothing(journal: Journal, make: MakeRecord, path: Path, stick: Path) -> None:
    await fill(journal, make, 50)
    with pytest.raises(BackupFailed, match="is stopping"):
        back_up(path, KEY, stick / "a.journal", About(lambda _: None, lambda _: None), lambda: True)
    assert list(stick.iterdir()) == []


async def test_a_folder_that_is_not_there_is_not_made(journal: Journal, tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match="No such file"):
        await journal.back_up(tmp_path / "no-stick" / "a.journal", NOON)
    assert not (tmp_path / "no-stick").exists()


async def test_a_disk_without_room_is_not_filled(journal: Journal, stick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup_module, "LEAVE_FREE", 1 << 62)
    with pytest.raises(BackupFailed, match="MiB are needed"):
        await journal.back_up(stick / "a.journal", NOON)
    assert list(stick.iterdir()) == []


@pytest.fixture
async def backup(tmp_path: Path, make: MakeRecord, stick: Path) -> Path:
    journal = await Journal.open(tmp_path / "old.db", KEY)
    await fill(journal, make, 20)
    made = await journal.back_up(stick / "a.journal", NOON)
    await journal.close()
    return made.file


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Path]:
    """A folder in which a journal is to be put; afterwards nothing unfinished is left in it."""
    made = tmp_path / "new"
    made.mkdir()
    yield made
    assert [file.name for file in made.iterdir() if file.name.startswith(".")] == []


async def test_a_restored_journal_is_where_it_belongs(backup: Path, there: Path) -> None:
    assert put_in_place(backup, there / "journal.db", KEY, None) is None
    assert await held(there / "journal.db") == 20
    assert backup.exists()


async def test_a_journal_that_is_there_is_left_or_set_aside(backup: Path, there: Path, make: MakeRecord) -> None:
    journal = await Journal.open(there / "journal.db", KEY)
    await journal.settle_in(NOON)
    await fill(journal, make, 3)
    await journal.close()
    with pytest.raises(JournalInPlace, match="--replace"):
        put_in_place(backup, there / "journal.db", KEY, None)
    assert await held(there / "journal.db") == 3
    before = put_in_place(backup, there / "journal.db", KEY, ".replaced-1")
    assert before == there / "journal.db.replaced-1"
    assert await held(before) == 3
    assert await held(there / "journal.db") == 20
    assert (there / "journal.db.replaced-1.home").exists()


@pytest.mark.parametrize("waits", [".damaged-20210730T063000Z.rescued", ".rescued"], ids=["", "of an older version"])
async def test_a_rescue_that_was_cut_off_does_not_go_on_in_the_copys_place(backup: Path, there: Path, make: MakeRecord, waits: str) -> None:
    journal = await Journal.open(there / "journal.db", KEY)
    await fill(journal, make, 3)
    await journal.close()
    shutil.copyfile(there / "journal.db", there / f"journal.db{waits}")
    put_in_place(backup, there / "journal.db", KEY, ".replaced-1")
    assert await held(there / "journal.db") == 20
    assert await held(there / "journal.db.replaced-1") == 3
    assert not list(there.glob("*.rescued"))


async def test_no_desk_waits_for_a_backup_to_be_read_while_the_log_is_folded_in(journal: Journal, path: Path, make: MakeRecord) -> None:
    await fill(journal, make, 3)
    reader = open_reader(path, KEY)
    reader.execute("BEGIN")
    reader.execute("SELECT COUNT(*) FROM record").fetchone()
    await fill(journal, make, 1)
    folding = asyncio.create_task(journal.fold_in())
    await asyncio.sleep(0)
    try:
        await journal.record(make(), send=False, within_s=3)  # what a desk has
    finally:
        reader.close()
        await folding
    assert journal.standing().why is Why.WELL


async def test_a_log_without_its_journal_is_a_journal_too(backup: Path, there: Path) -> None:
    (there / "journal.db-wal").write_bytes(b"may hold records")
    with pytest.raises(JournalInPlace):
        put_in_place(backup, there / "journal.db", KEY, None)


async def test_a_log_beside_the_file_comes_along(there: Path, path: Path, make: MakeRecord, tmp_path: Path) -> None:
    journal = await Journal.open(path, KEY)
    await fill(journal, make, 7)
    for end in ("", "-wal"):  # as a dead laptop's disk has them
        shutil.copyfile(path.with_name(path.name + end), tmp_path / f"dead.db{end}")
    await journal.close()
    put_in_place(tmp_path / "dead.db", there / "journal.db", KEY, None)
    assert await held(there / "journal.db") == 7


@pytest.mark.parametrize("why", ["another key", "damaged", "newer", "not there", "no journal", "empty"])
async def test_a_copy_that_is_of_no_use_changes_nothing(backup: Path, there: Path, why: str, make: MakeRecord) -> None:
    journal = await Journal.open(there / "journal.db", KEY)
    await fill(journal, make, 3)
    await journal.close()
    key = KEY
    if why == "another key":
        key = bytes(32)
    elif why == "damaged":
        flipped(backup, backup.stat().st_size - 100)
    elif why == "newer":
        db = open_writer(backup, KEY)
        db.execute("PRAGMA user_version = 99")
        db.close()
    elif why == "not there":
        backup.unlink()
    elif why == "empty":
        backup.write_bytes(b"")
    else:
        backup.write_bytes(b"a shopping list")
    with pytest.raises(BackupUnfit):
        put_in_place(backup, there / "journal.db", key, ".replaced-1")
    assert await held(there / "journal.db") == 3
    assert not (there / "journal.db.replaced-1").exists()


async def test_answers_that_are_remembered_are_in_no_copy_and_take_no_room_in_it(journal: Journal, make: MakeRecord, stick: Path) -> None:
    await fill(journal, make, 3)
    bare = await journal.back_up(stick / "bare.journal", NOON)
    answers = [Remembered(bytes([n]) * 16, b"v" * 16, "", 200, "OK", b"", b"x" * 4000, 0, NOON, "b", 1, NOON) for n in range(200)]
    await journal.remember(answers, [], 1 << 30, NOON)
    made = await journal.back_up(stick / "a.journal", NOON)
    assert (await journal.remembered()).answers == 200
    assert made.size_bytes < bare.size_bytes + 100_000
    copy = await Journal.open(made.file, KEY)
    assert (await copy.remembered()).answers == 0
    assert (await copy.counts())[PENDING] == 3
    await copy.close()

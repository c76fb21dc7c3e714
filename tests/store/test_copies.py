# ruff: noqa: ASYNC221 - nothing else waits in a test's loop
"""A journal that is a copy is noticed, wherever it comes from, and marked once; an original never is."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import store
from store.copies import GAP, Restored
from store.file.home import home_path
from store.journal import Journal
from store.records import Settlement
from tests.store.helpers import KEY, NOON, MakeRecord, kept
from tests.store.verbs import build

LATER = NOON + 3_600_000
ROOT = Path(store.__file__).parents[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "laptop"
    made.mkdir()
    return made


async def started(folder: Path, now: int = LATER) -> Restored | None:
    """Start on the journal of a folder, and stop."""
    journal = await Journal.open(folder / "journal.db", KEY)
    try:
        return await journal.settle_in(now)
    finally:
        await journal.close()


async def used(folder: Path, make: MakeRecord, records: int = 3) -> None:
    journal = await Journal.open(folder / "journal.db", KEY)
    await journal.settle_in(NOON)
    for _ in range(records):
        await journal.record(make(), send=False)
    await journal.close()


def touched(folder: Path) -> None:
    home_path(folder / "journal.db").touch()


def given_away(folder: Path) -> None:
    for file in folder.iterdir():
        file.chmod(0o600)
        if os.name != "nt" and os.geteuid() == 0:
            os.chown(file, 10001, 10001)


def mounted_elsewhere(folder: Path) -> None:
    folder.rename(folder.with_name("mnt"))
    folder.with_name("mnt").rename(folder)


@pytest.mark.parametrize("change", [lambda _: None, touched, given_away, mounted_elsewhere])
async def test_an_original_stays_one(folder: Path, make: MakeRecord, change: Callable[[Path], None]) -> None:
    assert await started(folder) is None
    await used(folder, make)
    change(folder)
    assert await started(folder) is None
    assert await started(folder) is None


async def test_a_journal_of_an_older_dosekeeper_is_an_original(folder: Path) -> None:
    journal = await Journal.open(folder / "journal.db", KEY)
    await journal.close()
    assert await started(folder) is None


def file_alone(original: Path, elsewhere: Path) -> Path:
    elsewhere.mkdir()
    shutil.copy(original / "journal.db", elsewhere)
    return elsewhere


def whole_folder(original: Path, elsewhere: Path) -> Path:
    shutil.copytree(original, elsewhere)
    return elsewhere


def whole_folder_over_another(original: Path, elsewhere: Path) -> Path:
    elsewhere.mkdir()
    for name in ("journal.db", "journal.db.home"):
        (elsewhere / name).write_bytes(b"of another journal")
    for file in original.iterdir():
        shutil.copyfile(file, elsewhere / file.name)
    return elsewhere


@pytest.mark.parametrize("copied", [file_alone, whole_folder, whole_folder_over_another])
async def test_a_copy_is_noticed_and_marked_once(folder: Path, make: MakeRecord, copied: Callable[[Path, Path], Path]) -> None:
    await used(folder, make, records=3)
    clone = copied(folder, folder.with_name("another"))
    marked = await started(clone, LATER)
    assert marked == Restored(LATER, None, 3, GAP + 4)
    assert await started(clone, LATER + 1) == marked
    assert await started(folder) is None, "the original is none the wiser"


async def test_an_old_journal_put_back_over_the_newer_one_is_noticed(folder: Path, make: MakeRecord, tmp_path: Path) -> None:
    await used(folder, make, records=2)
    old = shutil.copy(folder / "journal.db", tmp_path / "old.db")
    await used(folder, make, records=2)
    shutil.copyfile(old, folder / "journal.db")  # the same inode, the same place
    marked = await started(folder)
    assert marked is not None
    assert marked.last_number == 2


async def test_one_copied_while_the_service_ran_is_noticed_when_put_back_after_a_crash(
    folder: Path, make: MakeRecord, tmp_path: Path
) -> None:
    await used(folder, make)
    journal = await Journal.open(folder / "journal.db", KEY)
    await journal.settle_in(NOON)
    await journal.back_up(tmp_path / "hot.journal", NOON)
    hot = await Journal.open(tmp_path / "hot.journal", KEY)  # as a copy by hand would be: without a backup's signature
    await hot._engine.write(lambda db: db.execute("DELETE FROM meta WHERE name = 'copied'").rowcount)
    await hot.close()
    await journal.stay()
    await journal.close()
    shutil.copyfile(tmp_path / "hot.journal", folder / "journal.db")
    assert await started(folder) is not None


async def test_a_copy_goes_on_with_a_gap_and_without_the_look_ups_of_before(folder: Path, make: MakeRecord) -> None:
    journal = await Journal.open(folder / "journal.db", KEY)
    await journal.settle_in(NOON)
    first = kept(await journal.record(make(), send=False, issue=str)).issues
    unsent = kept(await journal.record(make(), send=False)).number
    record = await journal.get(unsent)
    assert record is not None
    assert await journal.move(unsent, record.state, Settlement(record.state, None, looked_up=True), NOON)
    await journal.close()
    clone = whole_folder(folder, folder.with_name("another"))
    journal = await Journal.open(clone / "journal.db", KEY)
    marked = await journal.settle_in(LATER)
    after = kept(await journal.record(make(), send=False, issue=str))
    again = await journal.get(unsent)
    broken = await journal.verify_audit()
    entries = await journal.audit_entries()
    await journal.close()
    assert marked is not None
    assert (first, after.issues) == ("1", str(GAP + 2))
    assert after.number == marked.next_number == unsent + GAP + 1
    assert again is not None
    assert again.looked_up_at is None
    assert broken is None
    assert [entry.action for entry in entries] == ["restored"]


async def test_an_empty_copy_leaves_the_gap_too(folder: Path, make: MakeRecord) -> None:
    assert await started(folder) is None
    clone = whole_folder(folder, folder.with_name("another"))
    marked = await started(clone)
    await used(clone, make, records=1)
    journal = await Journal.open(clone / "journal.db", KEY)
    (record,) = await journal.heads(["vaccinator"], LATER, 9)
    await journal.close()
    assert marked is not None
    assert (marked.last_number, record.number) == (0, GAP + 1)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_kill_in_the_middle_of_noticing_hides_nothing(folder: Path, when: str) -> None:
    await build(folder / "journal.db")
    clone = whole_folder(folder, folder.with_name("another"))
    command = [sys.executable, "-m", "tests.store.verbs", str(clone / "journal.db"), "settle_in", when]
    assert subprocess.run(command, cwd=ROOT, timeout=30, check=False).returncode == -signal.SIGKILL
    marked = await started(clone, LATER + 1)
    assert marked is not None
    assert marked.at > NOON, "marked anew, not only as the original was"
    assert await started(clone, LATER + 2) == marked


async def test_a_stop_between_the_two_tokens_makes_no_copy_of_an_original(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await started(folder) is None
    with monkeypatch.context() as power_cut:
        power_cut.setattr("store.file.home.renew_home", lambda *_: None)
        assert await started(folder) is None
    assert await started(folder) is None


async def test_where_no_file_can_be_left_beside_it_the_journal_opens_all_the_same(folder: Path, make: MakeRecord) -> None:
    home_path(folder / "journal.db").mkdir(parents=True)
    assert await started(folder) is None
    await used(folder, make)

# ruff: noqa: ASYNC240 - nothing else waits in a test's loop
"""A copy takes a journal's place in one step, and there is a whole journal whenever that is cut off."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from store.errors import BackupUnfit, ExchangeUnfinished
from store.file import exchange
from store.file.folder import sync_folder
from store.file.restore import end_restore, put_in_place
from store.journal import Journal
from store.records import RecordState
from tests.store.helpers import KEY, NOON, MakeRecord

OLD, COPIED = 3, 20
"""Records in the journal that is there, the last of them in its log alone; and in the copy."""

STEPS: Final = ("the copy's waiting name", "sync", "second name", "log", "home", "sync again", "the copy's place", "last sync")
WAITS, PLACED = STEPS.index("sync"), STEPS.index("last sync")
"""From here on a start ends it; from here on there is nothing to end."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "laptop"
    made.mkdir()
    return made


@pytest.fixture
async def there(folder: Path, make: MakeRecord) -> Path:
    """A journal as a power cut leaves it."""
    made = folder.with_name("made")
    made.mkdir()
    journal = await Journal.open(made / "journal.db", KEY)
    await journal.settle_in(NOON)
    for _ in range(OLD):
        await journal.record(make(), send=False)
    for file in made.iterdir():
        if not file.name.endswith("-shm"):
            shutil.copyfile(file, folder / file.name)
    await journal.close()
    assert (folder / "journal.db-wal").stat().st_size > 0
    return folder / "journal.db"


@pytest.fixture
async def backup(tmp_path: Path, make: MakeRecord) -> Path:
    journal = await Journal.open(tmp_path / "old.db", KEY)
    await asyncio.gather(*(journal.record(make(), send=False) for _ in range(COPIED)))
    made = await journal.back_up(tmp_path / "a.journal", NOON)
    await journal.close()
    return made.file


@contextmanager
def failing(steps: Collection[int], error: BaseException) -> Iterator[None]:
    """Let some steps of `put_in_place` fail: a link, the folder's syncs, and the renames."""
    taken = 0

    def step(act: Callable[..., Any]) -> Callable[..., Any]:
        def taking(*args: Any) -> Any:
            nonlocal taken
            taken += 1
            if taken - 1 in steps:
                raise error
            return act(*args)

        return taking

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", step(Path.replace))
        patch.setattr(os, "link", step(os.link))
        patch.setattr(exchange, "sync_folder", step(sync_folder))
        yield


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


async def opened(file: Path) -> tuple[int, bool]:
    """Return how many records there are, and whether the journal is known for a copy."""
    journal = await Journal.open(file, KEY)
    try:
        return (await journal.counts())[RecordState.PENDING], await journal.settle_in(NOON) is not None
    finally:
        await journal.close()


@pytest.mark.parametrize("step", range(len(STEPS)), ids=STEPS)
async def test_a_stop_at_any_step_leaves_the_old_journal_or_the_next_start_ends_it(
    there: Path, backup: Path, step: int, caplog: pytest.LogCaptureFixture
) -> None:
    with failing([step], KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
        put_in_place(backup, there, KEY, ".replaced-1")
    assert there.exists(), "a start that finds no journal makes an empty one, and gives all numbers again"
    kept = there.with_name("journal.db.replaced-1")
    if step < WAITS:
        assert await opened(there) == (OLD, True)  # it was copied here by hand
        assert not kept.exists()
    else:
        assert await opened(there) == (COPIED, True)
        assert (await opened(kept))[0] == OLD
    assert list(there.parent.glob("*.restoring")) == []
    told = [event.__dict__["kept_as"] for event in caplog.records if event.__dict__.get("action") == "restore_ended"]
    assert told == ([kept.name] if WAITS <= step < PLACED else [])


async def test_what_a_stop_cut_off_is_ended_by_the_next_restore_too(there: Path, backup: Path) -> None:
    with failing([STEPS.index("home")], KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
        put_in_place(backup, there, KEY, ".replaced-1")
    assert put_in_place(backup, there, KEY, ".replaced-2") == there.with_name("journal.db.replaced-2")
    assert [(await opened(there.with_name(f"journal.db.replaced-{number}")))[0] for number in (1, 2)] == [OLD, COPIED]


@pytest.mark.parametrize("step", range(PLACED), ids=STEPS[:PLACED])
async def test_a_disk_that_fails_half_way_leaves_all_as_it_was(there: Path, backup: Path, step: int) -> None:
    before = contents(there.parent)
    # Without a link the journal is copied: that fails only where the copy gets no name either.
    steps = [step, step + 1] if STEPS[step] == "second name" else [step]
    with failing(steps, OSError(errno.EIO, "Input/output error")), pytest.raises(BackupUnfit, match="is as it was"):
        put_in_place(backup, there, KEY, ".replaced-1")
    assert contents(there.parent) == before
    assert (await opened(there))[0] == OLD


async def test_a_disk_that_fails_once_the_copy_is_in_place_takes_nothing_back(there: Path, backup: Path) -> None:
    with failing([PLACED], OSError(errno.EIO, "Input/output error")):
        assert put_in_place(backup, there, KEY, ".replaced-1")
    assert await opened(there) == (COPIED, True)


@pytest.mark.parametrize("step", range(WAITS, PLACED), ids=STEPS[WAITS:PLACED])
async def test_a_disk_that_goes_on_failing_loses_nothing(there: Path, backup: Path, step: int) -> None:
    with failing(range(step, 99), OSError(errno.EIO, "Input/output error")):
        with pytest.raises(ExchangeUnfinished, match="the next start ends"):
            put_in_place(backup, there, KEY, ".replaced-1")
        with pytest.raises(ExchangeUnfinished):
            end_restore(there)
    assert await opened(there) == (COPIED, True)
    assert (await opened(there.with_name("journal.db.replaced-1")))[0] == OLD


async def test_where_a_file_can_have_one_name_only_the_journal_is_copied_aside(there: Path, backup: Path) -> None:
    with failing([STEPS.index("second name")], OSError(errno.EPERM, "Operation not permitted")):
        kept = put_in_place(backup, there, KEY, ".replaced-1")
    assert kept is not None
    assert (await opened(kept))[0] == OLD
    assert await opened(there) == (COPIED, True)


async def test_what_was_set_aside_before_is_not_overwritten(there: Path, backup: Path) -> None:
    there.with_name("journal.db.replaced-1-wal").write_bytes(b"may hold records")
    before = contents(there.parent)
    with pytest.raises(BackupUnfit, match="is there already"):
        put_in_place(backup, there, KEY, ".replaced-1")
    assert contents(there.parent) == before


async def test_a_first_transaction_that_was_cut_off_is_not_taken_back_in_the_copy(there: Path, backup: Path) -> None:
    there.with_name("journal.db-journal").write_bytes(b"pages of the old one")
    put_in_place(backup, there, KEY, ".replaced-1")
    assert there.with_name("journal.db.replaced-1-journal").exists()
    assert await opened(there) == (COPIED, True)


@pytest.mark.parametrize("other", ["journal.db.old", "journal.db.replaced-1"])
async def test_the_copy_for_another_journal_beside_it_is_not_put_in_the_place_of_this_one(there: Path, backup: Path, other: str) -> None:
    shutil.copy(backup, there.with_name(f"{other}.replaced-2.restoring"))
    before = contents(there.parent)
    assert end_restore(there) is None
    assert contents(there.parent) == before


async def test_what_a_killed_restore_had_copied_is_taken_away_by_the_next(there: Path, backup: Path) -> None:
    left = [there.with_name(f".journal.db.0123abcd{end}") for end in ("", "-wal", "-journal")]
    others = [there.with_name(name) for name in (".journal.db.0123abcd.mine", ".journal.db.mine", ".journal-db.0123abcd")]
    for file in (*left, *others):
        file.touch()
    put_in_place(backup, there, KEY, ".replaced-1")
    assert [file for file in (*left, *others) if file.exists()] == others

"""Errors in writing, in fsync, in a checkpoint: nobody is told anything that is not so, and recording goes on by itself."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import store
from store.file.pages import PAGE_BYTES
from store.journal import Journal
from store.record_search import RecordFilter
from store.records import Record, RecordState
from tests.disk.faulty_disk import FaultyDisk
from tests.disk.scenes import DESKS
from tests.store.damage import build, fold, frame_at, roots
from tests.store.helpers import KEY

ROOT = Path(store.__file__).parents[1]
DURING_COMMIT = ["write EIO -wal", "write EIO -wal 4", "write ENOSPC -wal", "write ENOSPC -wal 4", "sync EIO -wal", "sync ENOSPC -wal"]
DURING_CHECKPOINT = ["write EIO journal.db$", "write ENOSPC journal.db$", "sync EIO journal.db$"]


@dataclass
class Desks:
    """A process, and what its desks were told so far."""

    process: Process
    told: dict[str, list[str]] = field(default_factory=lambda: {"kept": [], "not": [], "paper": []})

    async def until(self, *words: str, more: int = 20) -> None:
        """Wait until the desks were told any of *words* so many times more."""
        assert self.process.stdout is not None
        async with asyncio.timeout(20):
            while more > 0:
                line = await self.process.stdout.readline()
                assert line, "it has ended"
                word, _, rest = line.decode().strip().partition(" ")
                self.told.setdefault(word, []).append(rest)
                more -= word in words

    async def end(self) -> None:
        """Kill -9, and read what they were told before."""
        if self.process.returncode is None:
            self.process.kill()
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            word, _, rest = line.decode().strip().partition(" ")
            self.told.setdefault(word, []).append(rest)
        await self.process.wait()


@asynccontextmanager
async def running(scene: str, path: Path, disk: FaultyDisk) -> AsyncIterator[Desks]:
    command = (sys.executable, "-m", "tests.disk.scenes", scene, str(path), str(disk.orders))
    desks = Desks(await asyncio.create_subprocess_exec(*command, stdout=PIPE, cwd=ROOT, env={**os.environ, **disk.environ()}))
    try:
        yield desks
    finally:
        await desks.end()


@asynccontextmanager
async def reopened(path: Path) -> AsyncIterator[Journal]:
    """Open the journal as the next start does, on a disk that is well."""
    journal = await Journal.open(path, KEY)
    try:
        yield journal
    finally:
        await journal.close()


async def found(path: Path) -> dict[str, Record]:
    """Return the records at the next start, after what is done first then."""
    async with reopened(path) as journal:
        await journal.hold_told_paper(journal.told_paper())
        return {record.id.hex(): record for record in await journal.find(RecordFilter(limit=100_000))}


def judge(told: dict[str, list[str]], records: dict[str, Record]) -> None:
    assert [each for each in told["kept"] if each not in records or records[each].state is RecordState.HELD] == []
    assert [each for each in told["not"] if each in records] == []
    assert [each for each in told["paper"] if each in records and records[each].reason != "told-paper"] == []


@pytest.mark.parametrize("order", DURING_COMMIT)
async def test_nobody_is_told_wrong_and_recording_goes_on_by_itself(path: Path, disk: FaultyDisk, order: str) -> None:
    async with running("desks", path, disk) as desks:
        await desks.until("kept")
        disk.order(order)
        await desks.until("not", more=300)
        disk.order()
        await desks.until("kept")
        disk.order(order)
        await desks.until("not")
    # Only who waits at the first failure is in doubt: after it nothing of a new record is written.
    assert len(desks.told["paper"]) <= 2 * DESKS
    judge(desks.told, await found(path))


@pytest.mark.parametrize("order", DURING_CHECKPOINT)
async def test_a_checkpoint_that_fails_costs_nobody_a_record(path: Path, disk: FaultyDisk, order: str) -> None:
    async with running("large", path, disk) as desks:
        await desks.until("kept")
        disk.order(order)
        await desks.until("kept", more=300)  # 30 MB: the log is folded in after 16
        disk.order()
        await desks.until("kept", more=100)
    assert desks.told["not"] == desks.told["paper"] == []
    judge(desks.told, await found(path))


async def test_one_failure_is_not_even_noticed_by_the_desks_that_wait(path: Path, disk: FaultyDisk) -> None:
    async with running("desks", path, disk) as desks:
        await desks.until("kept")
        disk.order("sync EIO -wal 1 1")
        await desks.until("kept", more=100)
    assert desks.told["paper"] == []
    judge(desks.told, await found(path))


@pytest.mark.parametrize("scene", ["in_doubt", "hanging"])
async def test_what_comes_to_light_after_its_desk_was_told_to_use_paper_is_held(path: Path, disk: FaultyDisk, scene: str) -> None:
    async with running(scene, path, disk) as desks:
        await desks.until("paper", more=1)
    (record,) = (await found(path)).values()
    assert desks.told["paper"] == [record.id.hex()]
    assert (record.state, record.reason, record.maybe_applied) == (RecordState.HELD, "told-paper", False)


async def test_what_reaches_the_disk_late_is_held_before_it_can_be_sent(path: Path, disk: FaultyDisk) -> None:
    async with running("late", path, disk) as desks:
        await desks.until("not-begun", "begun", more=1)
        assert await desks.process.wait() == 0
    assert desks.told["paper"] == [(1).to_bytes(16).hex()]
    assert desks.told["not-begun"] == ["held told-paper False"]
    async with reopened(path) as journal:
        assert journal.told_paper() == frozenset()


async def test_a_verdict_is_told_to_be_in_doubt_and_can_be_written_again(path: Path, disk: FaultyDisk) -> None:
    async with running("settling", path, disk) as desks:
        await desks.until("True", "False", more=1)
        assert await desks.process.wait() == 0
    assert "in-doubt" in desks.told
    assert "True" in desks.told
    (record,) = (await found(path)).values()
    assert record.state is RecordState.DELIVERED


async def test_a_disk_that_takes_nothing_beside_the_journal_either_makes_nobody_wrong(path: Path, disk: FaultyDisk) -> None:
    async with running("desks", path, disk) as desks:
        await desks.until("kept")
        disk.order("write EIO journal.db", "sync EIO journal.db")
        await desks.until("not")
        disk.order()
        await desks.until("kept")
    judge(desks.told, await found(path))


@pytest.mark.parametrize(("lost", "rescued"), [("first page", "1 0 0"), ("requests", "1 40 0"), ("log", "0 0 28")])
async def test_a_sector_that_cannot_be_read_is_as_any_other_damage(path: Path, disk: FaultyDisk, lost: str, rescued: str) -> None:
    await build(path)
    if lost == "log":
        disk.order(f"read EIO journal.db-wal {frame_at(path, 7)}")
    else:
        fold(path)
        page = 1 if lost == "first page" else roots(path)["record_request"]
        disk.order(f"read EIO journal.db$ {(page - 1) * PAGE_BYTES}")
    async with running("read_out", path, disk) as desks:
        await desks.until("kept", more=1)
    assert desks.told["rescued"] == [rescued]
    assert desks.told["kept"] == [(99).to_bytes(16).hex()]
    assert desks.told["seen"] == ([str(page)] if lost == "requests" else [""])

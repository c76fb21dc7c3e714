"""What is remembered or forgotten while the journal is being asked is what counts from then on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from proxy.operations.asked import PurgeReadsAsked
from proxy.operations.centre import Centre as Operated
from proxy.operations.centre import Traffic
from proxy.operations.reads import purge
from proxy.operations.runs import Replays
from proxy.traffic.clock import Clock
from proxy.traffic.memory import EVERY_S, SHEDDING_S, Memory
from proxy.traffic.retry import Wake
from store.file.connection import open_reader
from store.file.engine import size_bytes
from store.file.standing import Standing, Why
from store.journal import Journal
from store.remembered import ANSWER_BYTES_MAX, Remembered
from tests.store.verbs import REMEMBERED
from tests.traffic.centre import Centre


class SlowToTell:
    """A real journal; what was read of an answer is told when `told` is set."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.read, self.told = asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> object:
        return getattr(self.journal, name)

    async def recall(self, question: bytes) -> list[Remembered]:
        found = await self.journal.recall(question)
        self.read.set()
        await self.told.wait()
        return found


@pytest.fixture
async def slow(tmp_path: Path) -> AsyncIterator[SlowToTell]:
    journal = await Journal.open(tmp_path / "journal.db", bytes(32))
    yield SlowToTell(journal)
    await journal.close()


@pytest.mark.parametrize("act", ["remember", "remember and write", "forget", "drop all"])
async def test_an_answer_that_was_superseded_while_it_was_recalled_is_not_kept_at_hand(slow: SlowToTell, act: str) -> None:
    memory = Memory(cast("Journal", slow), Clock(), 1_000_000)
    old = replace(REMEMBERED, expires_at=2**50)
    new = replace(old, body=b"new", fetched_at=old.fetched_at + 1)
    memory.remember(old)
    await memory.flush()
    recalled = asyncio.create_task(memory.recall(old.question))
    async with asyncio.timeout(10):
        await slow.read.wait()
        match act:
            case "remember" | "remember and write":
                memory.remember(new)
                if act == "remember and write":
                    await memory.flush()
            case "forget":
                await memory.forget(old.question)
            case _:
                memory.drop_all()
                await slow.journal.shed()
        slow.told.set()
        await recalled
        found = [answer.kept.body for answer in await memory.recall(old.question)]
    assert found == ([b"new"] if act.startswith("remember") else [])


async def test_an_answer_that_nobody_changed_is_kept_at_hand(slow: SlowToTell) -> None:
    memory = Memory(cast("Journal", slow), Clock(), 1_000_000)
    memory.remember(REMEMBERED)
    await memory.flush()
    slow.told.set()
    first = await memory.recall(REMEMBERED.question)
    assert first
    assert await memory.recall(REMEMBERED.question) is first


async def test_what_a_desk_asks_during_a_purge_is_forgotten_with_the_rest(centre: Centre) -> None:
    sidecar, memory = centre.sidecar, centre.sidecar.memory
    memory.remember(replace(REMEMBERED, expires_at=2**50))
    await memory.flush()

    class AskedFirst(SlowToTell):
        async def shed(self) -> int:
            await memory.recall(REMEMBERED.question)
            return await self.journal.shed()

    replays = Replays(sidecar.replayer.budget)
    traffic = Traffic(sidecar.circuits, sidecar.credentials, sidecar.replayer, replays, Wake(), sidecar.watch, memory=memory)
    operated = Operated(cast("Journal", AskedFirst(sidecar.journal)), sidecar.clock, sidecar.persons, traffic)
    assert await purge(operated, PurgeReadsAsked(by="asha", reason="moved")) == {"forgotten": 1}
    assert await memory.recall(REMEMBERED.question) == []


class Short:
    """A real journal, on a disk that is said to be nearly full."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def __getattr__(self, name: str) -> object:
        return getattr(self.journal, name)

    def standing(self) -> Standing:
        return Standing(Why.SHORT)


@pytest.fixture
async def short(slow: SlowToTell, tmp_path: Path) -> Short:
    some = [replace(REMEMBERED, question=number.to_bytes(16), body=bytes(200_000)) for number in range(60)]
    await slow.journal.remember(some, [], 1 << 30, 0)
    assert size_bytes(tmp_path / "journal.db") > 12_000_000
    return Short(slow.journal)


async def test_to_make_room_on_a_short_disk_takes_hardly_any_room(short: Short, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    memory = Memory(cast("Journal", short), Clock(), 1 << 30)
    await short.journal.fold_in()
    full, sizes = size_bytes(path), []
    while await memory.step() == SHEDDING_S:
        sizes.append(size_bytes(path))
    assert (await short.journal.remembered()).answers == 0
    assert max(sizes) < full + (2 << 20)
    await short.journal.fold_in()
    assert size_bytes(path) < full / 10


async def test_nothing_is_forgotten_for_room_while_the_log_cannot_be_folded_in(short: Short, tmp_path: Path) -> None:
    memory = Memory(cast("Journal", short), Clock(), 1 << 30)
    reader = open_reader(tmp_path / "journal.db", bytes(32))
    try:
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM record").fetchone()
        await short.journal.note_down("keys", b"{}")
        assert await memory.step() == EVERY_S
        assert (await short.journal.remembered()).answers == 60
    finally:
        reader.close()
    assert await memory.step() == SHEDDING_S
    assert (await short.journal.remembered()).answers < 60


async def test_an_answer_that_could_not_be_forgotten_on_a_short_disk_is_not_remembered(slow: SlowToTell) -> None:
    slow.told.set()
    memory = Memory(cast("Journal", slow), Clock(), 1 << 30)
    memory.remember(replace(REMEMBERED, body=bytes(ANSWER_BYTES_MAX)))
    assert await memory.recall(REMEMBERED.question) == []

"""Answers are forgotten in bites: what is forgotten is overwritten through the log, so that it takes room, and desks wait for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from store.file.connection import open_reader
from store.file.engine import size_bytes
from store.journal import Journal
from store.remembered import FORGOTTEN_BYTES, FORGOTTEN_MAX, Total
from tests.store.helpers import KEY, NOON, MakeRecord
from tests.store.verbs import REMEMBERED

LARGE = 200_000

Forget = Callable[[Journal], Awaitable[object]]


async def fill(journal: Journal, answers: int, size: int = LARGE) -> None:
    some = [replace(REMEMBERED, question=number.to_bytes(16), body=bytes(size)) for number in range(answers)]
    await journal.remember(some, [], 1 << 30, NOON)
    assert await journal.fold_in()


@pytest.mark.parametrize(
    "forget",
    [Journal.shed, lambda journal: journal.forget_expired(NOON + 1), lambda journal: journal.remember([], [], 0, NOON)],
    ids=["shed", "forget_expired", "size_max lowered"],
)
async def test_one_transaction_forgets_about_a_mebibyte(journal: Journal, path: Path, forget: Forget) -> None:
    await fill(journal, 20)
    before = size_bytes(path)
    await forget(journal)
    assert (await journal.remembered()).answers == 20 - 1 - FORGOTTEN_BYTES // LARGE
    assert size_bytes(path) - before < 1.5 * FORGOTTEN_BYTES


async def test_of_small_answers_it_forgets_so_many(journal: Journal) -> None:
    await fill(journal, FORGOTTEN_MAX + 1, size=10)
    assert [await journal.shed() for _ in range(3)] == [FORGOTTEN_MAX, 1, 0]


async def test_as_much_is_forgotten_as_comes_in(journal: Journal) -> None:
    await fill(journal, 20)
    size = (await journal.remembered()).bytes
    some = [replace(REMEMBERED, question=number.to_bytes(16), body=bytes(LARGE)) for number in range(100, 115)]
    await journal.remember(some, [], size, NOON + 1)
    assert await journal.remembered() == Total(20, size)


async def test_a_log_that_somebody_reads_is_said_not_to_be_folded_in(journal: Journal, path: Path, make: MakeRecord) -> None:
    await journal.record(make(), send=False)
    reader = open_reader(path, KEY)
    try:
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM record").fetchone()
        await journal.record(make(), send=False)
        assert not await journal.fold_in()
    finally:
        reader.close()
    assert await journal.fold_in()
    assert path.with_name("journal.db-wal").stat().st_size == 0

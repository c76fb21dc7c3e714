"""What is purged goes through the log: it must not grow while somebody reads it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from proxy.traffic.clock import Clock
from proxy.traffic.clock_watch import ClockWatch
from proxy.traffic.purger import AGAIN_S, EVERY_S, Purger
from store.file.connection import open_reader
from store.file.engine import size_bytes
from store.journal import Journal
from tests.store.helpers import KEY
from tests.store.verbs import REMEMBERED


class Confirmed:
    def confirmed(self) -> bool:
        return True


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    opened = await Journal.open(tmp_path / "journal.db", KEY)
    yield opened
    await opened.close()


async def test_the_log_stays_small_and_nothing_is_purged_while_a_backup_reads_it(journal: Journal, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    some = [replace(REMEMBERED, question=number.to_bytes(16), body=bytes(200_000)) for number in range(30)]
    await journal.remember(some, [], 1 << 30, 0)
    await journal.fold_in()
    full = size_bytes(path)
    purger = Purger(journal, Clock(), cast("ClockWatch", Confirmed()), keep_delivered_s=0)

    reader = open_reader(path, KEY)
    try:
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM record").fetchone()
        assert [await purger.step() for _ in range(5)] == [AGAIN_S] * 5
        assert (await journal.remembered()).answers == 24, "the first bite only"
    finally:
        reader.close()
    sizes = []
    while await purger.step() == AGAIN_S:
        sizes.append(size_bytes(path))
    assert (await journal.remembered()).answers == 0
    assert max(sizes) < full + (3 << 20)
    assert size_bytes(path) < full / 3
    assert await purger.step() == EVERY_S

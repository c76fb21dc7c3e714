"""What is purged goes through the log, which must not grow while somebody reads it; damaged originals go with the rest."""

from __future__ import annotations

import os
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
from store.file.originals import original
from store.journal import Journal
from tests.store.helpers import KEY
from tests.store.verbs import REMEMBERED

DAY_MS = 24 * 3600 * 1000


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


async def test_damaged_originals_are_kept_as_long_as_what_was_delivered(
    journal: Journal, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    now = Clock().wall()
    for days in (31, 29):
        file = original(tmp_path / "journal.db", now - days * DAY_MS)
        file.touch()
        os.utime(file, ((now - days * DAY_MS) / 1000,) * 2)
    purger = Purger(journal, Clock(), cast("ClockWatch", Confirmed()), keep_delivered_s=30 * DAY_MS / 1000)
    with caplog.at_level("INFO", "proxy.traffic.purger"):
        assert await purger.step() == EVERY_S
    assert [each.file for each in await journal.originals()] == [file]
    assert [event.__dict__["action"] for event in caplog.records] == ["originals_deleted"]


async def test_one_that_cannot_be_deleted_is_told_of_and_ends_nothing(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def refused(_: int) -> int:
        raise PermissionError

    monkeypatch.setattr(journal, "delete_originals", refused)
    purger = Purger(journal, Clock(), cast("ClockWatch", Confirmed()), keep_delivered_s=0)
    assert await purger.step() == EVERY_S
    assert [event.__dict__["action"] for event in caplog.records] == ["originals_stay"]

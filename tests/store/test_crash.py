# ruff: noqa: ASYNC220 - nothing else waits in a test's loop
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import store
from store.errors import KeyWrong
from store.journal import Journal
from store.record_search import RecordFilter
from store.records import RecordState
from tests.store.helpers import Closing

ROOT = Path(store.__file__).parents[1]

CHILD = """
import asyncio, pathlib, sys
from store.journal import Journal
from store.records import NewRecord, RecordState, Settlement
from tests.store.helpers import Closing

async def desk(journal, desk):
    for dose in range(1_000_000):
        own = bytes([desk]) * 8 + dose.to_bytes(8)
        recorded = await journal.record(NewRecord(own, "r", "g", (own,), "POST", "/", b"", b"{}", dose), send=desk % 2 == 0)
        settled = ""
        if desk % 4 == 0:
            await journal.settle(recorded.number, 1, Settlement(RecordState.DELIVERED, "accepted"), dose)
            settled = "delivered"
        print(own.hex(), recorded.number, settled, flush=True)

async def main():
    journal = await Journal.open(pathlib.Path(sys.argv[1]), bytes(range(32)))
    await asyncio.gather(*(desk(journal, number) for number in range(16)))

asyncio.run(main())
"""


@pytest.mark.parametrize("acknowledged_least", [50, 700])
async def test_what_was_acknowledged_survives_kill_9(path: Path, key: bytes, acknowledged_least: int, closing: Closing) -> None:
    with subprocess.Popen([sys.executable, "-c", CHILD, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(acknowledged_least)]
        child.kill()
        lines += child.stdout.readlines()
    acknowledged = [line.split() for line in lines if line.endswith("\n")]
    assert len(acknowledged) >= acknowledged_least

    with pytest.raises(KeyWrong):  # a wrong key must not cost the log that holds the latest records
        await closing(Journal.open(path, bytes(32)))
    journal = await closing(Journal.open(path, key))
    sending = (await journal.counts())[RecordState.SENDING]
    assert await journal.recover(1) == sending
    kept = {record.id.hex(): record for record in await journal.find(RecordFilter(limit=1_000_000))}
    for own, number, *settled in acknowledged:
        assert kept[own].number == int(number)
        expected = RecordState.DELIVERED if settled else (RecordState.PENDING if kept[own].attempt == 0 else RecordState.UNKNOWN)
        assert kept[own].state is expected
    assert sorted(record.number for record in kept.values()) == list(range(1, len(kept) + 1))
    assert await journal.count_unsent(["g"]) == sum(record.state is not RecordState.DELIVERED for record in kept.values())

"""
kill -9 under load: nothing that a desk was told is lost, nothing takes effect twice, nothing overtakes. The ledger is the judge.

The metrics are scraped meanwhile: their durable counters never fall, and in the end they are right.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from simulator import Simulator
from store.file.lock import Role
from store.journal import open_journal
from store.record_search import RecordFilter
from store.records import Record, RecordState
from tests.console.scraped import Samples, durable_counters, falls
from tests.ports import free_ports
from tests.proof.mode import PROOF
from tests.traffic.centre import VACCINATE, a_dose, doses_applied

KILLS = 100 if PROOF else 10
DOWN = range(5, 8)
"""Of each ten kills those in which the server is down."""

DESKS = 6

CONFIG = """
upstream: {{url: {url}/api, headers: {{x-api-key: demo-key}}, connect_timeout: 1s, read_timeout: 5s}}
listen: {{port: {data}}}
admin: {{port: {admin}}}
answering: {{answer_within: 1s}}
store: {{reserve: 1MiB}}
outage: {{probe_every: 100ms, probe_max: 300ms, probe_idle: 300ms}}
replay: {{calls_per_minute: 60000, spread_max: 0s, settle: 300ms}}
"""


@dataclass
class Day:
    """What the desks were told: (person, dose) with an answer in the 2xx."""

    told: list[tuple[str, int]] = field(default_factory=list)
    more: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, person: str, dose: int) -> None:
        self.told.append((person, dose))
        self.more.set()


@pytest.mark.timeout(3600 if PROOF else 60)
async def test_kills_under_load_lose_nothing_double_nothing_and_keep_the_order(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    draw = random.Random(20210730)
    async with Simulator(seed=3, people=4_000) as sim, aiohttp.ClientSession() as http:
        data, admin = free_ports(2)
        (tmp_path / "config.yaml").write_text(CONFIG.format(url=sim.url, data=data, admin=admin))
        fresh = iter([person.id for person in sim.register.people.values() if not person.doses])
        day, over = Day(), asyncio.Event()
        scrapes: list[Samples] = []
        desks = [asyncio.create_task(_desk(http, f"http://127.0.0.1:{data}/api{VACCINATE}", fresh, day, over)) for _ in range(DESKS)]
        try:
            for kill in range(KILLS):
                if kill % 10 == DOWN.start:
                    await sim.faults.add("refuse")
                if kill % 10 == DOWN.stop:
                    await sim.faults.clear()
                async with _service(tmp_path) as process:
                    scrapes += await _scraped(http, admin)
                    await _told_more(day, draw.randint(5, 60))
                    scrapes += await _scraped(http, admin)
                    process.kill()
        finally:
            over.set()
            await asyncio.gather(*desks)
        async with _service(tmp_path) as process:
            await _drained(http, admin)
            scrapes += await _scraped(http, admin)
            process.terminate()
            assert await process.wait() == 0
        records = await _judge(sim, day, tmp_path)
        _judge_metrics(scrapes, records)
    record_property("kills", KILLS)
    record_property("doses told", len(day.told))


def _judge_metrics(scrapes: list[Samples], records: list[Record]) -> None:
    last, delivered = scrapes[-1], sum(record.state is RecordState.DELIVERED for record in records)
    assert len(scrapes) > KILLS // 2
    assert falls(scrapes) == []
    assert last["records_recorded_total", "vaccinate"] == len(records)
    assert last["delivery_delay_seconds_count",] == delivered
    assert 0 < last["sends_total", "accepted"] <= delivered  # what a look-up found was never answered
    assert last["outages_total", "vaccinator"] > 0
    assert last["outage_seconds_total", "vaccinator"] > 0


async def _scraped(http: aiohttp.ClientSession, admin: int) -> list[Samples]:
    """Return a scrape, or none: the admin port may open after the first dose, and a busy journal's counters may be left out."""
    try:
        async with http.get(f"http://127.0.0.1:{admin}/metrics") as answer:
            text = await answer.text()
    except aiohttp.ClientConnectionError:
        return []
    return [durable_counters(text)] if "\ndosekeeper_records{" in text else []


async def _judge(sim: Simulator, day: Day, folder: Path) -> list[Record]:
    journal = await open_journal(folder / "data/journal.db", folder / "data/journal.key", {}, Role.CLI)
    try:
        records = await journal.find(RecordFilter(limit=100_000))
    finally:
        await journal.close()
    assert {record.state for record in records} <= {RecordState.DELIVERED, RecordState.HELD, RecordState.REFUSED, RecordState.PENDING}
    waiting = b"\n".join(record.body for record in records if record.state in (RecordState.HELD, RecordState.PENDING))
    applied = Counter(doses_applied(sim))

    lost = [(person, dose) for person, dose in day.told if (person, dose) not in applied and person.encode() not in waiting]
    assert len(day.told) > 100
    assert lost == []
    assert [key for key, times in applied.items() if times > 1] == []
    order = doses_applied(sim)
    assert all((person, 1) in applied and order.index((person, 1)) < order.index((person, 2)) for person, dose in applied if dose == 2)
    return records


async def _desk(http: aiohttp.ClientSession, url: str, fresh: Iterator[str], day: Day, over: asyncio.Event) -> None:
    """Give both doses to one person after another; a person whose dose got no answer is left alone: nobody knows what became of it."""
    for person in fresh:
        for dose in (1, 2):
            if over.is_set():
                return
            if not await _give(http, url, person, dose, over):
                break
            day.note(person, dose)


async def _give(http: aiohttp.ClientSession, url: str, person: str, dose: int, over: asyncio.Event) -> bool:
    while not over.is_set():
        try:
            async with http.post(url, json=a_dose(person, dose), timeout=aiohttp.ClientTimeout(total=5)) as answer:
                return answer.status == 200
        except aiohttp.ClientConnectorError:
            with contextlib.suppress(TimeoutError):  # nobody listens: try again a moment later
                await asyncio.wait_for(over.wait(), 0.02)
        except (aiohttp.ClientError, TimeoutError):
            return False
    return False


async def _told_more(day: Day, count: int) -> None:
    async with asyncio.timeout(30):
        enough = len(day.told) + count
        while len(day.told) < enough:
            day.more.clear()
            await day.more.wait()


async def _drained(http: aiohttp.ClientSession, admin: int) -> None:
    """Wait until nothing is left that goes up by itself; the state is another process's, so it is asked for, at most every 50 ms."""
    async with asyncio.timeout(60):
        while True:
            counts = await _counts(http, admin)
            waits = counts and counts["pending"] + counts["sending"] + counts["unknown"]
            if waits == 0 or (waits and waits == counts["pending"] and counts["held"] and await _stands_still(http, admin, counts)):
                return
            await asyncio.sleep(0.05)


async def _counts(http: aiohttp.ClientSession, admin: int) -> dict[str, int]:
    try:
        async with http.get(f"http://127.0.0.1:{admin}/api/status") as answer:
            counts: dict[str, int] = (await answer.json())["records"]
            return counts
    except aiohttp.ClientConnectorError:
        return {}  # it is still starting


async def _stands_still(http: aiohttp.ClientSession, admin: int, counts: dict[str, int]) -> bool:
    """Whether what is pending waits behind something held: nothing moves for a second."""
    await asyncio.sleep(1)
    return await _counts(http, admin) == counts


@asynccontextmanager
async def _service(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    command = (sys.executable, "-m", "proxy", "--config", str(folder / "config.yaml"), "serve")
    with (folder / "serve.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log, cwd=Path(__file__).parents[2])
    try:
        yield process
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()

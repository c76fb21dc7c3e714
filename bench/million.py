"""Measures a start with a million records waiting, which is 80 days of the biggest centre: how soon, how heavy, how fast then."""

from __future__ import annotations

import asyncio
import secrets
import time
from functools import partial
from pathlib import Path
from typing import Final

from bench.figures import Figure, compared, plain
from bench.stage import Process, free_port, sidecar, until, yardstick
from store.file.keyfile import journal_key
from store.journal import Journal
from store.records import NewRecord

MANY: Final = 1_000_000
FEW: Final = 2_500
REPLAYED: Final = 2_000
"""Records whose replay is timed, after the first hundred."""

HEADERS: Final = b"Content-Type: application/json\r\nContent-Length: 600\r\n"


def measure(folder: Path, rounds: int, many: int = MANY) -> list[Figure]:
    """Return time to be ready, memory and replay rate with *many* records, against the same with a few thousand."""
    for name, count in (("many", many), ("few", FEW * rounds)):
        (folder / name).mkdir()
        asyncio.run(_filled(folder / name, count))
    ready: list[float] = []
    empty: list[float] = []
    rss: list[float] = []
    rates: list[tuple[float, float]] = []
    for number in range(rounds):
        many_ready_s, many_rss, many_rate = _replayed(folder / "many")
        few_rate = _replayed(folder / "few")[2]
        with sidecar(folder / f"empty-{number}", free_port()) as server:
            empty.append(server.started_s)
        ready.append(many_ready_s)
        rss.append(many_rss)
        rates.append((many_rate, few_rate))
    waiting = f"with {many:,} records waiting"
    return [
        plain(f"ready again {waiting}", "s", ready, 2, f"an empty journal: {sorted(empty)[len(empty) // 2]:.2f} s"),
        plain(f"RSS {waiting}", "MB", rss, 150),
        compared(f"replay {waiting}", "/s", rates, "with at most 12,500", 0.85),
    ]


def _replayed(folder: Path) -> tuple[float, float, float]:
    port = free_port()
    with yardstick("upstream", port=port) as upstream, sidecar(folder, port) as server:
        rate = _rate(upstream)
        return server.started_s, server.rss_mb(), rate


def _rate(upstream: Process) -> float:
    def received(count: int) -> float:
        until(lambda: upstream.told("/received") >= count)
        return time.perf_counter()

    began = received(100)
    first: int = upstream.told("/received")
    ended = received(100 + REPLAYED)
    return float(upstream.told("/received") - first) / (ended - began)


async def _filled(folder: Path, count: int) -> None:
    journal = await Journal.open(folder / "journal.db", journal_key(folder / "journal.db", folder / "journal.key", {}))
    try:
        for start in range(0, count, 500):
            await asyncio.gather(*map(partial(_kept, journal), range(start, min(start + 500, count))))
    finally:
        await journal.close()


async def _kept(journal: Journal, number: int) -> None:
    person = secrets.token_bytes(16)
    body = b'{"beneficiary_reference_id":"%d","dose":1,"remarks":"%b"}' % (30_000_000_000_000 + number, b"x" * 520)
    now = time.time_ns() // 1_000_000
    new = NewRecord(
        id=secrets.token_bytes(16),
        route="vaccinate",
        group="vaccinator",
        lanes=(person,),
        method="POST",
        target="/api/v2/vaccinator/beneficiaries/vaccinate",
        headers=HEADERS,
        body=body,
        recorded_at=now,
        natural_key=person,
        deadline_at=now + 86_400_000,
        topics=(person,),
    )
    await journal.record(new, send=False)

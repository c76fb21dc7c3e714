"""Measures what a desk feels in an outage, what the service weighs, and how true the outage's row is. Not full load: a centre's day."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Final

import aiohttp

from bench.figures import Figure, plain
from bench.stage import Process, free_port, outages, sidecar, until, until_down, yardstick

DESKS: Final = 8
PAUSE_S: Final = 0.05
"""Between two doses of a desk: eight desks give 100 in a second, a big centre 800 in a day."""

DOSES: Final = 1_000
PROBE_S: Final = 1.0
OUTAGE_S: Final = 6.0


def measure(folder: Path, rounds: int) -> list[Figure]:
    """Return waits at a desk, idle memory, and by how much start and end of an outage are off."""
    figures: list[Figure] = []
    with sidecar(folder / "waits", free_port()):
        pass  # the first start only keeps a copy of some pages, with an AES of 7 MB that no later one needs
    with sidecar(folder / "waits", free_port()) as server:
        idle = server.rss_mb()
        until_down(server)
        with yardstick("bare") as bare:
            waits, bare_waits = zip(
                *([asyncio.run(_p99_ms(one.url, number)) for one in (server, bare)] for number in range(rounds)), strict=True
            )
    figures.append(plain("wait at a desk in an outage, p99, 8 desks", "ms", waits, 10, f"bare handler: {median(bare_waits):.1f} ms"))
    figures.append(plain("idle RSS", "MB", [idle], 80))
    starts, ends = zip(*(_off_s(folder / f"outage-{number}") for number in range(rounds)), strict=True)
    figures.append(plain("outage's start against the truth", "s", starts, 2 * PROBE_S, "interval 1 s"))
    figures.append(plain("outage's end against the truth", "s", ends, 2 * PROBE_S, "interval 1 s"))
    return figures


async def _p99_ms(url: str, number: int) -> float:
    waited: list[float] = []
    async with aiohttp.ClientSession() as session:

        async def desk(first: int) -> None:
            for person in range(first, first + DOSES // DESKS):
                dose = {"beneficiary_reference_id": f"{person}", "dose": 1, "remarks": "x" * 540}
                began = time.perf_counter()
                async with session.post(url, json=dose) as answer:
                    await answer.read()
                    answer.raise_for_status()
                waited.append((time.perf_counter() - began) * 1000)
                await asyncio.sleep(PAUSE_S)

        await asyncio.gather(*(desk(50_000_000_000_000 + number * 1_000_000 + each * 10_000) for each in range(DESKS)))
    return quantiles(waited, n=100)[98]


def _off_s(folder: Path) -> tuple[float, float]:
    """Take a server away and bring it back, a desk recording a dose a second; return by how many seconds the row is off."""
    port = free_port()
    probing = {"OUTAGE__PROBE_EVERY": f"{PROBE_S:.0f}s", "OUTAGE__PROBE_MAX": f"{PROBE_S:.0f}s"}
    with sidecar(folder, port, **probing) as server, ExitStack() as stack:
        with yardstick("upstream", port=port):
            asyncio.run(_doses(server, 2))
        down_at = time.time()
        asyncio.run(_doses(server, OUTAGE_S))
        up_at = time.time()
        stack.enter_context(yardstick("upstream", port=port))
        listening_at = time.time()

        def ended() -> bool:
            return bool(outages(server)[-1]["ended_at"])

        until(ended)
        row = outages(server)[-1]
    began, end = (datetime.fromisoformat(row[name]).timestamp() for name in ("started_at", "ended_at"))
    return abs(began - down_at), min(abs(end - up_at), abs(end - listening_at))


async def _doses(server: Process, seconds: float) -> None:
    async with aiohttp.ClientSession() as session:
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            dose = {"beneficiary_reference_id": f"{time.time_ns() // 100_000}", "dose": 1}
            async with session.post(server.url, json=dose) as answer:
                await answer.read()
            await asyncio.sleep(0.5)

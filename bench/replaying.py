"""Measures replay without pacing: how fast a backlog goes up, against a loop that only sends, and one that takes its doses from Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import aiohttp

from bench.figures import Figure, compared
from bench.redis import Redis
from bench.stage import Process, free_port, load, redis, sidecar, until, until_down, yardstick

CONNECTIONS: Final = 8
"""In flight at once: the default of `replay.concurrency_max`."""

BACKLOG_S: Final = 2
BODY: Final = b'{"beneficiary_reference_id":"20000000000000","dose":1,"remarks":"' + b"x" * 533 + b'"}'


def measure(folder: Path, rounds: int) -> list[Figure]:
    """Return replay's rate against both loops, each of as many doses as the backlog had."""
    seen: list[tuple[float, float]] = []
    drained: list[tuple[float, float]] = []
    with ExitStack() as stack:
        try:
            behind = stack.enter_context(redis(folder / "redis"))
        except FileNotFoundError:
            behind = None
            print("redis-server is not installed: left out")
        for number in range(rounds):
            port = free_port()
            with sidecar(folder / f"replay-{number}", port, OUTAGE__PROBE_EVERY="200ms", OUTAGE__PROBE_MAX="500ms") as server:
                until_down(server)
                load(server, 32, BACKLOG_S)
                waiting = pending(server)
                with yardstick("upstream", port=port) as upstream:
                    ours = replayed_per_s(upstream, waiting)
            with yardstick("upstream") as upstream:
                seen.append((ours, asyncio.run(_sent_per_s(upstream.url, waiting))))
                if behind is not None:
                    drained.append((ours, asyncio.run(_drained_per_s(behind.port, upstream.url, waiting))))
    figures = [compared("replay without pacing", "/s", seen, "bare client loop", 0.60)]
    if drained:
        figures.append(compared("replay without pacing", "/s", drained, "Redis drainer", 1.0))
    return figures


def pending(server: Process) -> int:
    """Return how many records wait in a sidecar."""
    counts = server.told("/api/status")["records"]
    return int(counts["pending"]) + int(counts["unknown"])


def replayed_per_s(upstream: Process, waiting: int) -> float:
    """Return how fast the middle eight tenths of a backlog arrive: what is before is the start, what is after its tail."""
    at: list[tuple[float, int]] = []

    def past(share: float) -> bool:
        at.append((time.perf_counter(), upstream.told("/received")))
        return at[-1][1] >= share * waiting

    until(lambda: past(0.1))
    begin = at[-1]
    until(lambda: past(0.9), 600)
    return (at[-1][1] - begin[1]) / (at[-1][0] - begin[0])


async def _sent_per_s(url: str, count: int) -> float:
    async with aiohttp.ClientSession() as session:

        async def dose() -> None:
            await _post(session, url, BODY)

        return await _rate(dose, count)


async def _drained_per_s(port: int, url: str, count: int) -> float:
    """Drain a list as one does who loses nothing: the dose stays in a second list until it is sent. Order is not kept."""
    queue = Redis(port)
    await asyncio.gather(*(queue.ask(b"LPUSH", b"backlog", BODY) for _ in range(count)))
    async with aiohttp.ClientSession() as session:

        async def dose() -> None:
            body = await queue.ask(b"RPOPLPUSH", b"backlog", b"sending")
            assert body is not None
            await _post(session, url, body)
            await queue.ask(b"LREM", b"sending", b"1", body)

        return await _rate(dose, count)


async def _post(session: aiohttp.ClientSession, url: str, body: bytes) -> None:
    async with session.post(url, data=body, headers={"Content-Type": "application/json"}) as answer:
        await answer.read()
        answer.raise_for_status()


async def _rate(dose: Callable[[], Awaitable[None]], count: int) -> float:
    left = iter(range(count))

    async def worker() -> None:
        for _ in left:
            await dose()

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(CONNECTIONS)))
    return count / (time.perf_counter() - began)

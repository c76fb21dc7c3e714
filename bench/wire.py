"""
Measures the data port under hostile bytes: half-sent requests, bombs, bodies made to be slow to read.

`python -m bench.wire` from the root; a table, then one line of JSON. Real sockets, a real journal, the limits of the service.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from bench.figures import nested
from simulator import Simulator
from tests.traffic.centre import VACCINATE, Centre, a_centre, people
from tests.traffic.test_large_bodies import HOSTILE, growth_kib
from tests.traffic.test_slow_clients import GET, a_post, told

HALF_SENT: Final = 300
DESKS: Final = 8
HALVES: Final = ((GET[:10], b""), (a_post(VACCINATE, 500, b"{"), b""), (GET[:10], b"a" * 60), (a_post(VACCINATE, 5000), b" " * 60))
ANSWER_MIB: Final = 300
REQUEST_MIB: Final = 60


async def main() -> dict[str, Any]:
    """Measure all three."""
    growth = await growth_kib(ANSWER_MIB, REQUEST_MIB)
    return {
        "half-sent": await half_sent(),
        "bombs": {"down_mib": ANSWER_MIB, "up_mib": REQUEST_MIB, "growth_mib": round(growth / 1024, 1)},
        **{f"1 MiB of {kind}": await beside(*hostile) for kind, hostile in HOSTILE.items()},
    }


async def half_sent() -> dict[str, Any]:
    """Send 300 half requests, a quarter each: heads, bodies, and both with a byte a second; meanwhile desks record doses."""
    async with _a_centre(people_=8_000) as (sim, centre):
        doses = iter(people(sim))
        before = await _recorded(centre, doses, asyncio.get_running_loop().create_task(asyncio.sleep(5)))
        started = time.monotonic()

        async def attack(number: int) -> float:
            await told(centre.url, *HALVES[number % len(HALVES)], every_s=1)
            return time.monotonic() - started

        attacks = asyncio.gather(*(attack(number) for number in range(HALF_SENT)))
        during = await _recorded(centre, doses, attacks)
        return {
            "requests": HALF_SENT,
            "last_closed_s": round(max(await attacks), 1),
            "doses_before_per_s": round(len(before) / 5),
            "p99_before_ms": _p99_ms(before),
            "doses_during_per_s": round(len(during) / max(attacks.result())),
            "p99_during_ms": _p99_ms(during),
        }


async def beside(path: str, body: bytes) -> dict[str, Any]:
    """Send four such bodies at once, and see how long the event loop is held and a dose takes meanwhile."""
    async with _a_centre(people_=4_000, answering={"body_max": "2MiB", "answer_within": "10s"}) as (sim, centre):
        # Down, so that what is measured is the sidecar's reading of it and not the simulator's, in the same process.
        centre.sidecar.circuits.hold(held=True)
        hostile = asyncio.gather(*(centre.post(path, body) for _ in range(4)))
        stalls: list[float] = []
        watch = asyncio.create_task(_watch(stalls, hostile))
        doses = await _recorded(centre, iter(people(sim)), hostile)
        await watch
        return {"worst_stall_ms": round(max(stalls) * 1000), "doses": len(doses), "p99_ms": _p99_ms(doses)}


async def _watch(stalls: list[float], until: asyncio.Future[Any]) -> None:
    while not until.done():
        before = time.monotonic()
        await asyncio.sleep(0)
        stalls.append(time.monotonic() - before)
        await asyncio.sleep(0.001)


async def _recorded(centre: Centre, persons: Iterator[str], until: asyncio.Future[Any]) -> list[float]:
    took: list[float] = []

    async def desk() -> None:
        while not until.done():
            before = time.monotonic()
            answer = await centre.vaccinate(next(persons))
            assert answer.status == 200, answer  # noqa: PLR2004
            took.append(time.monotonic() - before)

    await asyncio.gather(*(desk() for _ in range(DESKS)))
    return took


def _p99_ms(took: list[float]) -> int:
    return round(sorted(took)[len(took) * 99 // 100] * 1000)


@asynccontextmanager
async def _a_centre(people_: int, **settings: dict[str, Any]) -> AsyncIterator[tuple[Simulator, Centre]]:
    async with Simulator(seed=21, people=people_) as sim:
        with tempfile.TemporaryDirectory() as folder:
            async with a_centre(Path(folder), f"{sim.url}/api", clock=None, **settings) as centre:
                yield sim, centre


if __name__ == "__main__":
    logging.disable(logging.ERROR)
    measured = asyncio.run(main())
    sys.stdout.write(f"{nested(measured)}\n{json.dumps(measured)}\n")

"""
Measures a backup: how long desks wait for a receipt while none is made, and while one follows another.

`python -m bench.backup` from the root; a table, then one line of JSON. A real sidecar and journal, 20,000 records waiting in it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

from bench.figures import nested
from simulator import Simulator
from store.records import NewRecord
from tests.traffic.centre import Centre, a_centre

WAITING: Final = 20_000
DESKS: Final = 8
MEASURED: Final = 4_000
PAUSE_S: Final = 0.02
"""Between two doses of a desk: eight desks give more in a second than a big centre in an hour."""


async def main() -> dict[str, Any]:
    """Measure receipts without and with backups."""
    async with Simulator(seed=17, people=10) as sim:
        with tempfile.TemporaryDirectory() as folder:
            async with a_centre(Path(folder), f"{sim.url}/api") as centre:
                centre.sidecar.circuits.hold(held=True)
                await _fill(centre)
                persons = iter(f"{48_000_000_000_000 + number}" for number in range(10 * MEASURED))
                without = await _receipts_ms(centre, persons)
                backing_up = asyncio.create_task(_back_up(centre, Path(folder)))
                during = await _receipts_ms(centre, persons)
                backing_up.cancel()
                taken_s, size = await _one(centre, Path(folder))
                return {
                    "without": _figures(without),
                    "during": _figures(during),
                    "one backup": {"seconds": round(taken_s, 2), "mebibytes": round(size / (1 << 20), 1), "waiting records": WAITING},
                }


async def _fill(centre: Centre) -> None:
    async def keep(number: int) -> None:
        own = (1 << 100 | number).to_bytes(16)
        new = NewRecord(own, "vaccinate", "vaccinator", (own,), "POST", "/x", b"h" * 400, b"b" * 800, centre.sidecar.clock.wall())
        await centre.sidecar.journal.record(new, send=False)

    for start in range(0, WAITING, 1000):
        await asyncio.gather(*(keep(number) for number in range(start, start + 1000)))


async def _receipts_ms(centre: Centre, persons: Iterator[str]) -> list[float]:
    waited: list[float] = []

    async def desk() -> None:
        while len(waited) < MEASURED:
            began = time.perf_counter()
            await centre.vaccinate(next(persons))
            waited.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(PAUSE_S)

    await asyncio.gather(*(desk() for _ in range(DESKS)))
    return waited


async def _back_up(centre: Centre, folder: Path) -> None:
    while True:
        await _one(centre, folder)


async def _one(centre: Centre, folder: Path) -> tuple[float, int]:
    began = time.perf_counter()
    made = await centre.sidecar.journal.back_up(folder / "copy.journal", centre.sidecar.clock.wall())
    return time.perf_counter() - began, made.size_bytes


def _figures(waited_ms: list[float]) -> dict[str, float]:
    cuts = quantiles(waited_ms, n=1000)
    return {"p50_ms": round(cuts[499], 1), "p99_ms": round(cuts[989], 1), "max_ms": round(max(waited_ms), 1)}


if __name__ == "__main__":
    logging.disable(logging.ERROR)
    measured = asyncio.run(main())
    sys.stdout.write(f"{nested(measured)}\n{json.dumps(measured)}\n")

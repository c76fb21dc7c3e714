"""A kill -9 with twenty thousand records waiting, and the start after it. How fast is told by `make proof`; here it is bounded widely."""

from __future__ import annotations

import asyncio
import shutil
import statistics
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Callable
from pathlib import Path

import pytest

from simulator import Simulator
from tests.cli.centre import ROOT, Centre, a_centre
from tests.proof.mode import PROOF
from tests.system.backlog import CUT_OFF
from tests.traffic.centre import people

WAITING = 20_000
STARTS = 5 if PROOF else 1


async def kept_and_killed(folder: Path, records: int) -> None:
    command = (sys.executable, "-m", "tests.system.backlog", str(folder / "j.db"), str(folder / "j.key"), str(records))
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, cwd=ROOT)
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"kept\n"
    finally:
        process.kill()
        await process.wait()


async def ready_after_s(centre: Centre, killed: Path, folder: Path, person: str) -> tuple[float, dict[str, int]]:
    """Return the seconds from the start of the process until it is ready, and its records, one of which a desk has added."""
    shutil.copytree(killed, folder)  # the next start is to find the files as the kill left them, too
    store = {"DOSEKEEPER_STORE__PATH": str(folder / "j.db"), "DOSEKEEPER_STORE__KEY_FILE": str(folder / "j.key")}
    began_s = time.monotonic()
    async with centre.serving(ready=False, **store) as service:
        await service.logged("ready")
        ready_s = time.monotonic() - began_s
        await service.logged("admin_port")
        assert await centre.vaccinate(person) == 200
        return ready_s, (await centre.status())["records"]


@pytest.mark.timeout(600 if PROOF else 60)
async def test_with_a_long_backlog_it_is_ready_and_has_lost_nothing(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    backlogs: dict[int, list[float]] = {0: [], WAITING: []}
    for waiting in backlogs:
        (tmp_path / str(waiting)).mkdir()
        await kept_and_killed(tmp_path / str(waiting), waiting)
    async with Simulator(seed=5, people=10) as sim, a_centre(tmp_path, f"{sim.url}/api") as centre:
        await sim.faults.add("refuse")
        for start in range(STARTS):
            for waiting, ready_s in backlogs.items():  # by turns, so that a busy moment is not one backlog's alone
                took_s, records = await ready_after_s(centre, tmp_path / str(waiting), tmp_path / f"{waiting}-{start}", people(sim)[0])
                ready_s.append(took_s)
                assert sum(records.values()) == waiting + 1
                assert records["unknown"] >= min(waiting, CUT_OFF), "nobody knows what became of what was under way"
    for waiting, ready_s in backlogs.items():
        record_property(f"ready with {waiting} waiting, s, median of {STARTS}", round(statistics.median(ready_s), 2))

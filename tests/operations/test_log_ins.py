"""Records that need somebody to log in: told by `status` and by the list."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.operations import records, status
from proxy.operations.asked import Choice
from proxy.operations.centre import Centre, Traffic
from proxy.operations.runs import Replays
from proxy.traffic.retry import Wake
from simulator import Simulator
from tests.traffic.centre import VACCINATE, LaterClock, a_centre, a_dose, people
from tests.traffic.centre import Centre as Running
from tests.traffic.gate import a_gate

MINUTES_MS = 60_000


def seen(running: Running) -> Centre:
    sidecar = running.sidecar
    traffic = Traffic(sidecar.circuits, sidecar.credentials, sidecar.replayer, Replays(sidecar.replayer.budget), Wake(), sidecar.watch)
    return Centre(sidecar.journal, sidecar.clock, sidecar.persons, traffic)


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(seed=7, people=10) as running:
        yield running


async def test_what_waits_for_a_log_in_says_so_after_half_an_hour(sim: Simulator, tmp_path: Path) -> None:
    clock = LaterClock()
    async with a_gate(sim.url, clock) as gate, a_centre(tmp_path, f"{gate.url}/api", clock=clock, upstream={"headers": "{}"}) as running:
        first, second = people(sim)[:2]
        log_in = {"Authorization": f"Bearer {gate.token('asha', mobile_number='9000000001')}"}
        await running.post(VACCINATE, a_dose(first), **log_in)
        running.sidecar.circuits.hold(held=True)
        await running.post(VACCINATE, a_dose(second), **log_in)
        centre = seen(running)

        async def told() -> tuple[int, list[str | None]]:
            listed = await records.listed(centre, Choice(), 10)
            return (await status.status(centre))["needs_log_in"], [line["reason"] for line in listed]

        assert await told() == (0, [None, None]), "the log-in is at hand"
        clock.ahead_ms += 16 * MINUTES_MS
        assert await told() == (0, [None, None]), "it is over, and may be back any minute"
        clock.ahead_ms += 15 * MINUTES_MS
        assert await told() == (1, [None, "needs log-in"])
        anew = {"Authorization": f"Bearer {gate.token('asha', mobile_number='9000000001')}"}
        await running.get("/v2/registration/beneficiary/genders", **anew)
        assert await told() == (0, [None, None])

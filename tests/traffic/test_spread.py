"""The backlog of an outage goes up spread over time, so that all centres together do not knock the server over again (G8)."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from simulator import Simulator
from store.records import RecordState
from tests.traffic.centre import VACCINATE, Centre, a_centre, people

DOSES = 6


async def came_back(sim: Simulator, centre: Centre, *, hurried: bool) -> tuple[float, list[float]]:
    """Let an outage gather doses and end; return the interval that was reckoned, and those that the server saw between the doses."""
    await sim.faults.add("refuse")
    await centre.go_down()
    budget = centre.sidecar.replayer.budget
    budget.hurried = hurried
    for person in people(sim)[:DOSES]:
        await centre.vaccinate(person)
    intervals: list[float] = []

    async def delivered() -> bool:
        intervals.append(budget.drain.interval_s)
        return (await centre.states()).count(RecordState.DELIVERED) == DOSES

    await sim.faults.clear()
    await centre.until(delivered)
    received = [entry.moment.at for entry in sim.ledger.received if entry.target == f"/api{VACCINATE}".encode()]
    return max(intervals), [(later - earlier) / 1000 for earlier, later in pairwise(received)]


async def test_the_backlog_is_spread_by_how_long_the_server_was_away(sim: Simulator, tmp_path: Path) -> None:
    async with a_centre(tmp_path, f"{sim.url}/api", replay={"spread_max": "50ms"}) as centre:
        interval_s, seen_s = await came_back(sim, centre, hurried=False)
    assert min(seen_s) >= interval_s - 0.02, "the server's clock counts milliseconds, and a send takes some"


async def test_an_operator_who_asks_for_it_now_has_it_now(sim: Simulator, tmp_path: Path) -> None:
    async with a_centre(tmp_path, f"{sim.url}/api", replay={"spread_max": "50ms"}) as centre:
        interval_s, seen_s = await came_back(sim, centre, hurried=True)
    assert sum(seen_s) < (DOSES - 1) * interval_s


async def test_it_is_not_spread_where_that_is_turned_off(sim: Simulator, centre: Centre) -> None:
    await sim.faults.add("refuse")
    await centre.go_down()
    await centre.vaccinate(people(sim)[0])
    await sim.faults.clear()
    await centre.until_all(RecordState.DELIVERED, 1)
    assert centre.sidecar.replayer.budget.drain.interval_s == 0


async def test_the_end_of_a_hold_has_a_start_slot_too(sim: Simulator, tmp_path: Path) -> None:
    async with a_centre(tmp_path, f"{sim.url}/api", replay={"spread_max": "15m"}) as centre:
        centre.sidecar.circuits.hold(held=True)
        await centre.vaccinate(people(sim)[0])
        centre.sidecar.circuits.hold(held=False)
        wait_s = centre.sidecar.circuits.next_change_s()
    assert wait_s == pytest.approx(5, abs=5), "ten seconds are the shortest window"

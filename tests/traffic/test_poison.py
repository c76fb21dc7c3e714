"""A payload that the server chokes on: it stops its own lane only, opens no circuit, and after three times it waits for a person."""

from __future__ import annotations

from simulator import Simulator
from store.records import RecordState
from tests.traffic.centre import VACCINATE, Centre, doses_applied, people


async def test_three_failures_while_three_other_lanes_succeed_hold_the_record(sim: Simulator, centre: Centre) -> None:
    poison, *others = people(sim)[:12]
    await sim.faults.add("error_500", routes=[f"/api{VACCINATE}"], match=poison)
    await centre.vaccinate(poison)
    for person in others:
        assert (await centre.vaccinate(person)).state is None, "the others have the server's own answers all the while"
    await centre.until_all(RecordState.HELD, 1, within_s=30)
    record = next(record for record in await centre.records() if record.state is RecordState.HELD)
    assert (record.attempt, record.maybe_applied) == (3, True)
    assert str(record.reason).startswith("poison unknown http_500")
    assert centre.sidecar.circuits.watched("vaccinator").circuit.phase in ("closed", "suspect")
    assert len(doses_applied(sim)) == len(others)
    assert (await centre.vaccinate(poison, 2)).state == "pending"
    assert (await centre.vaccinate(others[0], 2)).state is None

"""Each fault → its outcome → the record's state → what the desk saw. The ledger says what the server really did."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from simulator import Simulator
from store.records import RecordState
from tests.traffic.centre import SCHEDULE, VACCINATE, Centre, a_centre, a_dose, doses_applied, people

FIND = b"/beneficiaries/findByReferenceId"


@dataclass(frozen=True)
class Case:
    """A fault that strikes one dose once; `applied`: whether the server took the dose on all the same."""

    fault: str
    applied: bool


CASES = [
    Case("hang", applied=False),
    Case("reset_before", applied=False),
    Case("reset_after", applied=False),
    Case("commit_then_drop", applied=True),
    Case("commit_then_504", applied=True),
    Case("gateway_504", applied=False),
    Case("error_500", applied=False),
    Case("unavailable_503", applied=False),
    Case("portal_200", applied=False),
    Case("truncated", applied=True),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fault)
async def test_what_may_have_got_through_is_looked_up_before_it_is_sent_again(sim: Simulator, centre: Centre, case: Case) -> None:
    person = people(sim)[0]
    await sim.faults.add(case.fault, routes=[f"/api{VACCINATE}"], times=1)
    told = await centre.vaccinate(person)
    assert (told.status, told.state) == (200, "sending"), "the desk has the receipt"

    await centre.until_all(RecordState.DELIVERED, 1)
    (record,) = await centre.records()
    sends = [entry.sequence for entry in sim.ledger.received if entry.target == f"/api{VACCINATE}".encode()]
    asked = [entry.sequence for entry in sim.ledger.received if FIND in entry.target and entry.reply is not None]
    assert len(sends) == record.attempt == (1 if case.applied else 2), "one journalled attempt is one send on the wire"
    assert asked, "looked up"
    if not case.applied:
        assert [one for one in asked if sends[0] < one < sends[1]], "between the two sends"
    assert doses_applied(sim) == [(person, 1)]


async def test_not_there_is_not_believed_before_the_settle_time(sim: Simulator, tmp_path: Path) -> None:
    async with a_centre(tmp_path, f"{sim.url}/api", replay={"settle": "1h"}) as centre:
        person = people(sim)[0]
        await sim.faults.add("reset_after", routes=[f"/api{VACCINATE}"], times=1)
        await centre.vaccinate(person)

        async def looked_up() -> bool:
            records = await centre.records()
            return records[0].due_at > 0

        await centre.until(looked_up)
        assert await centre.states() == ["unknown"]
        assert doses_applied(sim) == []


async def test_what_is_there_with_other_content_waits_for_a_person(sim: Simulator, centre: Centre) -> None:
    person = people(sim, doses=1)[0]
    await sim.faults.add("reset_after", routes=[f"/api{VACCINATE}"], times=1)
    await centre.vaccinate(person)
    await centre.until_all(RecordState.HELD, 1)
    (record,) = await centre.records()
    assert (record.reason, record.attempt, record.maybe_applied) == ("looked up: other content", 1, True)


@pytest.mark.parametrize("fault", ["refuse", "throttle_429", "waf_403"])
async def test_what_was_surely_not_processed_waits_and_is_sent_by_itself(sim: Simulator, centre: Centre, fault: str) -> None:
    person = people(sim)[0]
    routes = ["/**"] if fault == "refuse" else [f"/api{VACCINATE}"]
    if fault == "throttle_429":
        await sim.faults.add(fault, routes=routes, retry_after_s=1)
    else:
        await sim.faults.add(fault, routes=routes)
    told = await centre.vaccinate(person)
    assert told.status == 200
    assert told.state in ("sending", "pending")
    await centre.until_all(RecordState.PENDING, 1)
    (record,) = await centre.records()
    assert not record.maybe_applied
    await sim.faults.clear()
    await centre.until_all(RecordState.DELIVERED, 1)
    assert doses_applied(sim) == [(person, 1)]


async def test_a_refusal_in_time_is_the_desks_and_the_record_is_refused(centre: Centre) -> None:
    told = await centre.vaccinate("11111111111111")
    assert (told.status, told.state) == (400, None)
    assert b"APPOIN0001" in told.body
    assert await centre.states() == ["refused"], "settled before the desk was told"


async def test_a_refusal_that_the_desk_was_not_told_of_is_held_and_stops_its_own_lane_only(sim: Simulator, centre: Centre) -> None:
    stranger, person = "11111111111111", people(sim)[0]
    await sim.faults.add("refuse")
    for dose in (1, 2):
        await centre.vaccinate(stranger, dose)
        await centre.vaccinate(person, dose)
    await sim.faults.clear()
    await centre.until_all(RecordState.DELIVERED, 2)
    assert await centre.states() == ["held", "delivered", "pending", "delivered"]
    assert (await centre.records())[0].reason == "refused http_400 APPOIN0001"


async def test_a_passed_appointment_slot_is_passed_by_and_the_dose_behind_it_goes_on(sim: Simulator, centre: Centre) -> None:
    person = people(sim)[0]
    await sim.faults.add("refuse")
    slot = {"dose": 1, "session_id": "00000000-0000-4000-8000-000000000000", "slot": "01:00AM-02:00AM", "beneficiaries": [person]}
    assert (await centre.post(SCHEDULE, slot)).status == 200
    assert (await centre.vaccinate(person)).status == 200
    await sim.faults.clear()
    await centre.until_all(RecordState.DELIVERED, 1)
    assert await centre.states() == ["refused", "delivered"]


async def test_a_desk_that_hung_up_before_the_refusal_leaves_it_to_a_person(sim: Simulator, centre: Centre) -> None:
    await sim.faults.add("slow", routes=[f"/api{VACCINATE}"], latency_s=0.3)
    with pytest.raises(TimeoutError):
        async with centre.desk.post(centre.url + VACCINATE, json=a_dose("11111111111111"), timeout=_short()):
            pass
    await centre.until_all(RecordState.HELD, 1)


async def test_a_later_dose_of_the_same_person_waits_behind_one_in_flight(sim: Simulator, centre: Centre) -> None:
    person = people(sim)[0]
    await sim.faults.add("slow", routes=[f"/api{VACCINATE}"], latency_s=2.0, times=1)
    first = await centre.vaccinate(person, 1)
    second = await centre.vaccinate(person, 2)
    assert (first.state, second.state) == ("sending", "pending")
    await centre.until_all(RecordState.DELIVERED, 2)
    assert doses_applied(sim) == [(person, 1), (person, 2)]


def _short() -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=0.1)

"""Two taps, two desks: one fact is one record, and one dose upstream."""

from __future__ import annotations

import asyncio
import json

import pytest

from simulator import Simulator
from store.records import RecordState
from tests.traffic.centre import VACCINATE, Centre, a_dose, doses_applied, people


async def test_a_double_tap_while_down_is_one_record_and_one_dose(sim: Simulator, centre: Centre) -> None:
    person = people(sim)[0]
    await sim.faults.add("refuse")
    first, second = [await centre.vaccinate(person) for _ in range(2)]
    assert first.headers["Dosekeeper-Record"] == second.headers["Dosekeeper-Record"]
    assert first.status == second.status == 200
    await sim.faults.clear()
    await centre.until_all(RecordState.DELIVERED, 1)
    assert doses_applied(sim) == [(person, 1)]


async def test_a_tap_during_a_live_send_waits_for_its_answer(sim: Simulator, centre: Centre) -> None:
    person = people(sim)[0]
    await sim.faults.add("slow", routes=[f"/api{VACCINATE}"], latency_s=0.1)
    first, second = await asyncio.gather(centre.vaccinate(person), centre.vaccinate(person))
    assert (first.state, second.state, first.body) == (None, None, second.body), "both have the server's own answer"
    assert doses_applied(sim) == [(person, 1)]


async def test_a_tap_after_the_delivery_gets_the_stored_answer(sim: Simulator, centre: Centre) -> None:
    person = people(sim)[0]
    first = await centre.vaccinate(person)
    await centre.until_all(RecordState.DELIVERED, 1)
    second = await centre.vaccinate(person)
    assert (second.status, second.body, second.headers["Dosekeeper-Record"]) == (200, first.body, first.headers["Dosekeeper-Record"])
    assert doses_applied(sim) == [(person, 1)]


async def test_the_same_dose_with_other_content_is_a_conflict_that_names_the_record(sim: Simulator, centre: Centre) -> None:
    person = people(sim)[0]
    await sim.faults.add("refuse")
    first = await centre.vaccinate(person)
    other = await centre.vaccinate(person, vaccine_batch="4121Z099")
    problem = json.loads(other.body)
    assert (other.status, problem["record"]["id"], problem["errorCode"]) == (
        409,
        first.headers["Dosekeeper-Record"],
        "recorded-otherwise",
    )
    both = await centre.post(VACCINATE, a_dose(person) | {"vaccine_batch": "4121Z099"}, **{"Dosekeeper-Override": "two vials"})
    assert both.status == 200
    assert await centre.states() == ["pending", "pending"]
    assert b"Dosekeeper-Override" not in b"".join(record.headers for record in await centre.records())


async def test_a_refused_fact_is_let_go(centre: Centre) -> None:
    for _ in range(2):
        assert (await centre.vaccinate("11111111111111")).status == 400
    assert await centre.states() == ["refused", "refused"]


async def test_a_fact_that_waits_for_correction_says_so(sim: Simulator, centre: Centre) -> None:
    await sim.faults.add("refuse")
    await centre.vaccinate("11111111111111")
    await sim.faults.clear()
    await centre.until_all(RecordState.HELD, 1)
    told = await centre.vaccinate("11111111111111")
    assert (told.status, json.loads(told.body)["errorCode"]) == (409, "waits-for-correction")


@pytest.mark.parametrize("key", ['"8e03978e-40d5-43dd"', "8e03978e-40d5-43dd"], ids=["quoted", "as many clients send it"])
async def test_an_idempotency_key_belongs_to_one_request(sim: Simulator, centre: Centre, key: str) -> None:
    one, other = people(sim)[:2]
    await sim.faults.add("refuse")
    first = await centre.post(VACCINATE, a_dose(one), **{"Idempotency-Key": key})
    again = await centre.post(VACCINATE, a_dose(one), **{"Idempotency-Key": key})
    reused = await centre.post(VACCINATE, a_dose(other), **{"Idempotency-Key": key})
    malformed = await centre.post(VACCINATE, a_dose(other), **{"Idempotency-Key": '"open'})
    assert first.headers["Dosekeeper-Record"] == again.headers["Dosekeeper-Record"]
    assert (reused.status, malformed.status) == (422, 400)
    assert len(await centre.records()) == 1


async def test_two_desks_racing_on_one_dose_make_one_record_each_time(sim: Simulator, centre: Centre) -> None:
    await sim.faults.add("refuse")
    await centre.go_down()
    persons = people(sim)
    for person in persons:
        first, second = await asyncio.gather(centre.vaccinate(person), centre.vaccinate(person))
        assert first.headers["Dosekeeper-Record"] == second.headers["Dosekeeper-Record"]
    assert len(await centre.records()) == len(persons) >= 20
    await sim.faults.clear()
    await centre.until_all(RecordState.DELIVERED, len(persons))
    assert sorted(doses_applied(sim)) == sorted((person, 1) for person in persons)

"""What a desk is told with a receipt, while the server cannot judge: the interval, and the vaccine of the first dose."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulator import Simulator
from tests.traffic.centre import VACCINATE, Centre, Told, a_dose, people
from tests.traffic.test_walk_ins import FIND, register

SOON = "Less than 84 days since the first dose of COVISHIELD: check before the dose is given."
OTHER = "The first dose was of another vaccine: check before the dose is given."


def second(person: str, day: str, vaccine: str = "COVISHIELD") -> dict[str, object]:
    return a_dose(person, 2) | {"dose2_date": day, "vaccine": vaccine}


def warned(told: Told) -> list[str]:
    assert told.status == 200
    in_body: list[str] = json.loads(told.body).get("warnings", [])
    assert told.headers.get("Dosekeeper-Warning", "") == " | ".join(in_body)
    return in_body


@pytest.mark.parametrize(
    ("day", "vaccine", "warnings"),
    [
        ("14-09-2021", "COVISHIELD", [SOON]),
        ("15-09-2021", "COVISHIELD", []),
        ("15-09-2021", "COVAXIN", [OTHER]),
        ("20-07-2021", "COVAXIN", ["Less than 28 days since the first dose of COVAXIN: check before the dose is given.", OTHER]),
    ],
)
async def test_of_a_first_dose_that_was_recorded_here(sim: Simulator, centre: Centre, day: str, vaccine: str, warnings: list[str]) -> None:
    await sim.faults.add("refuse")
    person = await register(centre)
    assert warned(await centre.vaccinate(person, 1)) == []
    asked = second(person, day, vaccine)
    assert warned(await centre.post(VACCINATE, asked)) == warnings
    assert warned(await centre.post(VACCINATE, asked)) == warnings, "the second tap is told the same"
    assert len(await centre.records()) == 3, "kept all the same"


async def test_of_a_first_dose_that_the_server_knew_when_the_person_was_looked_up(sim: Simulator, centre: Centre) -> None:
    person, unread = people(sim, doses=1)[:2]
    day = sim.register.people[person].doses[1].day
    await centre.get(FIND + person)
    await sim.faults.add("refuse")
    vaccine = sim.register.people[person].doses[1].vaccine
    other: Any = "COVAXIN" if vaccine != "COVAXIN" else "COVISHIELD"
    assert OTHER in warned(await centre.post(VACCINATE, second(person, day, other)))
    assert warned(await centre.post(VACCINATE, second(unread, day, other))) == [], "nothing is known, so nothing is said"


async def test_the_same_dose_at_another_desk_is_told_and_not_kept(sim: Simulator, centre: Centre) -> None:
    await sim.faults.add("refuse")
    person = people(sim)[0]
    await centre.vaccinate(person, 1, vaccine_batch="4121Z012")
    again = await centre.vaccinate(person, 1, vaccine_batch="4121Z099")
    assert (again.status, json.loads(again.body)["errorCode"]) == (409, "recorded-otherwise")
    assert "Dosekeeper-Override" in json.loads(again.body)["detail"]
    over = await centre.post(VACCINATE, a_dose(person, 1) | {"vaccine_batch": "4121Z099"}, **{"Dosekeeper-Override": "the first was spilt"})
    assert over.status == 200

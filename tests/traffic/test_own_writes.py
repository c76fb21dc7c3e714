"""What a desk looks up shows what this centre has recorded, whether the server has it yet or not. The simulator says what is right."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any, Final

import aiohttp
import pytest

from simulator import Simulator
from store.decisions import Act, Decided, Edited
from store.records import RecordState
from tests.traffic.centre import VACCINATE, Centre, JumpingClock, Told, a_centre, a_dose, people
from tests.traffic.test_walk_ins import FIND, a_walk_in, register

BY_MOBILE: Final = "/v2/vaccinator/beneficiaries/findByMobile?mobile_number="
NOBODYS: Final = {"9000000001", "9000000002"}
MARK: Final = "Dosekeeper-Overlay"


def listed(told: Told) -> list[dict[str, Any]]:
    assert told.status == 200, told.body
    found: list[dict[str, Any]] = json.loads(told.body)["beneficiaries"]
    return found


def mobile_of(sim: Simulator, person: str) -> str:
    return sim.register.people[person].mobile


async def delivered(centre: Centre, records: int) -> None:
    await centre.until_all(RecordState.DELIVERED, records)


async def test_a_dose_recorded_offline_shows_by_id_and_by_mobile_and_is_marked(sim: Simulator, centre: Centre) -> None:
    person = people(sim)[0]
    paths = [FIND + person, BY_MOBILE + mobile_of(sim, person)]
    family = next(mobile for other in people(sim)[1:] if (mobile := mobile_of(sim, other)) != mobile_of(sim, person))
    members = len(listed(await centre.get(BY_MOBILE + family)))
    for path in paths:
        assert MARK not in (await centre.get(path)).headers
    await sim.faults.add("refuse")
    await centre.go_down()
    await centre.sidecar.memory.flush()
    for path in (*paths, BY_MOBILE + family):
        assert MARK not in (await centre.get(path)).headers, "and now the answer is at hand"
    await centre.vaccinate(person, 1)
    for path in paths:
        told = await centre.get(path)
        (shown,) = [each for each in listed(told) if each["beneficiary_reference_id"] == person]
        assert (shown["dose1_date"], shown["vaccine"], shown["vaccination_status"]) == ("23-06-2021", "COVISHIELD", "Partially Vaccinated")
        assert shown["offline_mode"] == 1
        assert (told.headers[MARK], "Age" in told.headers) == ("1", True)
    await register(centre, mobile_number=family)
    assert len(listed(await centre.get(BY_MOBILE + family))) == members + 1
    await sim.faults.clear()
    await delivered(centre, 2)
    for path in paths:
        told = await centre.get(path)
        assert MARK not in told.headers, "the server's word counts"
        assert all("offline_mode" not in each for each in listed(told))


async def test_a_walk_in_is_found_by_provisional_id_and_by_a_mobile_that_was_never_read(sim: Simulator, centre: Centre) -> None:
    await sim.faults.add("refuse")
    provisional = await register(centre)
    await centre.vaccinate(provisional, 1)
    for path in (FIND + provisional, BY_MOBILE + "9000000001"):
        told = await centre.get(path)
        (shown,) = listed(told)
        assert (shown["beneficiary_reference_id"], shown["name"], shown["photo_id_number"]) == (provisional, "Lakshmi Nair", "********4821")
        assert shown["vaccination_status"] == "Partially Vaccinated"
        assert told.headers[MARK] == "1, 2"
        assert told.headers["Cache-Status"] == "dosekeeper; detail=own-records"
    assert (await centre.get(BY_MOBILE + "9000000002")).status >= 500, "nobody is known there, and that is not the same as nobody"


async def test_a_registration_that_waits_shows_over_what_the_server_says_while_it_is_up(sim: Simulator, centre: Centre) -> None:
    centre.sidecar.circuits.hold(held=True)
    provisional = await register(centre)
    assert [each["beneficiary_reference_id"] for each in listed(await centre.get(BY_MOBILE + "9000000001"))] == [provisional]
    person = people(sim)[0]
    assert len(listed(await centre.get(FIND + person))) == 1
    await centre.vaccinate(person, 1)
    told = await centre.get(FIND + person)
    assert (listed(told)[0]["dose1_date"], "Age" in told.headers) == ("23-06-2021", False)


async def test_what_is_held_or_discarded_is_not_shown_as_given(sim: Simulator, centre: Centre) -> None:
    person = people(sim)[0]
    await centre.get(FIND + person)
    sim.register.rules = sim.register.rules.model_copy(update={"refused_batches": frozenset({"4121Z012"})})
    await sim.faults.add("refuse")
    await centre.vaccinate(person, 1)
    assert listed(await centre.get(FIND + person))[0]["dose1_date"] == "23-06-2021"
    await sim.faults.clear()
    await centre.until_all(RecordState.HELD, 1)
    for _ in range(2):
        told = await centre.get(FIND + person)
        assert (listed(told)[0]["dose1_date"], MARK in told.headers) == ("", False)
        (record,) = await centre.records()
        if record.state is RecordState.HELD:
            await centre.sidecar.journal.discard(record, Act("asha", "a mistake"), centre.sidecar.clock.wall())


async def test_an_answer_fetched_before_the_delivery_keeps_its_overlay(sim: Simulator, tmp_path: Path) -> None:
    clock = JumpingClock()
    async with a_centre(tmp_path, f"{sim.url}/api", clock=clock) as centre:
        person = people(sim)[0]
        await centre.get(FIND + person)
        await sim.faults.add("refuse")
        await centre.vaccinate(person, 1)
        await sim.faults.clear()
        await delivered(centre, 1)
        await sim.faults.add("refuse")
        clock.suspended_s += 3 * 3600
        told = await centre.get(FIND + person)
        assert (listed(told)[0]["dose1_date"], told.headers[MARK]) == ("23-06-2021", "1")


async def test_a_server_whose_reads_lag_is_believed_after_read_lag(sim: Simulator, tmp_path: Path) -> None:
    clock = JumpingClock()
    async with a_centre(tmp_path, f"{sim.url}/api", clock=clock) as centre:
        person = people(sim)[0]
        await centre.vaccinate(person, 1)
        await delivered(centre, 1)
        sim.register.people[person].doses.clear()  # what is read is older than what was written
        assert listed(await centre.get(FIND + person))[0]["dose1_date"] == "23-06-2021"
        clock.suspended_s += 31 * 60
        told = await centre.get(FIND + person)
        assert (listed(told)[0]["dose1_date"], MARK in told.headers) == ("", False)


async def test_a_walk_in_is_found_by_the_real_id_too_as_soon_as_that_is_known(sim: Simulator, centre: Centre) -> None:
    await sim.faults.add("refuse")
    provisional = await register(centre)
    await centre.vaccinate(provisional, 1)
    await sim.faults.clear()
    await delivered(centre, 2)
    real = (await centre.sidecar.journal.identities([provisional]))[provisional].real
    assert real is not None
    sim.register.people[real].doses.clear()  # what is read is older than what was written
    for id_ in (real, provisional):
        (shown,) = listed(await centre.get(FIND + id_))
        assert (shown["beneficiary_reference_id"], shown["dose1_date"]) == (real, "23-06-2021")


async def test_a_corrected_registration_is_found_by_what_it_says_now(sim: Simulator, centre: Centre) -> None:
    await sim.faults.add("refuse")
    await centre.go_down()
    await register(centre)
    (record,) = await centre.records()
    body = json.dumps(a_walk_in(mobile_number="9000000009")).encode()
    journal = centre.sidecar.journal
    said = Edited(record.target, record.headers, body, (record.id,), record.id, b"c" * 16, (), (journal.topic("9000000009"),))
    assert isinstance(await journal.edit(record, said, Act("asha", "a wrong digit", word=True), centre.sidecar.clock.wall()), Decided)
    assert len(listed(await centre.get(BY_MOBILE + "9000000009"))) == 1
    assert (await centre.get(BY_MOBILE + "9000000001")).status >= 500
    assert record.issues is not None
    assert len(listed(await centre.get(FIND + record.issues))) == 1


async def test_our_own_records_are_shown_to_nobody_for_whom_nobody_vouches(sim: Simulator, centre: Centre) -> None:
    await sim.faults.add("refuse")
    asha, ravi = {"Authorization": "Bearer asha"}, {"Authorization": "Bearer ravi"}
    told = await centre.post("/v2/vaccinator/beneficiaries/new", a_walk_in(), **asha)
    provisional = json.loads(told.body)["beneficiary_reference_id"]
    assert len(listed(await centre.get(FIND + provisional, **asha))) == 1
    assert (await centre.get(FIND + provisional, **ravi)).status == 503
    assert (await centre.get(BY_MOBILE + "9000000001")).status >= 500


async def of_the_server(sim: Simulator, path: str) -> list[dict[str, Any]]:
    async with aiohttp.ClientSession() as desk, desk.get(f"{sim.url}/api{path}", headers={"x-api-key": "demo-key"}) as answer:
        return list((await answer.json()).get("beneficiaries", []))


def comparable(found: list[dict[str, Any]], real: dict[str, str]) -> list[dict[str, Any]]:
    """Leave out our mark, and name everybody by the real id; two walk-ins go up in either order, and are listed so."""
    named = [
        {name: value for name, value in each.items() if name != "offline_mode"}
        | {"beneficiary_reference_id": real.get(each["beneficiary_reference_id"], each["beneficiary_reference_id"])}
        for each in found
    ]
    return sorted(named, key=by_id)


def by_id(person: dict[str, Any]) -> str:
    return str(person["beneficiary_reference_id"])


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("down", [True, False])
async def test_it_is_what_the_server_answers_once_it_has_the_records(sim: Simulator, centre: Centre, seed: int, down: bool) -> None:
    draw = Random(seed)
    known = draw.sample(people(sim), 4) + draw.sample(people(sim, doses=1), 2)
    mobiles = {mobile_of(sim, person) for person in known} | NOBODYS
    for path in [FIND + person for person in known] + [BY_MOBILE + mobile for mobile in mobiles - NOBODYS]:
        await centre.get(path)
    if down:
        await sim.faults.add("refuse")
        await centre.go_down()
    else:
        centre.sidecar.circuits.hold(held=True)
    walk_ins: list[str] = []
    doses = {person: len(sim.register.people[person].doses) for person in known}
    records = 0
    for step in range(14):
        if draw.random() < 0.3 and len(walk_ins) < 4:
            who = {"name": f"Invented {step}", "gender_id": draw.choice([1, 2, 3]), "photo_id_type": draw.choice([1, 2, 6, 8, 12])}
            walk_ins.append(await register(centre, mobile_number=draw.choice(["9000000001", "9000000002", *sorted(mobiles)[:1]]), **who))
            doses[walk_ins[-1]] = 0
        else:
            person = draw.choice([*known, *walk_ins])
            if doses[person] == 2:
                continue
            doses[person] += 1
            vaccine = draw.choice(["COVISHIELD", "COVAXIN"])
            assert (await centre.post(VACCINATE, a_dose(person, doses[person]) | {"vaccine": vaccine})).status == 200
        records += 1
    paths = [FIND + person for person in (*known, *walk_ins)] + [BY_MOBILE + mobile for mobile in sorted(mobiles)]
    told = {path: await centre.get(path) for path in paths}

    await sim.faults.clear()
    centre.sidecar.circuits.hold(held=False)
    await delivered(centre, records)
    identities = await centre.sidecar.journal.identities(walk_ins)
    real = {provisional: str(identity.real) for provisional, identity in identities.items()}
    for path in paths:
        there = await of_the_server(sim, path if (id_ := path.rpartition("=")[2]) not in real else FIND + real[id_])
        if told[path].status == 200:
            assert comparable(listed(told[path]), real) == sorted(there, key=by_id), path
        else:
            assert (down, told[path].status, there) in [(True, 503, []), (False, 400, [])], path

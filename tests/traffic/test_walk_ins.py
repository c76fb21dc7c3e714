"""Walk-ins: registered offline, dosed offline, and in the end the right person has the dose."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator import Simulator
from store.journal import Journal
from store.records import Record, RecordState
from tests.traffic.centre import GENDERS, VACCINATE, Centre, a_centre, a_dose, doses_applied, people
from tests.traffic.raw_upstream import exchange

REGISTER = "/v2/vaccinator/beneficiaries/new"
FIND = "/v2/vaccinator/beneficiaries/findByReferenceId?beneficiary_reference_id="


def a_walk_in(**changed: object) -> dict[str, object]:
    return {
        "name": "Lakshmi Nair",
        "birth_year": "1962",
        "gender_id": 2,
        "mobile_number": "9000000001",
        "photo_id_type": 1,
        "photo_id_number": "4821",
        "comorbidity_ind": "N",
        "consent_version": "1",
    } | changed


async def register(centre: Centre, **changed: object) -> str:
    told = await centre.post(REGISTER, a_walk_in(**changed))
    assert told.status == 200
    answer = json.loads(told.body)
    if told.state is not None:
        assert answer["offline_mode"] == 1
    return str(answer["beneficiary_reference_id"])


def registered(sim: Simulator) -> list[str]:
    return [entry.effect.person for entry in sim.ledger.applied if entry.effect.kind != "dose"]


def nothing_provisional_went_up(sim: Simulator, *ids: str) -> bool:
    sent = b"\n".join(
        b"\n".join((entry.target, *(name + value for name, value in entry.fields), entry.body or b"")) for entry in sim.ledger.received
    )
    return not any(id_.encode() in sent for id_ in ids)


async def test_registered_and_dosed_while_down_the_dose_goes_to_the_real_person(sim: Simulator, centre: Centre) -> None:
    await sim.faults.add("refuse")
    provisional = await register(centre)
    assert (len(provisional), provisional[:2]) == (14, "99")
    for dose in (1, 2):
        assert (await centre.vaccinate(provisional, dose)).status == 200
    await sim.faults.clear()
    await centre.until_all(RecordState.DELIVERED, 3)
    (real,) = registered(sim)
    assert doses_applied(sim) == [(real, 1), (real, 2)]
    assert nothing_provisional_went_up(sim, provisional)


async def test_a_second_person_on_the_same_mobile_is_another_person(sim: Simulator, centre: Centre) -> None:
    await sim.faults.add("refuse")
    ids = [await register(centre, name=name) for name in ("Lakshmi Nair", "Gopal Nair")]
    assert len(set(ids)) == 2
    for provisional in ids:
        await centre.vaccinate(provisional)
    await sim.faults.clear()
    await centre.until_all(RecordState.DELIVERED, 4)
    assert len(set(registered(sim))) == 2
    assert sorted(doses_applied(sim)) == sorted((real, 1) for real in registered(sim))
    assert nothing_provisional_went_up(sim, *ids)


async def test_an_id_of_yesterday_is_translated_live_and_over_a_restart(sim: Simulator, tmp_path: Path) -> None:
    await sim.faults.add("refuse")
    async with a_centre(tmp_path, f"{sim.url}/api") as centre:
        provisional = await register(centre)
        await sim.faults.clear()
        await centre.until_all(RecordState.DELIVERED, 1)
    async with a_centre(tmp_path, f"{sim.url}/api") as centre:
        await centre.until_phase("closed")  # the end of the outage may not have been written before the stop
        found = await centre.get(FIND + provisional)
        (real,) = registered(sim)
        assert json.loads(found.body)["beneficiaries"][0]["beneficiary_reference_id"] == real
        assert (await centre.vaccinate(provisional)).state is None, "live, with the server's own answer"
        assert doses_applied(sim) == [(real, 1)]
        assert nothing_provisional_went_up(sim, provisional)


def walk_in_like(sim: Simulator, person_id: str) -> dict[str, object]:
    person = sim.register.people[person_id]
    known = {
        "name": person.name,
        "birth_year": person.birth_year,
        "gender_id": person.gender_id,
        "mobile_number": person.mobile,
        "photo_id_type": person.photo_id_type,
        "photo_id_number": person.photo_id_number,
    }
    return a_walk_in(**known)


async def test_the_person_turns_out_to_exist_and_is_not_registered_again(sim: Simulator, centre: Centre) -> None:
    real = people(sim)[0]
    await sim.faults.add("refuse")
    told = await centre.post(REGISTER, walk_in_like(sim, real))
    provisional = json.loads(told.body)["beneficiary_reference_id"]
    await centre.vaccinate(provisional)
    await sim.faults.clear()
    await centre.until_all(RecordState.DELIVERED, 2)
    assert registered(sim) == [], "looked up before the first send, and found"
    assert doses_applied(sim) == [(real, 1)]
    assert nothing_provisional_went_up(sim, provisional)


async def test_a_dose_that_turns_out_to_be_older_than_one_under_way_waits_without_knocking(
    sim: Simulator, centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, claims, begin_send = people(sim)[0], list[bool](), Journal.begin_send

    async def claimed(journal: Journal, number: int, now: int, *, seen: Record | None = None) -> Record | None:
        record = await begin_send(journal, number, now, seen=seen)
        claims.append(record is not None)
        return record

    circuits = centre.sidecar.circuits
    circuits.hold(held=True)
    told = await centre.post(REGISTER, walk_in_like(sim, real))
    await centre.vaccinate(json.loads(told.body)["beneficiary_reference_id"], 1)
    await sim.faults.add("slow", routes=["/api/v2/vaccinator/beneficiaries/findByMobile"], latency_s=0.3)
    await sim.faults.add("slow", routes=[f"/api{VACCINATE}"], match=real, latency_s=0.8, times=1)
    monkeypatch.setattr(Journal, "begin_send", claimed)
    circuits.hold(held=False)
    await centre.vaccinate(real, 2)  # under way when the walk-in turns out to be the same person
    await centre.until_all(RecordState.DELIVERED, 2)
    assert (await centre.states())[:2] == ["delivered", "delivered"]
    assert claims.count(False) <= 1, "one that was at hand; each claim is a write, and takes a token"


async def test_the_same_dose_for_the_real_and_for_the_provisional_id_is_one_dose_and_a_person_decides(
    sim: Simulator, centre: Centre
) -> None:
    real = people(sim)[0]
    await sim.faults.add("refuse")
    told = await centre.post(REGISTER, walk_in_like(sim, real))
    provisional = json.loads(told.body)["beneficiary_reference_id"]
    await centre.vaccinate(provisional)
    await centre.vaccinate(real)
    await sim.faults.clear()
    await centre.until_all(RecordState.HELD, 1)
    await centre.until_all(RecordState.DELIVERED, 2)
    held = next(record for record in await centre.records() if record.state is RecordState.HELD)
    assert str(held.reason).startswith("same-fact-as ")
    assert doses_applied(sim) == [(real, 1)]


async def test_a_lost_answer_to_a_registration_makes_no_second_person(sim: Simulator, centre: Centre) -> None:
    await sim.faults.add("commit_then_drop", routes=[f"/api{REGISTER}"], times=1)
    provisional = await register(centre)
    await centre.vaccinate(provisional)
    await centre.until_all(RecordState.DELIVERED, 2)
    (real,) = registered(sim)
    assert doses_applied(sim) == [(real, 1)]
    assert nothing_provisional_went_up(sim, provisional)


async def test_children_of_a_refused_registration_wait_behind_it(sim: Simulator, centre: Centre) -> None:
    await sim.faults.add("refuse")
    provisional = await register(centre, birth_year="1700")
    await centre.vaccinate(provisional)
    await sim.faults.clear()
    await centre.until_all(RecordState.HELD, 1)
    assert await centre.states() == ["held", "pending"]
    assert doses_applied(sim) == []
    assert nothing_provisional_went_up(sim, provisional)


async def test_a_provisional_id_in_an_undeclared_place_never_goes_up(sim: Simulator, centre: Centre) -> None:
    await sim.faults.add("refuse")
    provisional = await register(centre)
    stray = await centre.post(VACCINATE, a_dose("48448366834980") | {"vaccinator_name": f"for {provisional}"})
    assert (stray.status, json.loads(stray.body)["errorCode"]) == (422, "person-unknown")
    await sim.faults.clear()
    await centre.until_all(RecordState.DELIVERED, 1)
    passed = await centre.get(f"{GENDERS}?note={provisional}")
    header = await centre.get(GENDERS, **{"X-Note": provisional})
    body = await centre.post("/v2/elsewhere", {"a": [provisional]})
    assert [answer.status for answer in (passed, header, body)] == [422, 422, 422]
    assert nothing_provisional_went_up(sim, provisional)


def a_slotless_profile(folder: Path) -> str:
    """Write a profile in which a look-up declares no slot for an id."""
    shipped, slot = Path("proxy/profiles/cowin-vaccinator.yaml").read_text("utf-8"), "    slots: [query.beneficiary_reference_id]\n"
    before, name, after = shipped.partition("  - name: find-by-reference-id")
    assert slot in after
    (folder / "slotless.yaml").write_text(before + name + after.replace(slot, "", 1), "utf-8")
    return "./slotless.yaml"


async def test_nor_when_a_receipt_has_looked_the_same_up(sim: Simulator, tmp_path: Path) -> None:
    fields = b"Host: d\r\nContent-Type: application/json\r\nConnection: close\r\n"  # the same in both, or it would be another question
    async with a_centre(tmp_path, f"{sim.url}/api", a_slotless_profile(tmp_path)) as centre:
        await sim.faults.add("refuse")
        provisional = await register(centre)

        async def look_up() -> bytes:
            return (await exchange(centre.url, b"GET /api%b HTTP/1.1\r\n%b\r\n" % ((FIND + provisional).encode(), fields)))[9:12]

        dose = json.dumps(a_dose(provisional, 2) | {"dose2_date": "14-09-2021"}).encode()
        chunked = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(dose), dose)
        told = [await look_up()]
        told.append((await exchange(centre.url, b"POST /api%b HTTP/1.1\r\n%b%b" % (VACCINATE.encode(), fields, chunked)))[9:12])
        told.append(await look_up())
    assert told == [b"422", b"200", b"422"]


async def test_of_a_person_whom_the_server_does_not_know_yet_it_is_not_asked(sim: Simulator, centre: Centre) -> None:
    centre.sidecar.circuits.hold(held=True)
    provisional = await register(centre)
    certificate = await centre.get(f"/v2/vaccinator/certificate/download?beneficiary_reference_id={provisional}")
    assert (certificate.status, json.loads(certificate.body)["errorCode"]) == (503, "person-not-registered-yet")
    assert nothing_provisional_went_up(sim, provisional)


async def test_the_same_walk_in_at_two_desks_is_one_record_and_one_person(sim: Simulator, centre: Centre) -> None:
    await sim.faults.add("refuse")
    first = await register(centre)
    second = await register(centre, name="LAKSHMI  NAIR")
    assert first == second, "the same fact by its normalised name: the same record and id"
    await centre.vaccinate(first)
    assert (await centre.vaccinate(second)).status == 200
    await sim.faults.clear()
    await centre.until_all(RecordState.DELIVERED, 2)
    assert len(doses_applied(sim)) == 1

"""What is FHIR's own: conditional creates, versions, updates, transactions. The guarantees are in test_guarantees.py."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from simulator import Api, Simulator
from simulator.fhir.shelf import Rules
from store.records import RecordState
from tests.traffic.centre import Centre, Told, a_centre, doses_applied
from tests.traffic.upstreams import Fhir

FHIR = Fhir()
SYSTEM = "https://ids.example.in/health-id"


@pytest.fixture
async def server() -> AsyncIterator[Simulator]:
    async with Simulator(seed=7, people=12, api=Api.FHIR) as running:
        yield running


@pytest.fixture
async def centre(server: Simulator, tmp_path: Path) -> AsyncIterator[Centre]:
    async with a_centre(tmp_path, f"{server.url}/fhir", "fhir-r4") as running:
        yield running


async def down(centre: Centre, server: Simulator) -> None:
    await server.faults.add("refuse")
    await centre.until_phase("open", "fhir")


async def dose(centre: Centre, person: str, number: int = 1, /, **headers: str) -> Told:
    return await centre.post(*FHIR.dose(person, number), **headers)


async def put(centre: Centre, path: str, body: dict[str, Any], **headers: str) -> Told:
    async with centre.desk.put(centre.url + path, json=body, headers={"Content-Type": "application/fhir+json", **headers}) as answer:
        return Told(answer.status, dict(answer.headers), await answer.read())


def none_exist(server: Simulator) -> list[str]:
    return [value.decode() for entry in server.ledger.received for name, value in entry.fields if name.lower() == b"if-none-exist"]


def asked(server: Simulator) -> list[str]:
    """What was asked of the server, but for probes."""
    return [
        f"{entry.method} {entry.target.decode().removeprefix('/fhir')}"
        for entry in server.ledger.received
        if b"metadata" not in entry.target
    ]


async def test_our_identifier_is_asked_for_when_the_client_asks_for_none(server: Simulator, centre: Centre) -> None:
    person, _ = FHIR.people(server)[:2]
    told = await dose(centre, person)
    value = json.loads(told.body)["identifier"][0]["value"]
    assert none_exist(server) == [f"identifier=https%3A%2F%2Fcentre.example.in%2Fdose%7C{value}"]


async def test_a_client_that_asks_for_its_own_is_left_alone_and_one_without_identifier_asks_for_nothing(
    server: Simulator, centre: Centre
) -> None:
    one, other = FHIR.people(server)[:2]
    await dose(centre, one, **{"If-None-Exist": "identifier=urn:own|1"})
    await centre.post(*Fhir(identified=False).dose(other, 1))
    assert none_exist(server) == ["identifier=urn:own|1"]


async def test_location_and_version_are_handed_through(server: Simulator, centre: Centre) -> None:
    told = await dose(centre, FHIR.people(server)[0])
    id_ = json.loads(told.body)["id"]
    assert told.status == 201
    assert told.headers["Location"] == f"{server.url}/fhir/Immunization/{id_}/_history/1"
    assert {name.lower(): value for name, value in told.headers.items()}["etag"] == 'W/"1"'
    assert told.headers["Content-Type"].startswith("application/fhir+json")


async def test_the_receipt_is_the_resource_with_an_id_and_says_that_it_is_provisional(server: Simulator, centre: Centre) -> None:
    await down(centre, server)
    path, body = FHIR.dose(FHIR.people(server)[0], 1)
    told = await centre.post(path, body | {"meta": {"tag": [{"code": "mine"}]}})
    receipt = json.loads(told.body)
    assert (told.status, told.headers["Location"]) == (201, f"Immunization/{receipt['id']}")
    assert told.headers["Content-Type"] == "application/fhir+json; charset=utf-8"
    assert receipt["id"].startswith("offline-")
    assert [tag["code"] for tag in receipt["meta"]["tag"]] == ["mine", "provisional"]
    assert receipt["meta"]["tag"][1]["display"] == told.headers["Dosekeeper-Record"]
    assert {name: member for name, member in receipt.items() if name not in ("id", "meta")} == body


async def test_two_at_once_make_one_dose_although_the_server_would_take_both(server: Simulator, centre: Centre) -> None:
    one, other = FHIR.people(server)[:2]
    server.shelf.rules = Rules(index_lag_ms=60_000)
    path, body = FHIR.dose(other, 1)
    headers = {"If-None-Exist": "identifier=" + body["identifier"][0]["value"], "x-api-key": "demo-key"}
    async with aiohttp.ClientSession() as http:
        for _ in range(2):
            async with http.post(f"{server.url}/fhir{path}", json=body, headers=headers) as answer:
                assert answer.status == 201, "the race that servers have"
    await asyncio.gather(*(dose(centre, one) for _ in range(5)))
    assert doses_applied(server) == [(other, 1)] * 2 + [(one, 1)]


async def test_what_a_search_does_not_show_at_once_is_not_sent_again(server: Simulator, centre: Centre) -> None:
    person = FHIR.people(server)[0]
    server.shelf.rules = Rules(index_lag_ms=150)
    await server.faults.add("commit_then_drop", routes=["/fhir/Immunization"], times=1)
    await dose(centre, person)
    await centre.until_all(RecordState.DELIVERED, 1)
    assert doses_applied(server) == [(person, 1)]


def a_person(value: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "identifier": [{"system": SYSTEM, "value": value}], "name": [{"family": "Nair", "given": ["Asha"]}]}


async def test_one_who_was_there_already_is_answered_with_200_and_looked_up(server: Simulator, centre: Centre) -> None:
    server.shelf.put("Patient", "4711", a_person("11-22"), 0)
    told = await centre.post("/Patient", a_person("11-22"))
    assert (told.status, json.loads(told.body)["id"]) == (200, "4711")
    await centre.until_all(RecordState.DELIVERED, 1)
    assert asked(server)[-1] == "GET /Patient?identifier=https%3A%2F%2Fids.example.in%2Fhealth-id%7C11-22"


async def test_a_dose_that_is_there_with_other_content_waits_for_a_person(server: Simulator, centre: Centre) -> None:
    person = FHIR.people(server)[0]
    path, body = FHIR.dose(person, 1)
    server.shelf.put("Immunization", "77", body | {"lotNumber": "4121Z099"}, 0)
    assert (await centre.post(path, body)).status == 200
    await centre.until_all(RecordState.HELD, 1)
    assert [record.reason for record in await centre.records()] == ["looked up: other content"]


@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
async def test_two_under_one_identifier_are_refused_or_held(server: Simulator, centre: Centre, up: bool) -> None:
    for id_ in ("4711", "4712"):
        server.shelf.put("Patient", id_, a_person("11-22"), 0)
    if not up:
        await down(centre, server)
    told = await centre.post("/Patient", a_person("11-22"))
    await server.faults.clear()
    await centre.until_all(RecordState.REFUSED if up else RecordState.HELD, 1)
    assert told.status == (412 if up else 201)


def corrected(person: str, id_: str, lot: str) -> dict[str, Any]:
    return FHIR.dose(person, 1)[1] | {"id": id_, "lotNumber": lot}


async def test_updates_go_up_in_order_each_of_them_also_one_that_goes_back_to_an_earlier_content(server: Simulator, centre: Centre) -> None:
    person = FHIR.people(server)[0]
    id_ = json.loads((await dose(centre, person)).body)["id"]
    await down(centre, server)
    for lot in ("A1", "B2", "A1"):
        assert (await put(centre, f"/Immunization/{id_}", corrected(person, id_, lot))).state == "pending"
    await server.faults.clear()
    await centre.until_all(RecordState.DELIVERED, 4)
    assert [version.get("lotNumber") for version in server.shelf.versions["Immunization", id_]] == ["4121Z012", "A1", "B2", "A1"]


async def test_an_update_whose_answer_was_lost_is_sent_again_without_asking(server: Simulator, centre: Centre) -> None:
    person = FHIR.people(server)[0]
    await server.faults.add("commit_then_drop", routes=["/fhir/Immunization/*"], times=1)
    await put(centre, "/Immunization/own-1", corrected(person, "own-1", "A1"))
    await centre.until_all(RecordState.DELIVERED, 1)
    assert asked(server) == ["PUT /Immunization/own-1"] * 2
    assert doses_applied(server) == [(person, 1)]


async def test_an_update_that_was_sent_again_without_asking_may_have_got_through(server: Simulator, centre: Centre) -> None:
    """Nobody has looked: whoever decides on it later must not be told that no send got through."""
    person = FHIR.people(server)[0]
    await server.faults.add("commit_then_drop", routes=["/fhir/Immunization/*"], times=1)
    await put(centre, "/Immunization/own-1", corrected(person, "own-1", "A1"))
    FHIR.refuse(server, "A1")
    await centre.until_all(RecordState.HELD, 1)
    (record,) = await centre.records()
    assert (record.attempt, record.maybe_applied, record.looked_up_at) == (2, True, None)


async def test_an_update_of_a_version_is_looked_up_and_not_sent_twice(server: Simulator, centre: Centre) -> None:
    person = FHIR.people(server)[0]
    id_ = json.loads((await dose(centre, person)).body)["id"]
    await server.faults.add("commit_then_drop", routes=["/fhir/Immunization/*"], times=1)
    await put(centre, f"/Immunization/{id_}", corrected(person, id_, "A1"), **{"If-Match": 'W/"1"'})
    await centre.until_all(RecordState.DELIVERED, 2)
    assert asked(server)[1:] == [f"PUT /Immunization/{id_}", f"GET /Immunization?_id={id_}"]


async def test_a_dose_given_and_corrected_in_one_outage_is_one_resource_with_two_versions(server: Simulator, centre: Centre) -> None:
    await down(centre, server)
    _, walk_in = FHIR.walk_in("Lakshmi Nair")
    person = json.loads((await centre.post("/Patient", walk_in)).body)["id"]
    given = json.loads((await dose(centre, person)).body)
    assert (await put(centre, f"/Immunization/{given['id']}", given | {"lotNumber": "B2"})).state == "pending"
    await server.faults.clear()
    await centre.until_all(RecordState.DELIVERED, 3)
    ((real, _),) = doses_applied(server)
    (versions,) = [found for (kind, _), found in server.shelf.versions.items() if kind == "Immunization" and len(found) == 2]
    assert [(one["lotNumber"], one["patient"]["reference"]) for one in versions] == [(lot, f"Patient/{real}") for lot in ("4121Z012", "B2")]
    live = await centre.get(f"/Immunization/{given['id']}")
    assert json.loads(live.body)["id"] == versions[0]["id"], "known by the receipt's id for as long as a slip is"


@pytest.mark.parametrize("written", ["Patient/{}", "Patient\\/{}", "http://127.0.0.1:8480/fhir/Patient/{}", "Patient/{}/_history/1"])
async def test_a_reference_is_rewritten_however_it_is_written(server: Simulator, centre: Centre, written: str) -> None:
    await down(centre, server)
    person = FHIR.issued((await centre.post(*FHIR.walk_in("Lakshmi Nair"))).body)
    path, body = Fhir(identified=False).dose("PERSON", 1)
    raw = json.dumps(body).replace("Patient/PERSON", written.format(person)).encode()
    assert (await centre.post(path, raw)).state == "pending"
    await server.faults.clear()
    await centre.until_all(RecordState.DELIVERED, 2)
    (sent,) = [entry.body for entry in server.ledger.received if entry.method == "POST" and entry.target == b"/fhir/Immunization"]
    (real,) = [entry.effect.person for entry in server.ledger.applied if entry.effect.kind == "registration"]
    reference = json.loads(sent or b"")["patient"]["reference"]
    assert reference == written.replace("\\", "").format(real)


def a_bundle(kind: str, person: str) -> dict[str, Any]:
    _, walk_in = FHIR.walk_in("Gopal Nair")
    mother, child = FHIR.dose(person, 1)[1], Fhir(identified=False).dose("x", 1)[1]
    entries = [
        {"fullUrl": "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a", "resource": walk_in, "request": {"method": "POST", "url": "Patient"}},
        {
            "resource": child | {"patient": {"reference": "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"}},
            "request": {"method": "POST", "url": "Immunization"},
        },
        {"resource": mother, "request": {"method": "POST", "url": "Immunization"}},
    ]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


async def test_a_transaction_is_one_record_in_the_lanes_of_all_whom_it_names(server: Simulator, centre: Centre) -> None:
    await down(centre, server)
    mother = FHIR.issued((await centre.post(*FHIR.walk_in("Lakshmi Nair"))).body)
    told = await centre.post("/", a_bundle("transaction", mother))
    again = await centre.post("", a_bundle("transaction", mother))
    assert (told.status, json.loads(told.body)["type"]) == (200, "transaction-response")
    assert told.headers["Dosekeeper-Record"] == again.headers["Dosekeeper-Record"]
    await dose(centre, mother, 2)
    await server.faults.clear()
    await centre.until_all(RecordState.DELIVERED, 3)
    mother_id, child_id = [entry.effect.person for entry in server.ledger.applied if entry.effect.kind == "registration"]
    assert doses_applied(server) == [(child_id, 1), (mother_id, 1), (mother_id, 2)]


async def test_a_transaction_whose_answer_was_lost_takes_effect_once(server: Simulator, centre: Centre) -> None:
    await server.faults.add("commit_then_drop", routes=["/fhir/"], times=1)
    await centre.post("/", a_bundle("transaction", FHIR.people(server)[0]))
    await centre.until_all(RecordState.DELIVERED, 1)
    assert len(doses_applied(server)) == 2


@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
async def test_a_batch_is_refused_with_an_explanation_that_a_fhir_client_can_read(server: Simulator, centre: Centre, up: bool) -> None:
    if not up:
        await down(centre, server)
    told = await centre.post("/", a_bundle("batch", FHIR.people(server)[0]))
    problem = json.loads(told.body)
    assert (told.status, problem["type"], problem["resourceType"]) == (422, "urn:dosekeeper:problem:not-taken", "OperationOutcome")
    assert "Bundle of type transaction" in problem["issue"][0]["diagnostics"]
    assert doses_applied(server) == []


async def test_a_refused_credential_costs_a_dose_no_attempt(server: Simulator, centre: Centre) -> None:
    person = FHIR.people(server)[0]
    await server.faults.add("auth_401", routes=["/fhir/Immunization"])
    assert (await dose(centre, person)).state is not None
    await centre.until_all(RecordState.PENDING, 1)
    (record,) = await centre.records()
    assert (record.reason, record.failures) == ("auth http_401", 0)


async def test_reads_and_searches_go_through_and_an_outage_is_told_as_an_operation_outcome(server: Simulator, centre: Centre) -> None:
    person = FHIR.people(server)[0]
    await dose(centre, person)
    found = json.loads((await centre.get(f"/Immunization?patient=Patient/{person}")).body)
    assert (found["total"], found["entry"][0]["resource"]["patient"]["reference"]) == (1, f"Patient/{person}")
    await down(centre, server)
    told = await centre.get(f"/Patient/{person}")
    assert (told.status, json.loads(told.body)["resourceType"]) == (503, "OperationOutcome")


def of_patient(told: Told) -> list[dict[str, Any]]:
    """The doses in a search's answer, by day, without what only their server says of them."""
    bundle = json.loads(told.body)
    found = [entry["resource"] for entry in bundle.get("entry", [])]
    assert bundle["total"] == len(found)
    own = [{name: value for name, value in one.items() if name not in ("id", "meta")} for one in found]
    return sorted(own, key=lambda one: str(one["occurrenceDateTime"]))


@pytest.mark.parametrize("identified", [True, False])
async def test_a_search_by_patient_shows_the_doses_that_the_server_will_show(server: Simulator, centre: Centre, identified: bool) -> None:
    fhir = Fhir(identified=identified)
    read, never, other = fhir.people(server)[:3]
    dosed = next(one[-1]["patient"]["reference"] for (kind, _), one in server.shelf.versions.items() if kind == "Immunization")
    paths = [f"/Immunization?patient={read}", f"/Immunization?patient=Patient/{read}&_count=50", f"/Immunization?patient={dosed}"]
    for path in (*paths, f"/Immunization?patient={other}", f"/Immunization?patient={read}&date=2021"):
        await centre.get(path)
    await down(centre, server)
    walk_in = json.loads((await centre.post(*fhir.walk_in("Lakshmi Nair"))).body)["id"]
    for person, number in ((read, 1), (read, 2), (never, 1), (dosed.rpartition("/")[2], 2), (walk_in, 1)):
        assert (await centre.post(*fhir.dose(person, number))).status == 201
    told = {path: await centre.get(path) for path in (*paths, f"/Immunization?patient={never}", f"/Immunization?patient={walk_in}")}
    for answer in told.values():
        newest = json.loads(answer.body)["entry"][-1]["resource"]
        assert newest["meta"]["tag"] == [{"system": "urn:dosekeeper:receipt", "code": "provisional"}]
        assert "Dosekeeper-Overlay" in answer.headers
    for path in (f"/Immunization?patient={other}", f"/Immunization?patient={read}&date=2021"):
        assert "Dosekeeper-Overlay" not in (await centre.get(path)).headers, "of another, or more is asked than we can tell"
    await server.faults.clear()
    await centre.until_all(RecordState.DELIVERED, 6)
    real = (await centre.sidecar.journal.identities([walk_in]))[walk_in].real
    for path, answer in told.items():
        there = await centre.get(path.replace(walk_in, str(real)))
        assert "Dosekeeper-Overlay" not in there.headers, "the server's word counts"
        shown = of_patient(Told(answer.status, answer.headers, answer.body.replace(walk_in.encode(), str(real).encode())))
        assert shown == of_patient(there), path


async def test_a_corrected_dose_shows_as_corrected(server: Simulator, centre: Centre) -> None:
    person = FHIR.people(server)[0]
    made = json.loads((await dose(centre, person)).body)
    search = f"/Immunization?patient={person}"
    assert of_patient(await centre.get(search))[0]["lotNumber"] == "4121Z012"
    await down(centre, server)
    await put(centre, f"/Immunization/{made['id']}", {**made, "lotNumber": "4121Z013"})
    told = await centre.get(search)
    assert (of_patient(told)[0]["lotNumber"], told.headers["Dosekeeper-Overlay"]) == ("4121Z013", "2")

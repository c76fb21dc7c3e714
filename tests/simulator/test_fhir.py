"""The FHIR server behaves as servers do: conditional creates that race, versions, bundles, errors in FHIR's shape."""

from __future__ import annotations

from datetime import date
from typing import Any

import aiohttp
import orjson
import pytest

from simulator import Api, Simulator
from simulator.exchange import Call, EffectKind, Reply
from simulator.fhir.api import Fhir
from simulator.fhir.opening import opened
from simulator.fhir.shelf import Rules

PERSON: dict[str, Any] = {"resourceType": "Patient", "identifier": [{"system": "urn:p", "value": "1"}], "name": [{"family": "Nair"}]}


@pytest.fixture
def fhir() -> Fhir:
    return Fhir(opened(10, 1, date(2026, 11, 23)))


def call(fhir: Fhir, method: str, path: str, body: object = None, at: int = 1_000_000, **fields: str) -> Reply:
    where, _, query = path.partition("?")
    parsed = dict(pair.split("=") for pair in query.split("&") if pair)
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    return fhir.answer(Call(method, f"/fhir{where}", parsed, {"x-api-key": "demo-key", **named}, orjson.dumps(body), at))


def shown(reply: Reply) -> Any:
    return orjson.loads(reply.body)


def a_dose(person: str, **more: object) -> dict[str, Any]:
    return {
        "resourceType": "Immunization",
        "status": "completed",
        "vaccineCode": {"text": "COVAXIN"},
        "patient": {"reference": person},
        "occurrenceDateTime": "2026-11-23T10:12:00+05:30",
        "protocolApplied": [{"doseNumberPositiveInt": 1}],
        **more,
    }


def test_a_conditional_create(fhir: Fhir) -> None:
    first = call(fhir, "POST", "/Patient", PERSON, if_none_exist="identifier=urn%3Ap%7C1")
    again = call(fhir, "POST", "/Patient", PERSON, if_none_exist="identifier=urn%3Ap%7C1")
    third = call(fhir, "POST", "/Patient", PERSON)
    many = call(fhir, "POST", "/Patient", PERSON, if_none_exist="identifier=urn%3Ap%7C1")
    assert [reply.status for reply in (first, again, third, many)] == [201, 200, 201, 412]
    assert shown(again)["id"] == shown(first)["id"]
    assert [effect.kind for effect in first.effects] == [EffectKind.REGISTRATION]
    assert again.effects == many.effects == ()
    assert dict(first.fields) == {"Location": f"http://localhost/fhir/Patient/{shown(first)['id']}/_history/1", "ETag": 'W/"1"'}


def test_it_races_while_the_index_lags(fhir: Fhir) -> None:
    fhir.shelf.rules = Rules(index_lag_ms=500)
    replies = [call(fhir, "POST", "/Patient", PERSON, at, if_none_exist="identifier=urn:p|1") for at in (1_000, 1_499, 2_000)]
    assert [reply.status for reply in replies] == [201, 201, 412]


def test_updates_make_versions_and_what_changes_nothing_makes_none(fhir: Fhir) -> None:
    own = PERSON | {"id": "own-1"}
    replies = [call(fhir, "PUT", "/Patient/own-1", own | {"gender": gender}) for gender in ("male", "female", "female", "male")]
    assert [(reply.status, shown(reply)["meta"]["versionId"]) for reply in replies] == [(201, "1"), (200, "2"), (200, "2"), (200, "3")]
    assert [len(reply.effects) for reply in replies] == [1, 1, 0, 1]
    assert shown(call(fhir, "GET", "/Patient/own-1/_history/2"))["gender"] == "female"
    stale = call(fhir, "PUT", "/Patient/own-1", own, if_match='W/"1"')
    assert (stale.status, shown(stale)["resourceType"]) == (412, "OperationOutcome")


def test_a_clients_own_id_is_not_a_number(fhir: Fhir) -> None:
    assert call(fhir, "PUT", "/Patient/77", PERSON | {"id": "77"}).status == 400
    assert call(fhir, "PUT", "/Patient/a", PERSON | {"id": "b"}).status == 400


def bundle(kind: str, *entries: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    written = [
        {"fullUrl": full, "resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}
        for full, resource in entries
    ]
    return {"resourceType": "Bundle", "type": kind, "entry": written}


NEW = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"


def test_a_transaction_takes_effect_as_a_whole(fhir: Fhir) -> None:
    done = call(fhir, "POST", "/", bundle("transaction", ("", a_dose(NEW)), (NEW, PERSON)))
    dose, person = [entry["resource"] for entry in shown(done)["entry"]]
    assert dose["patient"]["reference"] == f"Patient/{person['id']}"
    assert [effect.kind for effect in done.effects] == [EffectKind.DOSE, EffectKind.REGISTRATION]


@pytest.mark.parametrize(("kind", "status", "left"), [("transaction", 422, 0), ("batch", 200, 1)])
def test_of_a_transaction_nothing_is_left_when_it_fails_and_of_a_batch_what_did_not(fhir: Fhir, kind: str, status: int, left: int) -> None:
    failed = call(fhir, "POST", "/", bundle(kind, ("", PERSON), ("", a_dose("Patient/nobody"))))
    assert failed.status == status
    assert shown(call(fhir, "GET", "/Patient?identifier=urn:p|1"))["total"] == left
    assert len(failed.effects) == left


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ("identifier=urn:p|1", 1),
        ("identifier=1", 1),
        ("identifier=|1", 0),
        ("identifier=urn:q|1", 0),
        ("family=nai&identifier=1", 1),
        ("family=nai&identifier=2", 0),
        ("birthdate=2900-01-01", 0),
    ],
)
def test_searches(fhir: Fhir, query: str, total: int) -> None:
    call(fhir, "POST", "/Patient", PERSON)
    assert shown(call(fhir, "GET", f"/Patient?{query}"))["total"] == total


@pytest.mark.parametrize("patient", ["{}", "Patient/{}"])
@pytest.mark.parametrize("when", ["2026-11-23", "2026-11-23T10:12:00+05:30", "2026-11-23T04:42:00+00:00"])
def test_doses_of_a_person_at_a_time(fhir: Fhir, patient: str, when: str) -> None:
    id_ = shown(call(fhir, "POST", "/Patient", PERSON))["id"]
    call(fhir, "POST", "/Immunization", a_dose(f"Patient/{id_}"))
    assert shown(call(fhir, "GET", f"/Immunization?patient={patient.format(id_)}&date={when}"))["total"] == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/Patient?idntifier=1", None, 400),
        ("GET", "/Patient/nobody", None, 404),
        ("GET", "/Patient/nobody/_history/1", None, 404),
        ("PATCH", "/Patient/1", {}, 405),
        ("POST", "/Patient", [], 400),
        ("POST", "/Basic", {"resourceType": "Basic"}, 400),
        ("POST", "/Patient", {"resourceType": "Immunization"}, 400),
        ("POST", "/Immunization", a_dose("Patient/nobody"), 422),
        ("POST", "/Immunization", a_dose("Patient/nobody", status=None), 422),
        ("POST", "/", {"resourceType": "Bundle", "type": "history"}, 400),
    ],
)
def test_a_refusal_is_an_operation_outcome(fhir: Fhir, method: str, path: str, body: object, status: int) -> None:
    reply = call(fhir, method, path, body)
    assert (reply.status, shown(reply)["resourceType"], reply.effects) == (status, "OperationOutcome", ())


def test_who_has_no_credential_may_read_what_the_server_can_do_and_nothing_else(fhir: Fhir) -> None:
    assert call(fhir, "GET", "/metadata", x_api_key="").status == 200
    refused = call(fhir, "GET", "/Patient", x_api_key="")
    assert (refused.status, refused.fields) == (401, (("WWW-Authenticate", "Bearer"),))
    assert call(fhir, "GET", "/Patient", x_api_key="", authorization="Bearer demo-key").status == 200


def test_a_minimal_answer_has_no_body(fhir: Fhir) -> None:
    reply = call(fhir, "POST", "/Patient", PERSON, prefer="return=minimal")
    assert (reply.status, reply.body, reply.content_type) == (201, b"", None)


async def test_the_same_faults_ledger_and_control_port() -> None:
    async with Simulator(api=Api.FHIR, people=3) as server, aiohttp.ClientSession() as http:
        async with http.get(f"{server.control_url}/_sim/people") as answer:
            assert len(await answer.json()) == 3
        async with http.put(f"{server.control_url}/_sim/rules", json={"index_lag_ms": 5}) as answer:
            assert (await answer.json())["index_lag_ms"] == 5
        await server.faults.add("auth_401", times=1)
        for status in (401, 201):
            async with http.post(f"{server.url}/fhir/Patient", json=PERSON, headers={"x-api-key": "demo-key"}) as answer:
                assert (answer.status, answer.content_type) == (status, "application/fhir+json")
    assert [entry.effect.key for entry in server.ledger.applied] == ["urn:p|1"]

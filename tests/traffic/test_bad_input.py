"""What cannot be kept: the server's own verdict while it is up, a clear problem while it is down, and nothing kept in either case."""

from __future__ import annotations

import json

import pytest

from simulator import Simulator
from store.records import RecordState
from tests.traffic.centre import VACCINATE, Centre, people

BAD = {
    "no JSON": (b"{not json", 400, "body-not-json"),
    "no body": (b"", 400, "body-not-json"),
    "no person": (b'{"dose": 1}', 400, "person-missing"),
    "a person that is a mapping": (b'{"beneficiary_reference_id": {"a": 1}}', 400, "person-missing"),
    "too large": (b'{"a": "' + b"x" * 70_000 + b'"}', 413, "body-too-large"),
}


@pytest.mark.parametrize(("body", "status", "code"), BAD.values(), ids=BAD)
async def test_while_down_it_is_refused_with_what_is_wrong(sim: Simulator, centre: Centre, body: bytes, status: int, code: str) -> None:
    await sim.faults.add("refuse")
    await centre.go_down()
    told = await centre.post(VACCINATE, body)
    problem = json.loads(told.body)
    assert (told.status, told.headers["Content-Type"], problem["type"]) == (
        status,
        "application/problem+json",
        f"urn:dosekeeper:problem:{code}",
    )
    assert problem["errorCode"] == code, "where CoWIN's clients look for it"
    assert problem["error"] == problem["detail"]
    assert await centre.records() == []


@pytest.mark.parametrize(("body", "status", "code"), BAD.values(), ids=BAD)
async def test_while_up_it_is_the_servers_own_verdict(sim: Simulator, centre: Centre, body: bytes, status: int, code: str) -> None:
    told = await centre.post(VACCINATE, body)
    assert told.headers["Content-Type"] != "application/problem+json", (status, code)
    assert told.status >= 400
    received = [entry for entry in sim.ledger.received if entry.target.endswith(VACCINATE.encode())]
    assert [entry.body for entry in received] == [body]
    assert await centre.records() == []


async def test_an_unknown_route_is_passed_and_never_kept(sim: Simulator, centre: Centre) -> None:
    told = await centre.post("/v2/vaccinator/beneficiaries/something-new", {"beneficiary_reference_id": people(sim)[0]})
    assert told.status == 404
    assert sim.ledger.received[-1].target.endswith(b"/something-new")
    assert await centre.records() == []


async def test_hold_keeps_records_and_release_sends_them(sim: Simulator, centre: Centre) -> None:
    centre.sidecar.circuits.hold(held=True)
    assert (await centre.vaccinate(people(sim)[0])).state == "pending"
    assert (await centre.get("/v2/registration/beneficiary/genders")).status == 200, "what cannot be kept still goes through"
    centre.sidecar.circuits.hold(held=False)
    await centre.until_all(RecordState.DELIVERED, 1)

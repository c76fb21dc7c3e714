"""The sidecar's own credential: a token, a key, a certificate. Judged by who the server says was there, and by the ledger."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from proxy.rules.backoff import BackoffPolicy
from simulator import Simulator
from store.outage_ledger import OutageFilter
from store.records import RecordState
from tests.traffic.centre import VACCINATE, Centre, JumpingClock, a_centre, a_dose, doses_applied, people
from tests.traffic.certificates import Authority
from tests.traffic.gate import CLIENT_ID, SECRET, Gate, a_gate, as_yaml

FIND = "/v2/vaccinator/beneficiaries/findByReferenceId?beneficiary_reference_id="
A_WHILE_MS = 20_000
"""Longer than a record waits whose credential was refused."""


@pytest.fixture
async def gate(sim: Simulator) -> AsyncIterator[Gate]:
    async with a_gate(sim.url) as standing:
        yield standing


def by_secret(gate: Gate, **more: object) -> dict[str, Any]:
    oauth2 = {"token_url": f"{gate.url}/token", "client_id": CLIENT_ID, "client_secret": SECRET, **more}
    return {"headers": "{}", "oauth2": as_yaml(oauth2)}


async def until_token(centre: Centre) -> None:
    own, bell = centre.sidecar.credentials.own, asyncio.Event()
    centre.sidecar.circuits.bells.append(bell.set)
    async with asyncio.timeout(10):
        while own.missing:
            bell.clear()
            await bell.wait()


def credential_ok(centre: Centre) -> float:
    value = centre.sidecar.meters.registry.get_sample_value("dosekeeper_credential_ok")
    assert value is not None
    return value


@pytest.mark.parametrize("client_auth", ["basic", "post"])
async def test_a_token_for_a_secret_goes_with_every_send_in_the_place_of_the_desks(
    sim: Simulator, gate: Gate, tmp_path: Path, client_auth: str
) -> None:
    persons = people(sim)[:12]
    async with a_centre(tmp_path, f"{gate.url}/api", upstream=by_secret(gate, client_auth=client_auth)) as centre:
        await until_token(centre)
        told = await asyncio.gather(*(centre.post(VACCINATE, a_dose(person), Authorization="Bearer desk") for person in persons))
        assert {(answer.status, answer.state) for answer in told} == {(200, None)}
        await centre.until_all(RecordState.DELIVERED, 12)
    assert {sub for path, sub in gate.passed if path.endswith("vaccinate")} == {"sidecar"}
    assert gate.asked == 1, "one token for all"
    assert len(doses_applied(sim)) == 12


@pytest.mark.parametrize("kind", ["RSA", "EC", "JWK"])
async def test_a_token_for_a_signed_assertion(sim: Simulator, gate: Gate, tmp_path: Path, kind: str) -> None:
    gate.client_key = ECKey.generate_key("P-384") if kind == "EC" else RSAKey.generate_key(2048)
    file = tmp_path / "backend.key"
    file.write_bytes(gate.client_key.as_pem(private=True) if kind != "JWK" else as_yaml(gate.client_key.as_dict(private=True)).encode())
    gate.life_s = 0.4
    oauth2 = {"token_url": f"{gate.url}/token", "client_id": CLIENT_ID, "private_key_file": str(file), "key_id": "our-key"}
    async with a_centre(tmp_path, f"{gate.url}/api", upstream={"headers": "{}", "oauth2": as_yaml(oauth2)}) as centre:
        await until_token(centre)
        assert (await centre.vaccinate(people(sim)[0])).status == 200
        await gate.until_asked(3)
    assert len(gate.assertions) >= 2, "each is used once"
    assert len(doses_applied(sim)) == 1


async def test_a_clock_that_is_an_hour_ahead_signs_assertions_that_are_taken(sim: Simulator, gate: Gate, tmp_path: Path) -> None:
    gate.client_key, clock = RSAKey.generate_key(2048), JumpingClock()
    file = tmp_path / "backend.key"
    file.write_bytes(gate.client_key.as_pem(private=True))
    clock.ahead_ms = 3_600_000
    oauth2 = {"token_url": f"{gate.url}/token", "client_id": CLIENT_ID, "private_key_file": str(file), "key_id": "our-key"}
    async with a_centre(tmp_path, f"{gate.url}/api", clock=clock, upstream={"headers": "{}", "oauth2": as_yaml(oauth2)}) as centre:
        await until_token(centre)
        assert (await centre.vaccinate(people(sim)[0])).status == 200
        await centre.until_all(RecordState.DELIVERED, 1)
    assert len(doses_applied(sim)) == 1


async def test_a_token_is_renewed_before_it_ends(sim: Simulator, gate: Gate, tmp_path: Path) -> None:
    gate.life_s = 0.5
    async with a_centre(tmp_path, f"{gate.url}/api", upstream=by_secret(gate)) as centre:
        await until_token(centre)
        for number, person in enumerate(people(sim)[:6]):
            await gate.until_asked(number + 1)
            assert (await centre.vaccinate(person)).state is None
    assert gate.refused == []
    assert len(doses_applied(sim)) == 6


@pytest.mark.parametrize("fault", [500, 401, 0], ids=["500", "401", "hangs"])
async def test_without_a_token_desks_have_their_receipt_in_time_and_the_endpoint_its_rest(
    sim: Simulator, gate: Gate, tmp_path: Path, fault: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    gate.fault = fault
    persons = people(sim)[:5]
    async with a_centre(tmp_path, f"{gate.url}/api", upstream=by_secret(gate)) as centre:
        await gate.until_asked(1)
        async with asyncio.timeout(2):
            told = await asyncio.gather(*map(centre.vaccinate, persons))
        assert {(answer.status, answer.state) for answer in told} == {(200, "pending")}
        assert gate.asked <= 2, "desks do not ask for tokens"
        assert credential_ok(centre) == 0
        assert centre.sidecar.credentials.own.wrong is not None
        refused = await centre.get("/v2/vaccinator/beneficiaries/findByMobile?mobile_number=9000000001")
        assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
        assert b"credential-missing" in refused.body
        assert gate.refused == [], "nothing is sent without it"
        if fault == 0:
            return
        gate.fault = None
        await centre.until_all(RecordState.DELIVERED, 5)
        assert credential_ok(centre) == 1
    assert sorted(doses_applied(sim)) == sorted((person, 1) for person in persons)
    assert SECRET not in caplog.text


async def test_while_the_token_lives_nobody_notices_that_its_endpoint_is_down(sim: Simulator, gate: Gate, tmp_path: Path) -> None:
    gate.life_s = 5
    async with a_centre(tmp_path, f"{gate.url}/api", upstream=by_secret(gate)) as centre:
        await until_token(centre)
        gate.fault = 500
        centre.sidecar.credentials.own.sources()[0].wake.ring()
        assert (await centre.vaccinate(people(sim)[0])).state is None
        assert credential_ok(centre) == 1


async def test_nothing_goes_up_without_a_token_from_the_moment_it_ends(
    sim: Simulator, gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while the next question to the endpoint is far: the server's 401 would make an outage of it."""
    monkeypatch.setattr("proxy.rules.token_life.AGAIN", BackoffPolicy(60, 60))
    gate.life_s = 1
    async with a_centre(tmp_path, f"{gate.url}/api", upstream=by_secret(gate), outage={"probe_idle": "5m"}) as centre:
        await until_token(centre)
        gate.fault = 500
        await gate.until_asked(2)
        circuits, bell = centre.sidecar.circuits, asyncio.Event()
        circuits.bells.append(bell.set)
        async with asyncio.timeout(5):
            while not circuits.without_credential:
                bell.clear()
                await bell.wait()
        assert {(await centre.vaccinate(person)).state for person in people(sim)[:4]} == {"pending"}
        assert await centre.sidecar.journal.running_outages() == []
    assert gate.refused == []


async def test_a_token_that_the_server_refuses_is_exchanged(
    sim: Simulator, gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.traffic.token_source.RENEW_AFTER_S", 0.0)
    clock = JumpingClock()
    async with a_centre(tmp_path, f"{gate.url}/api", clock=clock, upstream=by_secret(gate)) as centre:
        await until_token(centre)
        token = centre.sidecar.credentials.own.fields()[0][1].decode().removeprefix("Bearer ")
        gate.revoked.add(token)
        told = await centre.vaccinate(people(sim)[0])
        assert told.state is not None, "no verdict on the record: a receipt"
        await gate.until_asked(2)
        clock.ahead_ms = A_WHILE_MS
        centre.sidecar.replayer.wake.ring()
        await centre.until_all(RecordState.DELIVERED, 1)
    assert gate.refused == [token]


async def test_a_refused_key_is_an_outage_of_its_own_and_costs_no_attempt(sim: Simulator, tmp_path: Path) -> None:
    persons, clock = people(sim)[:6], JumpingClock()
    async with a_centre(tmp_path, f"{sim.url}/api", clock=clock) as centre:
        assert (await centre.vaccinate(persons[0])).state is None
        keys = set(sim.register.api_keys)
        sim.register.api_keys.clear()
        told = [await centre.vaccinate(person) for person in persons[1:5]]
        assert {(answer.status, answer.state is not None) for answer in told} == {(200, True)}

        async def out() -> bool:
            return bool(await centre.sidecar.journal.running_outages())

        await centre.until(out)
        (running,) = await centre.sidecar.journal.running_outages()
        assert (running.cause, running.scope) == ("auth", "upstream")
        assert credential_ok(centre) == 0
        assert centre.sidecar.credentials.own.wrong == "the national server refuses it"
        assert (await centre.vaccinate(persons[5])).status == 200

        sim.register.api_keys.update(keys)
        clock.ahead_ms = A_WHILE_MS
        centre.sidecar.replayer.wake.ring()
        await centre.until_all(RecordState.DELIVERED, 6)
        await centre.until_phase("closed")
        assert credential_ok(centre) == 1
        assert {record.failures for record in await centre.records()} == {0}
        rows = await centre.sidecar.journal.outages(OutageFilter(groups=("vaccinator",)))
        assert [row.cause for row in rows] == ["auth"]
    assert len(doses_applied(sim)) == 6


async def test_a_search_that_is_refused_too_neither_hides_nor_ends_that_outage(sim: Simulator, tmp_path: Path) -> None:
    """Desks look a person up before each dose: the 401 to that is an answer, but no good one."""
    persons = people(sim)[:4]
    async with a_centre(tmp_path, f"{sim.url}/api") as centre:
        assert (await centre.vaccinate(persons[0])).state is None
        sim.register.api_keys.clear()
        for person in persons[1:]:
            assert (await centre.get(f"{FIND}{person}")).status == 401
            await centre.vaccinate(person)
        await centre.until_phase("half-open")
        circuit = centre.sidecar.circuits.watched("vaccinator")
        asked = circuit.circuit.good_probes

        async def probed() -> bool:
            await centre.get(f"{FIND}{persons[0]}")
            return circuit.circuit.phase == "closed" or circuit.circuit.good_probes >= asked + 4

        async with asyncio.timeout(10):
            while not await probed():
                pass
        assert circuit.circuit.phase == "half-open"


async def test_what_the_server_forbids_of_one_person_is_no_outage(sim: Simulator, centre: Centre) -> None:
    first, *others = people(sim)[:5]
    await sim.faults.add("auth_401", routes=[f"/api{VACCINATE}"], match=first)
    assert (await centre.vaccinate(first)).state is not None
    told = [await centre.vaccinate(person) for person in others]
    assert {answer.state for answer in told} == {None}
    assert await centre.sidecar.journal.running_outages() == []


async def test_a_client_certificate_is_shown_to_the_server(sim: Simulator, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.ca))
    context.load_cert_chain(*authority.pair("server"))
    context.verify_mode = ssl.CERT_REQUIRED
    cert, key = authority.pair("sidecar")
    both = tmp_path / "both.pem"
    both.write_bytes(cert.read_bytes() + key.read_bytes())
    async with a_gate(sim.url, tls=context) as gate:
        token = gate.token("sidecar")
        own = {"headers": as_yaml({"Authorization": f"Bearer {token}"}), "ca_file": authority.ca}
        first, second = people(sim)[:2]
        async with a_centre(tmp_path, f"{gate.url}/api", upstream=own | {"client_cert": both}) as centre:
            assert (await centre.vaccinate(first)).state is None
            await centre.until_all(RecordState.DELIVERED, 1)
        async with a_centre(tmp_path, f"{gate.url}/api", upstream=own) as centre:
            assert (await centre.vaccinate(second)).state is not None
    assert doses_applied(sim) == [(first, 1)]

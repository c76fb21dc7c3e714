"""Who may record while the server cannot vouch for anybody, and whose credential goes with what. The ledger and the gate are the judges."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from proxy.operations import clients
from proxy.profiles.load import load_profile
from proxy.profiles.model import Policy
from proxy.rules.client_keys import FIELD
from simulator import Simulator
from store.file.connection import open_writer
from store.file.keyfile import journal_key
from store.record_search import RecordFilter
from store.records import RecordState
from tests.traffic.centre import (
    GENDERS,
    SCHEDULE,
    VACCINATE,
    Centre,
    JumpingClock,
    LaterClock,
    Told,
    a_centre,
    a_dose,
    doses_applied,
    people,
)
from tests.traffic.gate import Gate, a_gate

HOUR_MS = 3_600_000
REGISTER = "/v2/vaccinator/beneficiaries/new"
MOBILE = "/v2/vaccinator/beneficiaries/findByMobile?mobile_number=9000000001"
NOT_HERE = {"X-Forwarded-For": "10.0.0.7"}
COWIN = Path(__file__).parents[2] / "proxy" / "profiles" / "cowin-vaccinator.yaml"

WRITES: dict[str, Any] = {
    VACCINATE: a_dose("48448366834980"),
    SCHEDULE: {"dose": 1, "session_id": "a", "slot": "09:00AM-11:00AM", "beneficiaries": ["48448366834980"]},
    REGISTER: {"name": "Lakshmi Nair", "birth_year": "1962", "gender_id": 2, "mobile_number": "9000000001", "photo_id_number": "4821"},
}


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """CoWIN, with log-ins whose tokens name a person and a facility."""
    file = tmp_path / "ours.yaml"
    file.write_text(COWIN.read_text("utf-8").replace("principal: claims.mobile_number", "principal: claims.sub\n  same: claims.facility"))
    return file


@dataclass
class Desks:
    """Desks with log-ins of their own at a server that judges them; time passes when `pass_hours` says so."""

    gate: Gate
    clock: JumpingClock
    folder: Path
    profile: Path

    def centre(self, **recording: object) -> AbstractAsyncContextManager[Centre]:
        return a_centre(
            self.folder, f"{self.gate.url}/api", self.profile, clock=self.clock, upstream={"headers": "{}"}, recording=recording
        )

    def pass_hours(self, hours: float) -> None:
        self.clock.ahead_ms += int(hours * HOUR_MS)

    def log_in(self, who: str, facility: str = "563048", **more: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.gate.token(who, facility=facility, **more)}"}


@pytest.fixture
async def desks(sim: Simulator, tmp_path: Path, profile: Path) -> AsyncIterator[Desks]:
    clock = LaterClock()
    async with a_gate(sim.url, clock) as gate:
        yield Desks(gate, clock, tmp_path, profile)


async def dose(centre: Centre, person: str, *which: int, **headers: str) -> Told:
    return await centre.post(VACCINATE, a_dose(person, *which), **headers)


def is_a_strangers(told: Told) -> bool:
    said = (b'"errorCode":"not-known"', b"Not recorded", b"into the paper register")
    return told.status == 401 and all(map(told.body.__contains__, said)) and told.headers["Content-Type"] == "application/problem+json"


# A stranger ----------------------------------------------------------------------------------------------------------------------


def test_every_record_route_is_tried_below() -> None:
    routes = load_profile("cowin-vaccinator", Path()).routes
    assert {route.path for route in routes if route.policy is Policy.RECORD} == WRITES.keys()


@pytest.mark.parametrize("path", WRITES)
async def test_in_an_outage_a_stranger_records_nothing(sim: Simulator, desks: Desks, path: str) -> None:
    await sim.faults.add("refuse")
    strangers: list[dict[str, str]] = [{}, {"Authorization": "Bearer made.up.token"}, desks.log_in("asha"), {FIELD: "guessed"}, NOT_HERE]
    async with desks.centre() as centre:
        centre.sidecar.circuits.hold(held=True)
        for headers in strangers:
            assert is_a_strangers(await centre.post(path, WRITES[path], **headers)), headers
        assert await centre.records() == []
    assert sim.ledger.applied == []


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize("loopback_trusted", [True, False])
async def test_with_the_sidecars_own_key_this_machine_is_no_stranger_and_who_is_behind_a_proxy_is(
    sim: Simulator, tmp_path: Path, path: str, loopback_trusted: bool
) -> None:
    async with a_centre(tmp_path, f"{sim.url}/api", recording={"loopback_trusted": loopback_trusted}) as centre:
        centre.sidecar.circuits.hold(held=True)
        here = await centre.post(path, WRITES[path])
        assert is_a_strangers(here) is not loopback_trusted
        assert is_a_strangers(await centre.post(path, WRITES[path], **NOT_HERE))
        assert len(await centre.records()) == int(loopback_trusted)


async def test_a_server_that_is_up_judges_for_itself_who_may_record(sim: Simulator, desks: Desks) -> None:
    first, second, third = people(sim)[:3]
    async with desks.centre() as centre:
        assert (await dose(centre, first, **desks.log_in("asha"))).status == 200
        refused = await dose(centre, second, Authorization="Bearer made.up.token")
        assert (refused.status, refused.body) == (401, b"Unauthenticated access!")
        assert await centre.states() == ["delivered", "refused"]
        assert (await dose(centre, third)).status == 401
    assert doses_applied(sim) == [(first, 1)]


async def test_whom_only_the_server_could_vouch_for_has_its_word_or_nothing(sim: Simulator, desks: Desks) -> None:
    slow, gone = people(sim)[:2]
    await sim.faults.add("slow", routes=[f"/api{VACCINATE}"], match=slow, latency_s=2.0)
    await sim.faults.add("unavailable_503", routes=[f"/api{VACCINATE}"], match=gone)
    async with desks.centre() as centre:
        assert (await dose(centre, slow, **desks.log_in("asha"))).status == 200, "twice answer_within, and no receipt"
        told = await dose(centre, gone, **desks.log_in("ravi"))
        assert (told.status, told.state) == (504, None)
    assert doses_applied(sim) == [(slow, 1)]


async def test_nothing_of_a_stranger_waits_behind_what_waits(sim: Simulator, desks: Desks) -> None:
    person, other = people(sim)[:2]
    async with desks.centre() as centre:
        asha = desks.log_in("asha")
        await dose(centre, other, **asha)
        centre.sidecar.circuits.hold(held=True)
        assert (await dose(centre, person, **asha)).state == "pending"
        centre.sidecar.credentials._proved.clear()
        centre.sidecar.circuits.hold(held=False)
        assert is_a_strangers(await dose(centre, person, 2, **desks.log_in("ravi")))
        assert is_a_strangers(await dose(centre, person, 1, **desks.log_in("ravi"))), "not even that it is recorded"
        assert [record.target.rpartition("/")[2] for record in await centre.records()] == ["vaccinate"] * 2


ALL = sorted(
    {(route.method, route.path.replace("**", "x").replace("{state_id}", "21")) for route in load_profile("cowin-vaccinator", Path()).routes}
)


@pytest.mark.parametrize(("method", "path"), ALL, ids=str)
async def test_nobody_elsewhere_uses_the_sidecars_own_credential(sim: Simulator, tmp_path: Path, method: str, path: str) -> None:
    """The connection is a loopback one; a Host with a domain is what a browser sends that was told a page's name is this machine."""
    async with a_centre(tmp_path, f"{sim.url}/api", outage={"probe_every": "30s", "probe_max": "30s"}) as centre:
        body = WRITES.get(path, {})
        for headers in ({"Host": "evil.example:8480"}, {"Host": "evil.example", "x-api-key": "guessed"}):
            async with centre.desk.request(method, centre.url + path, json=body, headers=headers) as answer:
                assert answer.status == 401
        form = {"Content-Type": "text/plain", "Origin": "https://evil.example"}
        if method == "POST":
            async with centre.desk.post(centre.url + path, data=b"{}", headers=form) as answer:
                assert answer.status == 401
        probes = 1 if path == GENDERS else 0
        assert len([entry for entry in sim.ledger.received if entry.target.decode().startswith(f"/api{path}")]) <= probes
        async with centre.desk.request(
            method, centre.url + path, json=body, headers={"Host": "evil.example", "x-api-key": "demo-key"}
        ) as answer:
            assert answer.content_type != "application/problem+json", "who has the key needs no leave"


@pytest.mark.parametrize("held", [False, True])
async def test_of_a_dose_that_is_kept_its_own_desk_is_not_told_to_use_paper(sim: Simulator, desks: Desks, held: bool) -> None:
    """The server broke off, and vouched for nobody; the record goes up all the same, and on paper too the dose would count twice."""
    person, find = people(sim)[0], "/api/v2/vaccinator/beneficiaries/findByReferenceId"
    asha, ravi, corrected = desks.log_in("asha"), desks.log_in("ravi"), a_dose(person) | {"vaccine": "COVAXIN"}
    async with desks.centre() as centre:
        await sim.faults.add("reset_before", routes=[f"/api{VACCINATE}"], times=1)
        await sim.faults.add("error_500", routes=[find])  # so that it stays unknown
        assert (await dose(centre, person, **asha)).status == 504
        await centre.until_all(RecordState.UNKNOWN, 1)
        centre.sidecar.circuits.hold(held=held)
        again, otherwise = await dose(centre, person, **asha), await centre.post(VACCINATE, corrected, **asha)
        for told, status, says in ((again, 504, b"leave it off paper"), (otherwise, 409, b"with other content")):
            assert (told.status, says in told.body, b"Write" in told.body) == (status, True, False)
            assert {"number": 1, "state": "unknown"}.items() <= json.loads(told.body)["record"].items()
        assert is_a_strangers(await dose(centre, person, **ravi)), "another's desk not even that it is there"
        assert is_a_strangers(await centre.post(VACCINATE, corrected, **ravi))
        await sim.faults.clear()
        centre.sidecar.circuits.hold(held=False)
        await centre.until_all(RecordState.DELIVERED, 1)
        assert (await dose(centre, person, **desks.log_in("asha", serial=2))).state == "delivered", "logged in anew"
    assert doses_applied(sim) == [(person, 1)]


async def test_while_it_is_judged_who_logged_in_anew_is_told_neither_that_it_is_kept_nor_that_it_is_not(
    sim: Simulator, desks: Desks
) -> None:
    person = people(sim)[0]
    async with desks.centre() as centre:
        desks.gate.patience.clear()
        forged = desks.gate.token("asha", facility="563048", key=RSAKey.generate_key(2048))
        first = asyncio.create_task(dose(centre, person, Authorization=f"Bearer {forged}"))
        await until_sending(centre)
        told = await dose(centre, person, **desks.log_in("asha"))
        assert (told.status, b"paper" in told.body, json.loads(told.body)["record"]["state"]) == (504, False, "sending")
        desks.gate.patience.set()
        assert (await first).status == 401
        await centre.until_all(RecordState.REFUSED, 1)
        assert (await dose(centre, person, **desks.log_in("asha"))).status == 200, "it was refused: it is recorded now"
    assert doses_applied(sim) == [(person, 1)]


@pytest.mark.parametrize("stopped", [False, True], ids=["running", "restarted"])
async def test_what_hung_with_a_forged_log_in_goes_up_with_nobody_elses(sim: Simulator, desks: Desks, stopped: bool) -> None:
    """The name and the facility in it are a nurse's. The server never took it: neither her log-in carries it, nor a colleague's."""
    persons = people(sim)[:3]
    forged = {"Authorization": f"Bearer {desks.gate.token('asha', facility='563048', key=RSAKey.generate_key(2048))}"}
    async with desks.centre() as centre:
        desks.gate.down = True
        assert (await dose(centre, persons[0], **forged)).status == 504
        desks.gate.down = False
        if not stopped:
            await judged(centre, desks, persons)
    if stopped:
        async with desks.centre() as centre:
            await judged(centre, desks, persons)
    assert sorted(doses_applied(sim)) == sorted([(persons[1], 1), (persons[2], 1)])


async def judged(centre: Centre, desks: Desks, persons: list[str]) -> None:
    """A nurse of the forged name and her colleague log in, and record; what was forged waits and is said to need a log-in."""
    for number, (person, who) in enumerate(zip(persons[1:], ("asha", "ravi"), strict=True), 1):
        assert (await dose(centre, person, **desks.log_in(who))).status == 200
        await centre.until_all(RecordState.DELIVERED, number)
    record = (await centre.records())[0]
    known = centre.sidecar.credentials
    assert known.held_for(record.principal) is None
    assert record.principal not in known.known(), "so status says that it needs a log-in"
    assert is_a_strangers(await dose(centre, persons[0], **desks.log_in("ravi", serial=2)))


async def test_what_hung_with_a_forged_log_in_goes_up_with_that_of_a_nurse_who_says_the_same(sim: Simulator, desks: Desks) -> None:
    first, person = people(sim)[:2]
    forged = {"Authorization": f"Bearer {desks.gate.token('asha', facility='563048', key=RSAKey.generate_key(2048))}"}
    ravi = desks.log_in("ravi")
    async with desks.centre() as centre:
        assert (await dose(centre, first, **ravi)).status == 200
        desks.gate.down = True
        assert (await dose(centre, person, **forged)).status == 504
        assert (await dose(centre, person, **ravi)).state == "unknown", "a receipt"
        desks.gate.down = False
        await centre.until_all(RecordState.DELIVERED, 2)
    assert doses_applied(sim) == [(first, 1), (person, 1)]
    assert [sub for path, sub in desks.gate.passed if path.endswith("vaccinate")] == ["ravi", "ravi"]


async def test_what_hung_with_a_new_log_in_goes_up_with_it_once_the_server_takes_it(sim: Simulator, desks: Desks) -> None:
    first, second = people(sim)[:2]
    asha = desks.log_in("asha")
    async with desks.centre() as centre:
        desks.gate.down = True
        assert (await dose(centre, first, **asha)).status == 504
    desks.gate.down = False
    async with desks.centre() as centre:
        assert (await dose(centre, second, **desks.log_in("asha", serial=2))).status == 200
        await centre.until_all(RecordState.DELIVERED, 1)
        assert (await centre.states())[0] == "unknown", "made with another log-in, of which nobody knows whose it was"
        assert (await centre.get(f"/v2/vaccinator/beneficiaries/findByReferenceId?beneficiary_reference_id={second}", **asha)).status == 200
        await centre.until_all(RecordState.DELIVERED, 2)
    assert sorted(doses_applied(sim)) == sorted([(first, 1), (second, 1)])


# Client keys ---------------------------------------------------------------------------------------------------------------------


async def test_a_client_key_lets_a_desk_record_until_it_is_revoked(
    sim: Simulator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    file, persons = tmp_path / "clients.keys", people(sim)[:3]
    key = clients.add(file, "desk-3", datetime.now(UTC))
    async with a_centre(tmp_path, f"{sim.url}/api", recording={"client_keys_file": file, "loopback_trusted": False}) as centre:
        assert (await dose(centre, persons[0], **{FIELD: key, **NOT_HERE})).state is None
        centre.sidecar.circuits.hold(held=True)
        assert (await dose(centre, persons[1], **{FIELD: key, **NOT_HERE})).state == "pending"
        other = clients.add(file, "desk-4", datetime.now(UTC))
        clients.revoke(file, "desk-3")
        assert is_a_strangers(await dose(centre, persons[2], **{FIELD: key}))
        assert (await dose(centre, persons[2], **{FIELD: other})).state == "pending"
        clients.revoke(file, "desk-4")
        file.write_text("nonsense\n")
        assert is_a_strangers(await dose(centre, persons[0], 2, **{FIELD: other}))
        centre.sidecar.circuits.hold(held=False)
        await centre.until_all(RecordState.DELIVERED, 3)
        assert key.encode() not in b"".join(record.headers for record in await centre.records())
    assert not [entry for entry in sim.ledger.received if key in str(entry)]
    assert key not in caplog.text
    assert other not in caplog.text
    assert key not in file.read_text()


async def test_what_a_desk_recorded_without_a_log_in_goes_up_with_the_next_log_in_at_that_desk(sim: Simulator, desks: Desks) -> None:
    file, (first, second) = desks.folder / "clients.keys", people(sim)[:2]
    key = {FIELD: clients.add(file, "desk-3", datetime.now(UTC))}
    async with desks.centre(client_keys_file=file) as centre:
        fault = await sim.faults.add("refuse")
        centre.sidecar.circuits.hold(held=True)
        assert (await dose(centre, first, **key)).state == "pending"
        centre.sidecar.circuits.hold(held=False)
        await sim.faults.lift(fault)
        await dose(centre, second, **key, **desks.log_in("asha"))
        await centre.until_all(RecordState.DELIVERED, 2)
    assert sorted(doses_applied(sim)) == sorted([(first, 1), (second, 1)])


# Log-ins -------------------------------------------------------------------------------------------------------------------------


async def test_a_token_of_900_s_and_an_outage_of_3_h(sim: Simulator, desks: Desks) -> None:
    """The desk reloads in the middle, with its token kept and with its storage cleared; it is logged in anew when the server is back."""
    persons = people(sim)[:6]
    async with desks.centre() as centre:
        asha = desks.log_in("asha")
        assert (await dose(centre, persons[0], **asha)).status == 200
        desks.gate.down = True
        await centre.go_down()
        desks.pass_hours(1)
        assert (await dose(centre, persons[1], **asha)).state == "pending", "the token is over, the server took it an hour ago"
        desks.pass_hours(1)
        assert (await dose(centre, persons[2], **asha)).state == "pending", "reloaded: the same token again"
        assert is_a_strangers(await dose(centre, persons[3])), "logged out: nobody knows who it is"
        assert (await centre.post("/v2/auth/validateMobileOtp", {"otp": "x"})).status in (502, 503, 504), "and nobody can log in"
        who = {record.principal for record in (await centre.records())[1:]}
        desks.pass_hours(1)
        desks.gate.down = False
        await centre.until_phase("half-open")
        assert desks.gate.refused == [], "a token that is over is not sent"
        anew = desks.log_in("asha")
        assert (await dose(centre, persons[3], **anew)).status == 200
        await centre.until_all(RecordState.DELIVERED, 4)
        last = (await centre.records())[-1].principal
        assert who == {(last or b"")[-16:]}, "who recorded it is who it was; the server took each log-in only with its first dose"
        assert desks.gate.refused == []
    assert sorted(doses_applied(sim)) == sorted((person, 1) for person in persons[:4])
    assert {sub for path, sub in desks.gate.passed if path.endswith("vaccinate")} == {"asha"}


async def test_trust_ends_and_survives_a_restart(sim: Simulator, desks: Desks) -> None:
    persons = people(sim)[:4]
    asha, ravi = desks.log_in("asha"), desks.log_in("ravi")
    async with desks.centre() as centre:
        assert (await dose(centre, persons[0], **asha)).status == 200
    async with desks.centre() as centre:
        centre.sidecar.circuits.hold(held=True)
        assert (await dose(centre, persons[1], **asha)).state == "pending"
        assert is_a_strangers(await dose(centre, persons[2], **ravi))
        desks.pass_hours(11.9)
        assert (await dose(centre, persons[2], **asha)).state == "pending"
        desks.pass_hours(0.2)
        assert is_a_strangers(await dose(centre, persons[3], **asha))


async def test_whom_the_server_has_sent_away_since_is_not_trusted(sim: Simulator, desks: Desks) -> None:
    first, second, third = people(sim)[:3]
    asha = desks.log_in("asha")
    async with desks.centre() as centre:
        assert (await dose(centre, first, **asha)).status == 200
        desks.gate.revoked.add(asha["Authorization"].removeprefix("Bearer "))
        assert (await dose(centre, second, **asha)).status == 401
        centre.sidecar.circuits.hold(held=True)
        assert is_a_strangers(await dose(centre, third, **asha))
    async with desks.centre() as centre:
        centre.sidecar.circuits.hold(held=True)
        assert is_a_strangers(await dose(centre, third, **asha)), "nor after a restart"


async def test_a_made_up_token_of_a_known_name_is_nobodys(sim: Simulator, desks: Desks) -> None:
    first, second, third = people(sim)[:3]
    forged = {"Authorization": f"Bearer {desks.gate.token('asha', facility='563048', key=RSAKey.generate_key(2048))}"}
    async with desks.centre() as centre:
        asha = desks.log_in("asha")
        assert (await dose(centre, first, **asha)).status == 200
        centre.sidecar.circuits.hold(held=True)
        assert (await dose(centre, second, **asha)).state == "pending"
        assert is_a_strangers(await dose(centre, third, **forged))
        centre.sidecar.circuits.hold(held=False)
        await centre.until_all(RecordState.DELIVERED, 2)
    assert desks.gate.refused == [], "and does not take the place of the true one"


async def test_what_broke_within_the_sidecar_is_nobodys_where_nobody_vouches_for_it(
    sim: Simulator, desks: Desks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its desk is told that nothing was recorded."""
    caplog.set_level("CRITICAL")
    first, second = people(sim)[:2]
    forged = {"Authorization": f"Bearer {desks.gate.token('asha', facility='563048', key=RSAKey.generate_key(2048))}"}
    async with desks.centre() as centre:
        assert (await dose(centre, first, **desks.log_in("asha"))).status == 200
        await centre.until_all(RecordState.DELIVERED, 1)

        async def broken(*_: object) -> None:
            raise LookupError

        with monkeypatch.context() as patch:
            patch.setattr(type(centre.sidecar.sender), "_outgoing", broken)
            told = await dose(centre, second, **forged)
        assert told.status == 504
        assert b'"errorCode":"server-no-answer"' in told.body
        assert await centre.states() == ["delivered", "refused"]


async def test_strangers_with_made_up_log_ins_fill_no_memory(desks: Desks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.traffic.credentials.PRINCIPALS_MAX", 8)
    async with desks.centre() as centre:
        for number in range(12):
            await dose(centre, "48448366834980", Authorization=f"Bearer made.up.{number}")
        own = centre.sidecar.credentials
        assert len(own._offered) <= 8
        assert not own._proved
        assert not own._same
        assert not own.acceptances._at


@pytest.mark.parametrize("restart", [False, True])
async def test_another_of_the_same_facility_sends_what_waits_and_one_of_another_does_not(
    sim: Simulator, desks: Desks, restart: bool
) -> None:
    first, second, third, fourth = people(sim)[:4]
    asha = desks.log_in("asha")
    async with desks.centre() as centre:
        await dose(centre, first, **asha)
        centre.sidecar.circuits.hold(held=True)
        assert (await dose(centre, second, **asha)).state == "pending"
        if not restart:
            await _goes_on(sim, desks, centre, (second, third, fourth))
            return
    async with desks.centre() as centre:
        await _goes_on(sim, desks, centre, (second, third, fourth))


async def _goes_on(sim: Simulator, desks: Desks, centre: Centre, persons: tuple[str, str, str]) -> None:
    second, third, fourth = persons
    desks.pass_hours(1)
    centre.sidecar.circuits.hold(held=False)
    assert (await dose(centre, third, **desks.log_in("ravi", facility="700001"))).status == 200
    assert (second, 1) not in doses_applied(sim)
    assert (await dose(centre, fourth, **desks.log_in("meera"))).status == 200
    await centre.until_all(RecordState.DELIVERED, 4)
    assert (second, 1) in doses_applied(sim)
    assert desks.gate.refused == []
    sent = [sub for path, sub in desks.gate.passed if path.endswith("vaccinate")]
    assert sent.count("meera") == 2
    # The first was made with a log-in that the server had not taken yet: it is before the name.
    principals = [(record.principal or b"")[-16:] for record in await centre.records()]
    assert principals[0] == principals[1] != principals[3], "recorded by asha, whoever's credential took it up"


async def test_a_log_in_without_another_success_sends_what_waits(sim: Simulator, desks: Desks) -> None:
    """After a restart, with one person only, of whom everything waits: the new log-in is nobody's yet, and has to be tried."""
    person = people(sim)[0]
    asha = desks.log_in("asha")
    async with desks.centre() as centre:
        assert (await centre.get(MOBILE, **asha)).status in (200, 400)
        await dose(centre, people(sim)[1], **asha)
        centre.sidecar.circuits.hold(held=True)
        assert (await dose(centre, person, **asha)).state == "pending"
    desks.pass_hours(2)
    async with desks.centre() as centre:
        await centre.get("/v2/registration/beneficiary/genders", **desks.log_in("asha"))
        await centre.until_all(RecordState.DELIVERED, 2)
    assert (person, 1) in doses_applied(sim)


async def test_three_who_were_good_and_are_refused_are_an_outage(sim: Simulator, desks: Desks) -> None:
    persons = people(sim)[:8]
    log_ins = [desks.log_in(name, life_s=36_000) for name in ("asha", "ravi", "meera")]
    async with desks.centre() as centre:
        for person, log_in in zip(persons, log_ins, strict=False):
            assert (await dose(centre, person, **log_in)).status == 200
        good, desks.gate.key = desks.gate.key, RSAKey.generate_key(2048)
        for person, log_in in zip(persons[3:], log_ins, strict=False):
            assert (await dose(centre, person, **log_in)).status == 401

        async def out() -> bool:
            return [row.cause for row in await centre.sidecar.journal.running_outages()] == ["auth"]

        await centre.until(out)
        for _ in range(10):  # one now and then is passed on, to see whether it is taken again
            told = await dose(centre, persons[6], **log_ins[0])
            if told.status != 401:
                break
        assert told.state == "pending", "the server took it minutes ago, and takes nobody now"
        desks.gate.key = good
        async with asyncio.timeout(30):  # no commit tells of a dose that waits already
            while centre.sidecar.circuits.watched("vaccinator").circuit.phase != "closed":
                await dose(centre, persons[7], **log_ins[1])


async def until_sending(centre: Centre) -> None:
    async def met() -> bool:
        return "sending" in await centre.states()

    await centre.until(met)


async def test_a_receipt_that_a_known_desk_had_while_a_strangers_tap_was_judged_is_kept(sim: Simulator, desks: Desks) -> None:
    """A log-in that nobody has seen yet gets the server's word or nothing; the other desk that taps the same dose has a receipt by then."""
    first, person = people(sim)[:2]
    asha, ravi = desks.log_in("asha"), desks.log_in("ravi")
    async with desks.centre() as centre:
        assert (await dose(centre, first, **asha)).status == 200
        await sim.faults.add("slow", routes=[f"/api{VACCINATE}"], match=person, latency_s=2.0)
        await sim.faults.add("throttle_429", routes=[f"/api{VACCINATE}"], match=person, times=1)
        strangers = asyncio.create_task(dose(centre, person, **ravi))
        await until_sending(centre)
        assert (await dose(centre, person, **asha)).state == "sending", "a receipt"
        assert (await strangers).status == 504
        await sim.faults.clear()
        await centre.until_all(RecordState.DELIVERED, 2)
    assert sorted(doses_applied(sim)) == sorted([(first, 1), (person, 1)])


async def test_who_taps_when_a_stranger_was_just_told_nothing_is_recorded_anew(sim: Simulator, desks: Desks) -> None:
    first, person = people(sim)[:2]
    asha = desks.log_in("asha")
    async with desks.centre() as centre:
        assert (await dose(centre, first, **asha)).status == 200
        await sim.faults.add("throttle_429", routes=[f"/api{VACCINATE}"], match=person, times=1)
        journal, taps = centre.sidecar.journal, list[asyncio.Task[Told]]()
        settle = journal.settle

        async def tapped_before(*args: Any, **more: Any) -> bool:
            journal.settle = settle  # type: ignore[method-assign]
            taps.append(asyncio.create_task(dose(centre, person, **asha)))
            await asyncio.wait(taps, timeout=0.1)  # it is told nothing before
            return await settle(*args, **more)

        journal.settle = tapped_before  # type: ignore[method-assign]
        assert (await dose(centre, person, **desks.log_in("ravi"))).status == 504
        assert (await taps[0]).status == 200
        await centre.until_all(RecordState.DELIVERED, 2)
    assert sorted(doses_applied(sim)) == sorted([(first, 1), (person, 1)])


async def test_a_refused_credential_is_told_to_who_showed_it_and_not_to_who_tapped_the_same(sim: Simulator, desks: Desks) -> None:
    first, person = people(sim)[:2]
    asha = desks.log_in("asha")
    async with desks.centre() as centre:
        assert (await dose(centre, first, **asha)).status == 200
        desks.gate.patience.clear()
        strangers = asyncio.create_task(dose(centre, person, Authorization="Bearer made.up.token"))
        await until_sending(centre)
        asked, journal = asyncio.Event(), centre.sidecar.journal
        record = journal.record

        async def asked_for(*args: Any, **more: Any) -> Any:
            found = await record(*args, **more)
            asked.set()
            return found

        journal.record = asked_for  # type: ignore[method-assign]
        known = asyncio.create_task(dose(centre, person, **asha))
        await asked.wait()
        desks.gate.patience.set()
        assert ((await strangers).status, (await known).status) == (401, 200)
        await centre.until_all(RecordState.DELIVERED, 2)
    assert sorted(doses_applied(sim)) == sorted([(first, 1), (person, 1)])


async def test_a_clock_that_is_ahead_makes_no_log_in_be_over(sim: Simulator, tmp_path: Path, profile: Path) -> None:
    """By an hour, where log-ins live a quarter of one: what waits goes up with the log-in that is there."""
    persons, clock = people(sim)[:3], JumpingClock()
    clock.ahead_ms = HOUR_MS
    async with a_gate(sim.url) as gate:
        desks = Desks(gate, clock, tmp_path, profile)
        asha = desks.log_in("asha")
        async with desks.centre() as centre:
            assert (await dose(centre, persons[0], **asha)).status == 200
            centre.sidecar.circuits.hold(held=True)
            assert (await dose(centre, persons[1], **asha)).state == "pending"
            centre.sidecar.circuits.hold(held=False)
            await dose(centre, persons[2], **asha)
            await centre.until_all(RecordState.DELIVERED, 3)
    assert sorted(doses_applied(sim)) == sorted((person, 1) for person in persons)


async def test_a_backlog_whose_log_ins_are_over_is_still_spread_when_the_next_one_comes(sim: Simulator, desks: Desks) -> None:
    """As after every long outage: log-ins live a quarter of an hour, and at all centres the backlog waits for new ones."""
    first, *others = people(sim)[:4]
    async with a_centre(
        desks.folder, f"{desks.gate.url}/api", desks.profile, clock=desks.clock, upstream={"headers": "{}"}, replay={"spread_max": "10ms"}
    ) as centre:
        asha = desks.log_in("asha")
        assert (await dose(centre, first, **asha)).status == 200
        desks.gate.down = True
        await centre.go_down()
        for person in others:
            assert (await dose(centre, person, **asha)).state == "pending"
        desks.pass_hours(1)
        desks.gate.down = False
        await centre.until_phase("closed")
        await centre.get(GENDERS, **desks.log_in("asha"))
        await centre.until_all(RecordState.DELIVERED, 2)
        assert centre.sidecar.replayer.budget.drain.interval_s > 60
        assert (await centre.states()).count("pending") == 2
        desks.pass_hours(2)
        await centre.sidecar.replayer.step()
        assert centre.sidecar.replayer.budget.drain.interval_s == 0, "not for ever"


# Signed tokens -------------------------------------------------------------------------------------------------------------------


async def test_a_token_that_the_server_has_never_seen_is_known_by_its_signature(sim: Simulator, desks: Desks) -> None:
    persons, jwks = people(sim)[:5], f"{desks.gate.url}/keys"
    async with desks.centre(jwks_url=jwks, token_issuer="gate") as centre:

        async def fetched() -> bool:
            return centre.sidecar.credentials.keys._keys is not None

        await centre.until(fetched)
    desks.gate.keys_away = True
    async with desks.centre(jwks_url=jwks, token_issuer="gate") as centre:
        centre.sidecar.circuits.hold(held=True)
        asha = desks.log_in("asha")
        assert (await dose(centre, persons[0], **asha)).state == "pending", "the keys are remembered"
        other_key, other_issuer = RSAKey.generate_key(2048, {"kid": "k1"}), desks.log_in("ravi", iss="elsewhere")
        forged = desks.log_in("ravi", key=other_key)
        unsigned = {"Authorization": "Bearer eyJhbGciOiJub25lIn0." + asha["Authorization"].split(".")[1] + "."}
        for headers in (forged, other_issuer, unsigned, {"Authorization": asha["Authorization"][:-8] + "AAAAAAAA"}):
            assert is_a_strangers(await dose(centre, persons[1], **headers))
        desks.pass_hours(3)
        assert (await dose(centre, persons[1], **asha)).state == "pending", "over, but not for longer than trust_for"
        desks.pass_hours(12)
        assert is_a_strangers(await dose(centre, persons[2], **asha))


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("taken_before", [False, True])
async def test_a_signature_is_worth_nothing_once_the_server_has_sent_its_token_away(
    sim: Simulator, desks: Desks, taken_before: bool, restart: bool
) -> None:
    first, second, third, fourth = people(sim)[:4]
    asha, ravi = desks.log_in("asha"), desks.log_in("ravi")
    jwks = {"jwks_url": f"{desks.gate.url}/keys", "token_issuer": "gate"}

    async def outage(centre: Centre) -> None:
        centre.sidecar.circuits.hold(held=True)
        for beside in ({}, {"Cookie": "s=another"}):
            assert is_a_strangers(await dose(centre, third, **asha | beside)), beside
        assert (await dose(centre, third, **ravi)).state == "pending"
        centre.sidecar.circuits.hold(held=False)
        desks.gate.revoked.clear()
        assert (await dose(centre, second, **asha)).status == 200
        centre.sidecar.circuits.hold(held=True)
        assert (await dose(centre, fourth, **asha, Cookie="s=another")).state == "pending", "taken again, and trusted again"

    async with desks.centre(**jwks) as centre:

        async def fetched() -> bool:
            return centre.sidecar.credentials.keys._keys is not None

        await centre.until(fetched)
        if taken_before:
            assert (await dose(centre, first, **asha)).status == 200
        desks.gate.revoked.add(asha["Authorization"].removeprefix("Bearer "))
        assert (await dose(centre, second, **asha)).status == 401
        if not restart:
            await outage(centre)
            return
    async with desks.centre(**jwks) as centre:
        await outage(centre)


# What is kept --------------------------------------------------------------------------------------------------------------------


async def test_no_credential_is_in_the_journal_nor_in_a_log(sim: Simulator, desks: Desks, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    file = desks.folder / "clients.keys"
    key = clients.add(file, "desk-3", datetime.now(UTC))
    asha = desks.log_in("asha", mark="PLANTED-CLAIM")
    secrets = [asha["Authorization"].removeprefix("Bearer "), "PLANTED-COOKIE", "PLANTED-API-KEY", key, "PLANTED-CLAIM"]
    headers = {**asha, "Cookie": "s=PLANTED-COOKIE", "x-api-key": "PLANTED-API-KEY", FIELD: key}
    async with desks.centre(client_keys_file=file) as centre:
        await dose(centre, people(sim)[0], **headers)
        await centre.get(MOBILE, **headers)
        centre.sidecar.circuits.hold(held=True)
        await dose(centre, people(sim)[1], **headers)
        path, store = centre.sidecar.settings.store.path, centre.sidecar.settings.store
        assert len(await centre.sidecar.journal.find(RecordFilter())) == 2
    db = open_writer(path, journal_key(path, store.key_file, {}))
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    whole = "\n".join(repr(row) for table in tables for row in db.execute(f"SELECT * FROM {table}"))
    db.close()
    assert "Prabha Devi" in whole, "what is searched is all that is kept, in clear"
    for secret in secrets:
        assert secret not in whole
        assert secret not in caplog.text


async def test_bursts_of_one_log_in_write_its_acceptance_once(sim: Simulator, desks: Desks) -> None:
    async with desks.centre() as centre:
        asha = desks.log_in("asha")
        await asyncio.gather(*(dose(centre, person, **asha) for person in people(sim)[:10]))
        await centre.until_all(RecordState.DELIVERED, 10)
        (row,) = await centre.sidecar.journal.accepted_credentials()
        assert centre.sidecar.clock.wall() - row.accepted_at < 60_000

"""What is asked for in quiet times is there in an outage; nothing is asked when it is not quiet. The judge is what the server received."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from proxy.rules.circuit import Policy
from proxy.rules.outcome import failed
from proxy.rules.trust import Ground
from proxy.rules.warm_up import Coverage
from proxy.rules.wire import Failure, FailureKind
from proxy.traffic.circuits import Circuits
from proxy.traffic.credentials import Caller, Held
from proxy.traffic.recollection import Asked
from proxy.traffic.warm_up import WarmUp
from simulator import Api, Simulator
from simulator.fhir.shelf import Shelf
from tests.traffic.centre import Centre, LaterClock, a_centre, people

FIND = "/v2/vaccinator/beneficiaries/findByReferenceId?beneficiary_reference_id="
INDIA = ZoneInfo("Asia/Kolkata")
MASTERS = {"/v2/registration/beneficiary/idTypes", "/v2/admin/location/states"}
"""Genders are the probe too."""


def asked(simulator: Simulator, *parts: str) -> list[str]:
    """What was asked of the server in whose target one of *parts* stands."""
    targets = [entry.target.decode().partition("/api")[2] or entry.target.decode() for entry in simulator.ledger.received]
    return [target for target in targets if any(part in target for part in parts)]


async def quiet_minutes(warm_up: WarmUp, clock: LaterClock, calls: int) -> None:
    """Let time pass in which nobody asks for anything, as much as so many calls of the warm-up take, and its plans."""
    for _ in range(calls):
        clock.ahead_ms += 61_000
        await warm_up.step()


@asynccontextmanager
async def a_warm_centre(sim: Simulator, folder: Path, **settings: dict[str, Any]) -> AsyncIterator[tuple[Centre, LaterClock]]:
    clock = LaterClock()
    async with a_centre(folder, f"{sim.url}/api", clock=clock, **settings) as centre:
        yield centre, clock


def at_noon() -> LaterClock:
    """The next noon in India: what comes before midnight and what after does not go by when the test is run."""
    clock = LaterClock()
    now = clock.aware().astimezone(INDIA)
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0)
    clock.ahead_ms = round(((noon if noon > now else noon + timedelta(days=1)) - now).total_seconds() * 1000)
    return clock


def tomorrow(clock: LaterClock) -> str:
    return (clock.aware().astimezone(INDIA) + timedelta(days=1)).date().isoformat()


def book(shelf: Shelf, patients: list[str], day: str, status: str = "booked", where: str = "centre-1") -> None:
    for patient in patients:
        participants = [{"actor": {"reference": reference}} for reference in (f"Patient/{patient}", "Practitioner/1", f"Location/{where}")]
        booked = {"resourceType": "Appointment", "status": status, "start": f"{day}T09:00:00+05:30", "participant": participants}
        shelf.put("Appointment", shelf.new_id("Appointment"), booked, 0)


async def test_an_outage_and_a_restart_in_it_find_those_who_were_expected_and_never_read(tmp_path: Path) -> None:
    clock = at_noon()
    shipped = (files("proxy.profiles") / "fhir-r4.yaml").read_text("utf-8")
    (tmp_path / "fhir.yaml").write_text(shipped.replace("_count: \"'100'\"", "_count: \"'2'\""), "utf-8")
    async with Simulator(seed=7, people=6, api=Api.FHIR) as sim:
        shelf: Shelf = sim.shelf
        patients = [id_ for kind, id_ in shelf.versions if kind == "Patient"]
        expected, others = patients[:3], patients[3:]
        book(shelf, expected, tomorrow(clock))
        book(shelf, others[:1], tomorrow(clock), "cancelled")
        book(shelf, others[2:], tomorrow(clock), where="elsewhere")
        async with a_centre(tmp_path, f"{sim.url}/fhir", "./fhir.yaml", clock=clock) as centre:
            warm_up = centre.sidecar.warm_up
            await centre.get(f"/Patient/{others[1]}", Accept="application/fhir+json")
            await quiet_minutes(warm_up, clock, 3)
            assert await warm_up.coverage() == Coverage(persons=3, found=1), "the first part of the list, and who was read"
            await quiet_minutes(warm_up, clock, 20)
            assert await warm_up.coverage() == Coverage(persons=4, found=4)
        looked_up = asked(sim, "/Patient", "/Immunization")
        assert sorted(looked_up[1:]) == sorted(f"/fhir/{what}{one}" for one in expected for what in ("Patient/", "Immunization?patient="))
        last = next(entry for entry in reversed(sim.ledger.received) if b"/Patient/" in entry.target)
        assert (b"Accept", b"application/fhir+json") in last.fields, "as the desk asked on that route"

        await sim.faults.add("refuse")
        async with a_centre(tmp_path, f"{sim.url}/fhir", "./fhir.yaml", clock=clock) as centre:
            await centre.until_phase("open", "fhir")
            for person in expected:
                told = await centre.get(f"/Patient/{person}")
                assert (told.status, json.loads(told.body)["id"]) == (200, person)
                assert "hit; " in told.headers["Cache-Status"]
                assert (await centre.get(f"/Immunization?patient={person}")).status == 200
            assert (await centre.get(f"/Patient/{others[0]}")).status == 503
            assert await centre.sidecar.warm_up.coverage() == Coverage(persons=3, found=3), "and those who are read now are among them"
            clock.ahead_ms += 25 * 3_600_000
            assert await centre.sidecar.warm_up.coverage() == Coverage(persons=3, found=0)
            clock.ahead_ms += 24 * 3_600_000
            assert await centre.sidecar.warm_up.coverage() == Coverage(persons=0, found=0)
            wishes = centre.sidecar.warm_up.wishes
            assert not [target for target in wishes._asked if "/Patient" in target], "days that are over are not kept in mind"
            assert not wishes._pages


async def test_desks_with_log_ins_of_their_own_are_told_that_nothing_is_there_for_them(tmp_path: Path) -> None:
    clock = at_noon()
    async with Simulator(seed=7, people=6, api=Api.FHIR) as sim:
        patients = [id_ for kind, id_ in sim.shelf.versions if kind == "Patient"]
        book(sim.shelf, patients[:2], tomorrow(clock))
        async with a_centre(tmp_path, f"{sim.url}/fhir", "fhir-r4", clock=clock) as centre:
            for target in (f"/Patient/{patients[5]}", f"/Immunization?patient={patients[5]}", "/Appointment?date=2021-07-30"):
                assert (await centre.get(target, Authorization="Bearer demo-key")).status == 200
            await quiet_minutes(centre.sidecar.warm_up, clock, 8)
            assert len(asked(sim, "/Appointment")) == 3, "the lists are for us"
            assert [target for target in asked(sim, "/Patient", "/Immunization") if patients[5] not in target] == []
            assert await centre.sidecar.warm_up.coverage() == Coverage(persons=2, found=0)


async def test_what_is_shared_is_asked_for_again_without_who_asked(sim: Simulator, tmp_path: Path) -> None:
    async with a_warm_centre(sim, tmp_path) as (centre, clock):
        route = centre.sidecar.profile.route("districts")
        assert route is not None
        theirs = ((b"Authorization", b"Bearer theirs"),)
        caller = Caller((), b"asha", Held(b"asha", None, b"mark", None, None, theirs), Ground.ACCEPTED)
        readings = centre.sidecar.warm_up.wishes.readings
        for _ in range(2):
            readings.note(Asked("GET", route, "/api/v2/admin/location/districts/35", {"state_id": "35"}, (), caller, bytes(16)))
        await quiet_minutes(centre.sidecar.warm_up, clock, 6)
        (again,) = [entry for entry in sim.ledger.received if b"districts" in entry.target]
        assert {name.lower() for name, _ in again.fields} & {b"authorization", b"x-api-key"} == {b"x-api-key"}


async def test_what_desks_looked_up_is_asked_for_again_in_their_words_for_a_day(sim: Simulator, tmp_path: Path) -> None:
    async with a_warm_centre(sim, tmp_path) as (centre, clock):
        person, nobody = people(sim)[0], "10000000000000"
        await centre.get(FIND + person, **{"Accept-Language": "hi_IN"})
        assert (await centre.get(FIND + nobody)).status == 400
        await quiet_minutes(centre.sidecar.warm_up, clock, 6)
        assert set(asked(sim, *MASTERS)) == MASTERS
        assert len(asked(sim, person)) == 1, "it was read just now"
        clock.ahead_ms += 13 * 3_600_000
        await quiet_minutes(centre.sidecar.warm_up, clock, 6)
        assert len(asked(sim, person)) == 2
        again = next(entry for entry in reversed(sim.ledger.received) if person.encode() in entry.target)
        assert (b"Accept-Language", b"hi_IN") in again.fields
        assert await centre.sidecar.warm_up.coverage() == Coverage(persons=1, found=1)
        clock.ahead_ms += 13 * 3_600_000
        await quiet_minutes(centre.sidecar.warm_up, clock, 6)
        assert (len(asked(sim, person)), len(asked(sim, nobody))) == (2, 1)
        assert await centre.sidecar.warm_up.coverage() == Coverage(persons=0, found=0)


NOT_QUIET = ["a desk asks", "a record waits", "no credential", "the key is refused"]
IN_TROUBLE = ["down", "throttled", "on hold", "suspect", "before the start slot"]


def circuits(clock: LaterClock, *, suspect: bool = False, slot_s: float = 0.0) -> Circuits:
    """Circuits that nobody else moves, after a hold."""
    made = Circuits({"vaccinator": Policy(1, 1, 1, has_probe=True)}, clock, lambda *_: slot_s)
    made.hold(held=True)
    made.hold(held=False)
    permit = made.permit("vaccinator")
    assert permit is not None
    if suspect:
        made.observe(permit, failed(Failure(FailureKind.CONNECT, sent=False)))
    return made


@pytest.mark.parametrize("when", NOT_QUIET + IN_TROUBLE)
async def test_nothing_is_asked_when_it_is_not_quiet(sim: Simulator, tmp_path: Path, when: str) -> None:
    headers = "{}" if when == "no credential" else "{x-api-key: demo-key}"
    async with a_warm_centre(sim, tmp_path, upstream={"headers": headers}) as (centre, clock):
        sidecar, person = centre.sidecar, people(sim)[0]
        warm_up = sidecar.warm_up
        match when:
            case "down":
                await sim.faults.add("unavailable_503")
                for _ in range(4):
                    clock.ahead_ms += 3_000
                    await centre.get(FIND + person)
                await centre.go_down()
            case "on hold":
                sidecar.circuits.hold(held=True)
            case "a record waits":
                sidecar.circuits.hold(held=True)
                await centre.vaccinate(person)
                warm_up = replace(warm_up, circuits=circuits(clock))
            case "suspect":
                warm_up = replace(warm_up, circuits=circuits(clock, suspect=True))
            case "before the start slot":
                warm_up = replace(warm_up, circuits=circuits(clock, slot_s=3600))
            case "throttled":
                await sim.faults.add("throttle_429", retry_after_s=300)
                await centre.get(FIND + person)
            case "the key is refused":
                sim.register.api_keys.clear()
                await centre.vaccinate(person)
                assert sidecar.credentials.own.wrong is not None
            case _:
                assert when in ("a desk asks", "no credential")
        for _ in range(6):
            clock.ahead_ms += 11_000 if when == "throttled" else 61_000
            if when == "a desk asks":
                await centre.get(FIND + person)
            await warm_up.step()
        assert asked(sim, *MASTERS) == []


async def test_with_nothing_in_its_way_it_asks(sim: Simulator, tmp_path: Path) -> None:
    async with a_warm_centre(sim, tmp_path) as (centre, clock):
        await quiet_minutes(replace(centre.sidecar.warm_up, circuits=circuits(clock)), clock, 6)
        assert set(asked(sim, *MASTERS)) == MASTERS


async def test_it_pauses_after_an_answer_that_is_not_the_servers_own_word(sim: Simulator, tmp_path: Path) -> None:
    async with a_warm_centre(sim, tmp_path) as (centre, clock):
        await sim.faults.add("portal_200", routes=["/api/v2/admin/location/states"])
        await quiet_minutes(centre.sidecar.warm_up, clock, 6)
        assert len(asked(sim, "states")) == 1
        clock.ahead_ms += 1_800_000
        await sim.faults.clear()
        await quiet_minutes(centre.sidecar.warm_up, clock, 6)
        assert len(asked(sim, "states")) == 2

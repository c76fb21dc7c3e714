"""CoWIN's API as a desk and a citizen see it: answers, errors in its own words, keys and tokens."""

from __future__ import annotations

import re
from typing import Any

import pytest

from simulator import Simulator
from simulator.cowin.access import TOKEN_LIFE_S
from simulator.cowin.api import Cowin
from simulator.cowin.centres import SLOTS
from simulator.exchange import Call
from tests.simulator.desk import Answer, Desk

FIND = "/vaccinator/beneficiaries/findByReferenceId?beneficiary_reference_id="


async def find(desk: Desk, person: str) -> dict[str, object]:
    (found,) = (await desk.call("GET", FIND + person)).json["beneficiaries"]
    return dict(found)


async def test_a_walk_in_is_registered_and_found(desk: Desk) -> None:
    answer = await desk.register()
    person = answer.json["beneficiary_reference_id"]
    assert answer.status == 200
    assert re.fullmatch(r"[1-9]\d{13}", person)
    assert await find(desk, person) == {
        "beneficiary_reference_id": person,
        "name": "Lakshmi Nair",
        "birth_year": "1962",
        "gender": "Female",
        "mobile_number": "******0001",
        "photo_id_type": "Aadhaar Card",
        "photo_id_number": "********4821",
        "vaccination_status": "Not Vaccinated",
        "vaccine": "",
        "dose1_date": "",
        "dose2_date": "",
        "appointments": [],
    }


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"name": ""}, "APPOIN0047"),
        ({"name": None}, "APPOIN0047"),
        ({"birth_year": "1262"}, "GERR001"),
        ({"birth_year": "3000"}, "GERR001"),
        ({"birth_year": True}, "GERR001"),
        ({"gender_id": 4}, "GERR001"),
        ({"gender_id": True}, "GERR001"),
        ({"gender_id": [1]}, "GERR001"),
        ({"mobile_number": "12"}, "GERR001"),
        ({"photo_id_type": 3}, "GERR001"),
        ({"photo_id_number": " "}, "GERR001"),
    ],
)
async def test_a_bad_registration_is_refused(desk: Desk, sim: Simulator, changed: dict[str, object], code: str) -> None:
    assert (await desk.register(**changed)).verdict == (400, code)
    assert not sim.ledger.applied


async def test_both_doses(desk: Desk) -> None:
    person = desk.anybody()
    answer = await desk.vaccinate(person)
    assert (answer.status, answer.json) == (200, {"success": True})
    assert (await find(desk, person))["vaccination_status"] == "Partially Vaccinated"
    assert (await desk.vaccinate(person, 2, dose2_date="30-07-2021")).status == 200
    found = await find(desk, person)
    assert (found["vaccination_status"], found["vaccine"]) == ("Vaccinated", "COVISHIELD")
    assert (found["dose1_date"], found["dose2_date"]) == ("23-06-2021", "30-07-2021")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"beneficiary_reference_id": "99123456789012"}, "APPOIN0001"),
        ({"beneficiary_reference_id": None}, "GERR001"),
        ({"center_id": 1}, "APPOIN0006"),
        ({"center_id": "x"}, "APPOIN0006"),
        ({"vaccine_batch": "four"}, "GERR001"),
        ({"vaccine_batch": "12345678"}, "GERR001"),
        ({"vaccine": "WATER"}, "GERR001"),
        ({"dose": 3}, "GERR001"),
        ({"dose1_date": "31-02-2021"}, "GERR001"),
        ({"dose1_date": "2021-06-23"}, "GERR001"),
        ({"dose1_date": "01-01-2100"}, "GERR001"),
        ({"vaccinator_name": ""}, "GERR001"),
    ],
)
async def test_a_bad_dose_is_refused(desk: Desk, sim: Simulator, changed: dict[str, Any], code: str) -> None:
    assert (await desk.vaccinate(desk.anybody(), **changed)).verdict == (400, code)
    assert not sim.ledger.applied


async def test_the_error_on_record_is_given_word_by_word(desk: Desk) -> None:
    answer = await desk.vaccinate(desk.anybody(), center_id=1)
    assert answer.json == {"errorCode": "APPOIN0006", "error": "Could not find any center for provided centerid"}


async def test_a_second_dose_needs_a_first(desk: Desk) -> None:
    assert (await desk.vaccinate(desk.anybody(), 2)).verdict == (400, "APPOIN0025")
    assert (await desk.vaccinate(desk.anybody(doses=1), 2)).status == 200


async def test_an_id_sent_as_a_number_is_taken(desk: Desk) -> None:
    person = desk.anybody()
    assert (await desk.vaccinate(person, beneficiary_reference_id=int(person))).status == 200


async def test_a_batch_that_is_called_back_is_refused(desk: Desk) -> None:
    rules = await desk.control("PUT", "/_sim/rules", {"refused_batches": ["4121Z012"]})
    assert rules.json == (await desk.control("GET", "/_sim/rules")).json
    assert (await desk.vaccinate(desk.anybody())).verdict == (400, "GERR001")


async def test_a_repeated_dose_is_applied_again_or_refused(desk: Desk, sim: Simulator) -> None:
    person = desk.anybody()
    assert [(await desk.vaccinate(person)).status for _ in range(2)] == [200, 200]
    await desk.control("PUT", "/_sim/rules", {"repeat": "refuse"})
    assert (await desk.vaccinate(person)).verdict == (400, "GERR001")
    assert len(sim.ledger.applied) == 2
    assert (await desk.control("PUT", "/_sim/rules", {"repeat": "perhaps"})).status == 400


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"x"', b"\xff"])
async def test_a_body_that_is_no_json_object_is_refused(desk: Desk, sim: Simulator, raw: bytes) -> None:
    url = f"{sim.url}/api/v2/vaccinator/beneficiaries/vaccinate"
    async with desk.http.post(url, data=raw, headers={"x-api-key": "demo-key"}) as answer:
        assert (answer.status, (await answer.json())["errorCode"]) == (400, "GERR001")


@pytest.mark.parametrize("key", ["", "wrong"])
async def test_without_a_good_key_nothing_is_done(desk: Desk, key: str) -> None:
    answer = await desk.call("GET", FIND + desk.anybody(), x_api_key=key)
    assert (answer.status, answer.content_type, answer.text) == (401, "text/plain", "Unauthenticated access!")


async def test_keys_come_and_go_at_run_time(desk: Desk) -> None:
    assert (await desk.control("DELETE", "/_sim/keys/demo-key")).json == []
    assert (await desk.vaccinate(desk.anybody())).status == 401
    assert (await desk.control("PUT", "/_sim/keys/new-key")).json == ["new-key"]
    assert (await desk.call("GET", FIND + desk.anybody(), x_api_key="new-key")).status == 200
    assert (await desk.control("GET", "/_sim/keys")).json == ["new-key"]


@pytest.mark.parametrize("path", ["/registration/beneficiary/genders", "/registration/beneficiary/idTypes", "/admin/location/states"])
async def test_masters_are_open_and_live_for_a_day(desk: Desk, path: str) -> None:
    answer = await desk.call("GET", path, x_api_key="")
    assert (answer.status, answer.json["ttl"]) == (200, 24)


async def test_districts_of_a_state(desk: Desk) -> None:
    districts = (await desk.call("GET", "/admin/location/districts/35")).json["districts"]
    assert {"district_id": 709, "district_name": "Udham Singh Nagar"} in districts
    assert (await desk.call("GET", "/admin/location/districts/77")).verdict == (400, "GERR001")
    assert (await desk.call("GET", "/admin/location/districts/35/x")).status == 404


async def test_find_by_mobile(desk: Desk, sim: Simulator) -> None:
    mobile = sim.register.people[desk.anybody()].mobile
    found = (await desk.call("GET", f"/vaccinator/beneficiaries/findByMobile?mobile_number={mobile}")).json["beneficiaries"]
    assert desk.anybody() in [person["beneficiary_reference_id"] for person in found]
    assert (await desk.call("GET", "/vaccinator/beneficiaries/findByMobile?mobile_number=9")).verdict == (400, "APPOIN0001")


async def test_a_certificate_is_a_pdf(desk: Desk) -> None:
    path = "/vaccinator/certificate/download?beneficiary_reference_id="
    answer = await desk.call("GET", path + desk.anybody(doses=1))
    assert (answer.status, answer.content_type, answer.body[:5]) == (200, "application/pdf", b"%PDF-")
    table = int(answer.body.rsplit(b"startxref\n", 1)[1].split()[0])
    assert answer.body[table:].startswith(b"xref\n0 6\n")
    offsets = [int(line.split()[0]) for line in answer.body[table:].splitlines()[3:8]]
    assert [answer.body[offset:].split()[0] for offset in offsets] == [b"1", b"2", b"3", b"4", b"5"]
    assert (await desk.call("GET", path + desk.anybody())).status == 400


async def test_walk_ins_are_booked_on_the_spot_once(desk: Desk) -> None:
    person = desk.anybody()
    session = await a_session(desk)
    assert (await book(desk, session, person)).status == 200
    assert (await book(desk, session, person)).verdict == (400, "APPOIN0022")
    (booked,) = (await desk.call("GET", FIND + person)).json["beneficiaries"][0]["appointments"]
    assert (booked["session_id"], booked["slot"], booked["dose"]) == (session, SLOTS[0], 1)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"slot": "midnight"}, "APPOIN0015"),
        ({"session_id": "none"}, "APPOIN0015"),
        ({"beneficiaries": ["1"]}, "APPOIN0001"),
        ({"beneficiaries": []}, "GERR001"),
        ({"dose": 2}, "APPOIN0025"),
    ],
)
async def test_a_bad_booking_is_refused(desk: Desk, changed: dict[str, object], code: str) -> None:
    assert (await book(desk, await a_session(desk), desk.anybody(), **changed)).verdict == (400, code)


async def test_places_run_out(desk: Desk, sim: Simulator) -> None:
    session = await a_session(desk)
    sim.register.sessions[session].free = 1
    assert (await book(desk, session, desk.anybody())).status == 200
    assert (await book(desk, session, desk.anybody(nth=1))).verdict == (409, "APPOIN0040")


async def test_a_citizen_books_moves_and_cancels(desk: Desk, sim: Simulator) -> None:
    token = await desk.log_in("9000000009")
    first, second = await a_session(desk), await a_session(desk, 1)
    free = sim.register.sessions[first].free
    person = desk.anybody()
    booked = await desk.call("POST", "/appointment/schedule", booking(first, person), Authorization=token)
    number = {"appointment_id": booked.json["appointment_confirmation_no"]}
    moved = await desk.call("POST", "/appointment/reschedule", number | {"session_id": second, "slot": SLOTS[1]}, Authorization=token)
    assert (moved.status, moved.body, sim.register.sessions[first].free) == (204, b"", free)
    gone = await desk.call("POST", "/appointment/cancel", number | {"beneficiariesToCancel": [person]}, Authorization=token)
    assert (gone.status, sim.register.sessions[second].free) == (204, free)
    again = await desk.call("POST", "/appointment/cancel", number | {"beneficiariesToCancel": [person]}, Authorization=token)
    assert again.verdict == (400, "GERR001")
    assert [entry.effect.kind for entry in sim.ledger.applied] == ["booking", "booking", "cancellation"]


async def test_a_citizen_registers_and_deletes_only_who_is_theirs(desk: Desk) -> None:
    token = await desk.log_in("9000000009")
    new = {"name": "Mohan Pant", "birth_year": "1970", "gender_id": 1, "photo_id_type": 2, "photo_id_number": "X1"}
    person = (await desk.call("POST", "/registration/beneficiary/new", new, Authorization=token)).json
    deleting = "/registration/beneficiary/delete"
    assert (await desk.call("POST", deleting, person, Authorization=await desk.log_in("9000000008"))).verdict == (400, "APPOIN0001")
    assert (await desk.call("POST", deleting, person, Authorization=token)).status == 204
    assert (await desk.call("POST", deleting, person, Authorization=token)).verdict == (400, "APPOIN0001")


async def test_a_wrong_password_is_refused_and_a_right_one_is_good_once(desk: Desk, sim: Simulator) -> None:
    begun = (await desk.call("POST", "/auth/generateMobileOTP", {"mobile": "9000000009"})).json
    assert (await desk.call("POST", "/auth/validateMobileOtp", {"otp": "0" * 64} | begun)).verdict == (400, "USRAUT0014")
    await desk.log_in("9000000009")
    assert list(sim.register.messages) == [begun["txnId"]]


@pytest.mark.parametrize(("late_s", "before", "then"), [(120.0, 0, 1), (None, 0, 0), (0.0, 1, 1)])
async def test_a_password_may_come_late_or_never(desk: Desk, sim: Simulator, late_s: float | None, before: int, then: int) -> None:
    await desk.control("PUT", "/_sim/rules", {"otp_late_s": late_s})
    await desk.call("POST", "/auth/generateMobileOTP", {"mobile": "9000000009"})
    asked_at = sim.ledger.received[-1].moment.at
    assert len((await desk.control("GET", "/_sim/messages")).json) == before
    assert len(sim.register.arrived(asked_at + 125_000)) == then


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer a.b.c", "Basic eA==", "Bearer \xe9"])
async def test_a_token_that_is_not_ours_is_refused(desk: Desk, token: str) -> None:
    assert (await desk.call("POST", "/appointment/schedule", {}, Authorization=token)).status == 401


@pytest.mark.parametrize(("age_s", "status"), [(TOKEN_LIFE_S - 1, 400), (TOKEN_LIFE_S, 401)])
async def test_a_token_lives_for_900_seconds(desk: Desk, sim: Simulator, age_s: int, status: int) -> None:
    token = await desk.log_in("9000000009")
    issued_at = sim.ledger.received[-1].moment.at // 1000 * 1000
    fields = {"x-api-key": "demo-key", "authorization": token}
    call = Call("POST", "/api/v2/appointment/schedule", {}, fields, b"{}", issued_at + age_s * 1000)
    assert Cowin(sim.register).answer(call).status == status


async def test_head_options_and_what_is_not_there(desk: Desk) -> None:
    genders = "/registration/beneficiary/genders"
    head = await desk.call("HEAD", genders)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == (await desk.call("GET", genders)).headers["Content-Length"]
    options = await desk.call("OPTIONS", genders)
    assert (options.status, options.headers["Allow"]) == (204, "OPTIONS, GET, HEAD")
    wrong = await desk.call("DELETE", genders)
    assert (wrong.status, wrong.headers["Allow"]) == (405, "OPTIONS, GET, HEAD")
    assert (await desk.call("GET", "/nothing")).status == 404


async def a_session(desk: Desk, nth: int = 0) -> str:
    day = next(iter(desk.sim.register.sessions.values())).day
    by_pin = (await desk.call("GET", f"/appointment/sessions/findByPin?pincode=263153&date={day}")).json["sessions"]
    by_district = (await desk.call("GET", f"/appointment/sessions/findByDistrict?district_id=709&date={day}")).json["sessions"]
    assert by_pin == by_district
    return str(by_pin[nth]["session_id"])


def booking(session: str, person: str, **changed: object) -> dict[str, object]:
    return {"dose": 1, "session_id": session, "slot": SLOTS[0], "beneficiaries": [person]} | changed


async def book(desk: Desk, session: str, person: str, **changed: object) -> Answer:
    return await desk.call("POST", "/vaccinator/onspots/schedule", booking(session, person, **changed))

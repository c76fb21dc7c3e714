"""The shipped CoWIN profile, asked about the requests and answers that are known of that server."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Any

import pytest

from proxy.profiles.load import load_profile, shipped_profiles
from proxy.profiles.model import Answers, IfRefused, Policy, Profile, Route
from proxy.rules.identity import issued_id, provisional_id
from proxy.rules.slots import slots_in, translated
from proxy.settings import Settings

PROFILE = load_profile("cowin-vaccinator", Path())

DOSE = {
    "beneficiary_reference_id": "48448366834980",
    "center_id": 563048,
    "vaccine": "COVISHIELD",
    "vaccine_batch": "4121Z012",
    "dose": 1,
    "dose1_date": "23-06-2021",
    "vaccinator_name": "Prabha Devi",
}
WALK_IN = {
    "name": "Lakshmi Nair",
    "birth_year": "1962",
    "gender_id": 2,
    "mobile_number": "9000000001",
    "photo_id_type": 1,
    "photo_id_number": "4821",
    "comorbidity_ind": "N",
    "consent_version": "1",
}
SLOT = {
    "dose": 1,
    "session_id": "8b7e0a3c-4d0e-4c53-9a86-3a3d2f1f0b11",
    "slot": "09:00AM-11:00AM",
    "beneficiaries": ["48448366834980", 31205876421109],
}


def route(name: str) -> Route:
    return next(route for route in PROFILE.routes if route.name == name)


def request(body: object) -> dict[str, Any]:
    return {"method": "POST", "path": {}, "query": {}, "headers": {}, "body": body}


def lane_and_key(name: str, body: object) -> tuple[Any, Any]:
    found = route(name)
    assert found.lane is not None
    assert found.natural_key is not None
    return found.lane.search(request(body)), found.natural_key.search(request(body))


def test_it_is_the_default_and_every_shipped_profile_is_called_like_its_file() -> None:
    assert Settings().profile in shipped_profiles()
    assert [load_profile(name, Path()).profile for name in shipped_profiles()] == list(shipped_profiles())


def test_a_dose_is_in_the_persons_lane_however_the_id_is_written() -> None:
    expected = ("48448366834980", ["48448366834980", "1"])
    assert lane_and_key("vaccinate", DOSE) == expected
    assert lane_and_key("vaccinate", DOSE | {"beneficiary_reference_id": 48448366834980, "dose": "1"}) == expected


@pytest.mark.parametrize("body", [{}, [], None, "dose", DOSE | {"beneficiary_reference_id": ""}, DOSE | {"beneficiary_reference_id": None}])
def test_a_dose_of_nobody_has_no_lane(body: object) -> None:
    assert lane_and_key("vaccinate", body)[0] is None


def test_a_walk_in_is_known_by_mobile_name_year_gender_and_photo_id() -> None:
    expected = ("9000000001|lakshmi nair|1962|2|4821", ["9000000001", "lakshmi nair", "1962", "2", "4821"])
    assert lane_and_key("register", WALK_IN) == expected
    again = {"name": " LAKSHMI  NAIR", "birth_year": 1962, "gender_id": "2", "mobile_number": 9000000001, "photo_id_number": "********4821"}
    assert lane_and_key("register", WALK_IN | again) == expected


@pytest.mark.parametrize("member", ["name", "birth_year", "gender_id", "mobile_number", "photo_id_number"])
def test_a_walk_in_without_what_it_is_known_by_has_no_lane(member: str) -> None:
    assert lane_and_key("register", {key: value for key, value in WALK_IN.items() if key != member})[0] is None


def test_a_slot_is_in_the_lane_of_each_of_its_persons() -> None:
    lanes, key = lane_and_key("schedule-onspot", SLOT)
    assert lanes == ["48448366834980", "31205876421109"]
    assert key == ["31205876421109|48448366834980", "1", "8b7e0a3c-4d0e-4c53-9a86-3a3d2f1f0b11"]
    assert lane_and_key("schedule-onspot", SLOT | {"beneficiaries": lanes[::-1]})[1] == key


@pytest.mark.parametrize("persons", [None, "48448366834980", {}])
def test_a_slot_of_nobody_has_no_lane(persons: object) -> None:
    assert lane_and_key("schedule-onspot", SLOT | {"beneficiaries": persons})[0] is None


def test_a_passed_slot_does_not_hold_up_the_dose() -> None:
    assert route("schedule-onspot").if_refused is IfRefused.PASS_BY
    assert route("vaccinate").if_refused is IfRefused.HOLD


def test_the_receipt_of_a_dose() -> None:
    receipt = route("vaccinate").receipt
    assert receipt is not None
    record = {"id": "01J9ZK3T5V8Q2M4N6P7R9S1T3V", "number": 17, "state": "pending", "message": "Recorded."}
    assert receipt.status == 200
    assert receipt.body.search({"request": request(DOSE), "record": record}) == {
        "beneficiary_reference_id": "48448366834980",
        "dose": 1,
        "offline_mode": 1,
        "record": record,
    }


def test_the_receipt_of_a_slot_makes_up_no_confirmation_number() -> None:
    receipt = route("schedule-onspot").receipt
    assert receipt is not None
    body = receipt.body.search({"request": request(SLOT), "record": {"id": "1", "number": 1, "state": "pending", "message": "Recorded."}})
    assert (body["slot"], body["offline_mode"], "appointment_confirmation_no" in body) == ("09:00AM-11:00AM", 1, False)


def test_the_receipt_of_a_walk_in_holds_the_provisional_id() -> None:
    receipt = route("register").receipt
    assert receipt is not None
    record = {"id": "01J9ZK3T5V8Q2M4N6P7R9S1T3V", "number": 17, "state": "pending", "message": "Recorded."}
    shown = receipt.body.search({"request": request(WALK_IN), "record": record | {"provisional_id": "99001042000174"}})
    assert (receipt.status, shown) == (200, {"beneficiary_reference_id": "99001042000174", "offline_mode": 1, "record": record})
    assert receipt.body.search({"request": request(WALK_IN), "record": record}) is None


def answer(status: int, body: object = None, text: str = "") -> dict[str, Any]:
    return {"status": status, "headers": {}, "body": body, "text": text}


def said(name: str, given: dict[str, Any]) -> list[str]:
    answers = PROFILE.answers_of(route(name))
    return [word for word in ("accepted", "own_error", "auth", "unavailable", "already_recorded") if answers.says(word, given)]


BAD_CENTRE = {"errorCode": "APPOIN0006", "error": "Could not find any center for provided centerid"}
BOOKED = {"errorCode": "APPOIN0022", "error": "A booking exists"}


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("vaccinate", answer(200, {"anything": 1}), ["accepted"]),
        ("vaccinate", answer(200, [], "[]"), ["accepted"]),
        ("vaccinate", answer(200, None, "<html>"), []),
        ("vaccinate", answer(400, BAD_CENTRE), ["own_error"]),
        ("vaccinate", answer(400, {"message": "Bad Request"}), []),
        ("vaccinate", answer(504, {"message": "Endpoint request timed out"}), []),
        ("vaccinate", answer(401, None, "Unauthenticated access!"), ["auth"]),
        ("vaccinate", answer(403, None, "<HTML>Request blocked</HTML>"), []),
        ("vaccinate", answer(503, None, ""), []),
        ("vaccinate", answer(400, BOOKED), ["own_error"]),
        ("schedule-onspot", answer(400, BOOKED), ["own_error", "already_recorded"]),
        ("register", answer(200, {"beneficiary_reference_id": "48448366834980"}), ["accepted"]),
        ("register", answer(200, {"beneficiary_reference_id": 48448366834980}), ["accepted"]),
        ("register", answer(200, {}), []),
        ("register", answer(400, BAD_CENTRE), ["own_error"]),
        ("genders", answer(200, {"genders": [], "ttl": 24}), ["accepted"]),
        ("certificate", answer(200, None, "%PDF-1.4"), ["accepted"]),
    ],
)
def test_what_answers_mean(name: str, given: dict[str, Any], words: list[str]) -> None:
    assert said(name, given) == words


def test_a_routes_own_answers_leave_the_rest_to_the_profile() -> None:
    answers = PROFILE.answers_of(route("certificate"))
    assert isinstance(answers, Answers)
    assert answers.content_types == ("application/pdf", "application/json")
    assert answers.auth == PROFILE.answers.auth


def test_what_competes_for_live_capacity_is_never_queued() -> None:
    live = [route for route in PROFILE.routes if route.path.startswith(("/v2/appointment/", "/v2/auth/", "/v2/registration/beneficiary/"))]
    assert {route.policy for route in live if route.method == "POST"} == {Policy.PASS}
    assert {route.group for route in live if route.method == "POST"} == {"appointment", "auth", "registration"}


def test_every_write_of_the_vaccinator_is_recorded() -> None:
    writes = {route.path for route in PROFILE.routes if route.policy is Policy.RECORD}
    assert writes == {
        "/v2/vaccinator/beneficiaries/vaccinate",
        "/v2/vaccinator/beneficiaries/new",
        "/v2/vaccinator/onspots/schedule",
    }


P, X = "99001042000174", "48448366834980"


@pytest.mark.parametrize(
    ("name", "target", "body"),
    [
        ("vaccinate", "/api/v2/vaccinator/beneficiaries/vaccinate", f'{{"dose": 1, "beneficiary_reference_id": {P}}}'),
        ("schedule-onspot", "/api/v2/vaccinator/onspots/schedule", f'{{"beneficiaries": ["{P}", "31205876421109"]}}'),
        ("delete-citizen", "/api/v2/registration/beneficiary/delete", f'{{"beneficiary_reference_id": "{P}"}}'),
        ("schedule", "/api/v2/appointment/schedule", f'{{"beneficiaries": ["{P}"]}}'),
        ("cancel", "/api/v2/appointment/cancel", f'{{"appointment_id": "x", "beneficiariesToCancel": ["{P}"]}}'),
        ("find-by-reference-id", f"/api/v2/vaccinator/beneficiaries/findByReferenceId?beneficiary_reference_id={P}", ""),
        ("certificate", f"/api/v2/vaccinator/certificate/download?beneficiary_reference_id={P}", ""),
    ],
)
def test_ids_are_known_wherever_the_calls_carry_them(name: str, target: str, body: str) -> None:
    found = route(name)
    assert P in slots_in(found, target, body.encode())
    assert translated(found, target, body.encode(), {P: X}) == (target.replace(P, X), body.replace(P, X).encode())


def test_walk_ins_get_an_id_in_the_form_of_the_servers_own() -> None:
    assert PROFILE.provisional is not None
    assert provisional_id(PROFILE.provisional, 1042, 17) == P
    issues = route("register").issues
    assert issues is not None
    assert [issued_id(issues, answer(200, {"beneficiary_reference_id": id_})) for id_ in (X, int(X), None)] == [X, X, None]


def test_a_dose_has_to_be_in_by_five_the_next_day() -> None:
    assert PROFILE.back_entry is not None
    assert (PROFILE.back_entry.days, PROFILE.back_entry.until) == (1, time(17, 0))


def test_the_rest() -> None:
    assert PROFILE.error_members == {"errorCode": "code", "error": "detail"}
    assert PROFILE.credentials.headers == ("x-api-key", "authorization", "cookie")
    assert (PROFILE.pacing.calls_per_minute, PROFILE.pacing.settle) == (20, 60.0)
    probe = PROFILE.groups["vaccinator"].probe
    assert probe is not None
    assert (probe.method, probe.path) == ("GET", "/v2/registration/beneficiary/genders")


def test_a_profile_does_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        PROFILE.title = "another"  # type: ignore[misc] # that is the point


def test_the_profile_says_how_sure_it_is() -> None:
    text = (Path(__file__).parents[2] / "proxy/profiles/cowin-vaccinator.yaml").read_text(encoding="utf-8")
    head = text.partition("\nprofile:")[0]
    assert "It is not the official API" in head
    assert all(f"#   {grade}  " in head for grade in "PSI")
    assert isinstance(PROFILE, Profile)

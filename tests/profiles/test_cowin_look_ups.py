"""The CoWIN profile's look-ups, asked of the simulator's register: its answers have the shape that the profile believes them to have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from proxy.profiles.load import load_profile
from proxy.profiles.model import LookUp, Route
from proxy.rules.look_up import Finding, Found, judge, question
from proxy.rules.outcome import classify
from proxy.rules.wire import Answer
from simulator.cowin.api import BASE, Cowin
from simulator.cowin.register import Register
from simulator.exchange import Call
from simulator.people import Dose, Person

PROFILE = load_profile("cowin-vaccinator", Path())
NOW = datetime(2021, 7, 30, 12, 4, tzinfo=UTC)
ASHA: Final = "48448366834980"

DOSE: Final = {
    "beneficiary_reference_id": ASHA,
    "center_id": 563048,
    "vaccine": "COVISHIELD",
    "vaccine_batch": "4121Z012",
    "dose": 1,
    "dose1_date": "30-07-2021",
    "vaccinator_name": "Prabha Devi",
}
SECOND: Final = DOSE | {"dose": 2, "dose1_date": "23-04-2021", "dose2_date": "30-07-2021"}
WALK_IN: Final = {
    "name": " asha  DEVI",
    "birth_year": 1962,
    "gender_id": 2,
    "mobile_number": "9000000001",
    "photo_id_type": 1,
    "photo_id_number": "999941054821",
}


def dose(day: str = "30-07-2021", vaccine: str = "COVISHIELD") -> Dose:
    return Dose(day, vaccine, "4121Z012", 563048)


def person(
    id_: str = ASHA, name: str = "Asha Devi", gender_id: int = 2, photo: str = "4821", doses: Mapping[int, Dose] = MappingProxyType({})
) -> Person:
    return Person(id_, name, "1962", gender_id, "9000000001", 1, photo, dict(doses))


def server(*people: Person) -> Cowin:
    return Cowin(Register.opened(people, Random(1), NOW.date()))


def route(name: str) -> Route:
    return next(route for route in PROFILE.routes if route.name == name)


def look_up_of(name: str) -> LookUp:
    look_up = route(name).look_up
    assert look_up is not None
    return look_up


def request(body: object) -> dict[str, Any]:
    return {"method": "POST", "path": {}, "query": {}, "headers": {}, "body": body}


def ask(cowin: Cowin, target: str) -> Answer:
    parts = urlsplit(target)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    reply = cowin.answer(Call("GET", BASE + parts.path, query, {"x-api-key": "demo-key"}, b"", int(NOW.timestamp() * 1000)))
    return Answer(reply.status, "", ((b"Content-Type", (reply.content_type or "").encode()),), reply.body)


def looked_up(name: str, body: object, cowin: Cowin) -> Finding:
    look_up = look_up_of(name)
    target = question(look_up, request(body))
    assert target is not None
    answer = ask(cowin, target)
    return judge(look_up, request(body), answer, classify(answer, PROFILE.answers_of_look_up(look_up), "errorCode", NOW))


def judged(name: str, body: object, shown: object, status: int = 200) -> Found:
    look_up = look_up_of(name)
    answer = Answer(status, "", ((b"Content-Type", b"application/json"),), orjson.dumps(shown))
    return judge(look_up, request(body), answer, classify(answer, PROFILE.answers_of_look_up(look_up), "errorCode", NOW)).found


@pytest.mark.parametrize(
    ("body", "doses", "found"),
    [
        (DOSE, {}, Found.NOT_THERE),
        (DOSE, {1: dose()}, Found.THERE),
        (DOSE | {"dose": "1", "beneficiary_reference_id": int(ASHA)}, {1: dose()}, Found.THERE),
        (DOSE | {"vaccine": "Covishield"}, {1: dose()}, Found.THERE),
        (DOSE, {1: dose(), 2: dose("25-10-2021", "COVAXIN")}, Found.THERE),
        (DOSE, {1: dose("29-07-2021")}, Found.OTHER_CONTENT),
        (DOSE, {1: dose(vaccine="COVAXIN")}, Found.OTHER_CONTENT),
        (DOSE | {"dose1_date": "yesterday"}, {1: dose()}, Found.OTHER_CONTENT),
        (DOSE | {"dose1_date": None}, {1: dose()}, Found.OTHER_CONTENT),
        (DOSE | {"dose1_date": "yesterday"}, {}, Found.NOT_THERE),
        (SECOND, {1: dose("23-04-2021")}, Found.NOT_THERE),
        (SECOND, {}, Found.NOT_THERE),
        (SECOND, {1: dose("23-04-2021"), 2: dose()}, Found.THERE),
        (SECOND, {1: dose("23-04-2021"), 2: dose("29-07-2021")}, Found.OTHER_CONTENT),
        (SECOND, {1: dose("23-04-2021"), 2: dose(vaccine="COVAXIN")}, Found.OTHER_CONTENT),
        (DOSE | {"dose": 3}, {}, Found.OTHER_CONTENT),
    ],
)
def test_a_dose(body: object, doses: dict[int, Dose], found: Found) -> None:
    assert looked_up("vaccinate", body, server(person(doses=doses))).found is found


def test_a_dose_of_somebody_who_does_not_exist() -> None:
    assert looked_up("vaccinate", DOSE, server()) == Finding(Found.NOT_THERE, "looked up: none")


SHOWN: Final = {
    "beneficiary_reference_id": ASHA,
    "vaccination_status": "Not Vaccinated",
    "vaccine": "",
    "dose1_date": "",
    "dose2_date": "",
}


@pytest.mark.parametrize(
    "other",
    [
        {"beneficiary_reference_id": "31205876421109"},
        {"beneficiary_reference_id": None},
        {"vaccination_status": "Partially Vaccinated"},
        {"vaccination_status": None},
        {"dose1_date": "30.07.2021"},
        {"dose1_date": None, "dose1Date": "30-07-2021", "vaccination_status": "Vaccinated"},
    ],
)
def test_an_answer_of_another_shape_is_never_not_there(other: dict[str, object]) -> None:
    assert judged("vaccinate", DOSE, {"beneficiaries": [SHOWN]}) is Found.NOT_THERE
    assert judged("vaccinate", DOSE, {"beneficiaries": [SHOWN | other]}) is Found.OTHER_CONTENT


@pytest.mark.parametrize("shown", [{}, {"data": [SHOWN]}, {"beneficiaries": None}, {"beneficiaries": SHOWN}, [SHOWN]])
def test_an_answer_without_the_list_says_nothing(shown: object) -> None:
    assert judged("vaccinate", DOSE, shown) is Found.FAILED


NAMESAKE: Final = "31205876421109"


@pytest.mark.parametrize(
    ("people", "found"),
    [
        ((), Finding(Found.NOT_THERE, "looked up: none")),
        ((person(),), Finding(Found.THERE, "looked up: there", ASHA)),
        ((person(NAMESAKE, photo="1111"), person()), Finding(Found.THERE, "looked up: there", ASHA)),
        ((person(NAMESAKE), person()), Finding(Found.AMBIGUOUS, "looked up: fits 2 times")),
        ((person(name="Asha Rani"),), Finding(Found.NOT_THERE, "looked up: not there")),
        ((person(gender_id=3),), Finding(Found.NOT_THERE, "looked up: not there")),
        ((person(photo="4822"),), Finding(Found.NOT_THERE, "looked up: not there")),
    ],
)
def test_a_registration(people: tuple[Person, ...], found: Finding) -> None:
    assert looked_up("register", WALK_IN, server(*people)) == found


@pytest.mark.parametrize("gender_id", [1, 2, 3])
def test_each_gender_is_spelt_out(gender_id: int) -> None:
    assert looked_up("register", WALK_IN | {"gender_id": gender_id}, server(person(gender_id=gender_id))).found is Found.THERE


@pytest.mark.parametrize("member", ["name", "birth_year", "gender", "photo_id_number"])
def test_one_who_cannot_be_compared_is_for_a_person_to_judge(member: str) -> None:
    shown = {"beneficiary_reference_id": ASHA, "name": "Asha Devi", "birth_year": "1962", "gender": "Female", "photo_id_number": "***4821"}
    assert judged("register", WALK_IN, {"beneficiaries": [shown]}) is Found.THERE
    assert judged("register", WALK_IN, {"beneficiaries": [shown | {member: None}]}) is Found.OTHER_CONTENT


def test_a_slot() -> None:
    cowin = server(person(), person(NAMESAKE, "Asha Rani"))
    session = next(iter(cowin.register.sessions))
    body = {"dose": 1, "session_id": session, "slot": "09:00AM-11:00AM", "beneficiaries": [ASHA]}
    assert looked_up("schedule-onspot", body, cowin).found is Found.NOT_THERE
    path = BASE + "/v2/vaccinator/onspots/schedule"
    booked = cowin.answer(Call("POST", path, {}, {"x-api-key": "demo-key"}, orjson.dumps(body), int(NOW.timestamp() * 1000)))
    assert booked.status == 200
    assert looked_up("schedule-onspot", body, cowin).found is Found.THERE
    assert looked_up("schedule-onspot", body | {"session_id": "another"}, cowin).found is Found.OTHER_CONTENT
    assert looked_up("schedule-onspot", body | {"beneficiaries": [NAMESAKE]}, cowin).found is Found.NOT_THERE


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("vaccinate", {key: value for key, value in DOSE.items() if key != "beneficiary_reference_id"}),
        ("register", WALK_IN | {"mobile_number": None}),
        ("schedule-onspot", {"dose": 1, "beneficiaries": [ASHA, NAMESAKE]}),
        ("schedule-onspot", {"dose": 1, "beneficiaries": []}),
    ],
)
def test_what_cannot_be_asked(name: str, body: object) -> None:
    assert question(look_up_of(name), request(body)) is None

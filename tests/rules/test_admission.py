"""Whether a request can be kept, and under which lane."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.profiles.load import load_profile
from proxy.profiles.model import Route
from proxy.rules.admission import LANES_MAX, Admissible, Admission, Inadmissible, admit, request_view
from proxy.rules.problems import KINDS
from proxy.rules.routes import Match
from proxy.rules.wire import Fields

ROUTES: Final = {route.name: route for route in load_profile("cowin-vaccinator", Path()).routes}

DOSE: Final[dict[str, Any]] = {
    "beneficiary_reference_id": "48448366834980",
    "center_id": 563048,
    "vaccine": "COVISHIELD",
    "vaccine_batch": "4121Z012",
    "dose": 1,
    "dose1_date": "23-06-2021",
    "vaccinator_name": "Prabha Devi",
}
WALK_IN: Final[dict[str, Any]] = {
    "name": "Lakshmi Nair",
    "birth_year": "1962",
    "gender_id": 2,
    "mobile_number": "9000000001",
    "photo_id_type": 1,
    "photo_id_number": "4821",
    "comorbidity_ind": "N",
    "consent_version": "1",
}
SLOT: Final[dict[str, Any]] = {"dose": 1, "session_id": "7f9e", "slot": "09:00AM-11:00AM", "beneficiaries": ["48448366834980"]}


def asked(route: str, body: object, query: str = "", fields: Fields = ()) -> Admission:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return admit(Match(ROUTES[route], {}), "POST", query, fields, content)


def lanes(route: str, body: object) -> tuple[str, ...] | str:
    """Return the lanes, or the code of what is wrong."""
    admission = asked(route, body)
    return admission.lanes if isinstance(admission, Admissible) else admission.code


ID: Final = "48448366834980"
WALK_IN_LANE: Final = "9000000001|lakshmi nair|1962|2|4821"

LANES: Final = [
    # the person, however the id is written
    ("vaccinate", DOSE, (ID,)),
    ("vaccinate", DOSE | {"beneficiary_reference_id": 48448366834980}, (ID,)),
    ("vaccinate", DOSE | {"beneficiary_reference_id": 48448366834980.0}, (ID,)),
    ("vaccinate", DOSE | {"beneficiary_reference_id": " 48448366834980 "}, (ID,)),
    ("register", WALK_IN, (WALK_IN_LANE,)),
    ("register", WALK_IN | {"name": "  LAKSHMI  nair "}, (WALK_IN_LANE,)),
    ("register", WALK_IN | {"birth_year": 1962, "gender_id": "2", "mobile_number": 9000000001}, (WALK_IN_LANE,)),
    ("register", WALK_IN | {"photo_id_number": "****4821"}, (WALK_IN_LANE,)),
    ("schedule-onspot", SLOT, (ID,)),
    ("schedule-onspot", SLOT | {"beneficiaries": ["1", 2, "1", 2]}, ("1", "2")),
    ("schedule-onspot", SLOT | {"beneficiaries": [str(n) for n in range(LANES_MAX)]}, tuple(str(n) for n in range(LANES_MAX))),
    # whom it concerns is not said
    ("vaccinate", {}, "person-missing"),
    ("vaccinate", [], "person-missing"),
    ("vaccinate", None, "person-missing"),
    ("vaccinate", "48448366834980", "person-missing"),
    ("vaccinate", DOSE | {"beneficiary_reference_id": None}, "person-missing"),
    ("vaccinate", DOSE | {"beneficiary_reference_id": ""}, "person-missing"),
    ("vaccinate", DOSE | {"beneficiary_reference_id": " \t"}, "person-missing"),
    ("vaccinate", DOSE | {"beneficiary_reference_id": True}, "person-missing"),
    ("vaccinate", DOSE | {"beneficiary_reference_id": [ID]}, "person-missing"),
    ("vaccinate", DOSE | {"beneficiary_reference_id": {"id": ID}}, "person-missing"),
    ("register", WALK_IN | {"name": None}, "person-missing"),
    ("register", {**WALK_IN, "name": 7}, "person-missing"),
    ("register", {key: value for key, value in WALK_IN.items() if key != "photo_id_number"}, "person-missing"),
    ("schedule-onspot", SLOT | {"beneficiaries": []}, "person-missing"),
    ("schedule-onspot", SLOT | {"beneficiaries": ID}, "person-missing"),
    ("schedule-onspot", SLOT | {"beneficiaries": [ID, None]}, "person-missing"),
    ("schedule-onspot", SLOT | {"beneficiaries": [ID, [ID]]}, "person-missing"),
    ("schedule-onspot", SLOT | {"beneficiaries": list(range(LANES_MAX + 1))}, "too-many-persons"),
]


@pytest.mark.parametrize(("route", "body", "expected"), LANES)
def test_whom_a_request_concerns(route: str, body: object, expected: tuple[str, ...] | str) -> None:
    assert lanes(route, body) == expected


HOSTILE: Final = [
    # not JSON
    (b"", "body-not-json"),
    (b"beneficiary_reference_id=48448366834980", "body-not-json"),
    (b'{"beneficiary_reference_id":"48448366834980"', "body-not-json"),
    (b'{"beneficiary_reference_id":NaN}', "body-not-json"),
    (b'{"beneficiary_reference_id":-Infinity}', "body-not-json"),
    (b'{"beneficiary_reference_id":1e999}', "body-not-json"),
    (b'{"beneficiary_reference_id":"\xff"}', "body-not-json"),
    (b'{"beneficiary_reference_id":"\\ud800"}', "body-not-json"),
    (b'{"beneficiary_reference_id":"\xed\xa0\x80"}', "body-not-json"),
    (b'{"beneficiary_reference_id":"1"}{"beneficiary_reference_id":"2"}', "body-not-json"),
    ('{"beneficiary_reference_id":"1"}'.encode("utf-16"), "body-not-json"),
    (b"[" * 100_000, "body-not-json"),
    (b"[" * 5000 + b"]" * 5000, "body-not-json"),
    (b'{"a":' * 5000 + b"1" + b"}" * 5000, "body-not-json"),
    (b'{"beneficiary_reference_id":' + b"9" * 5000 + b"}", "body-not-json"),
    # JSON, and nobody's name
    (b"[" * 1000 + b"]" * 1000, "person-missing"),
    (b'{"beneficiary_reference_id":' + b"[" * 1000 + b"]" * 1000 + b"}", "person-missing"),
    # JSON, and somebody's
    (b'{"beneficiary_reference_id":"1","beneficiary_reference_id":"2"}', ("2",)),
    (b'{"beneficiary_reference_id":18446744073709551615}', ("18446744073709551615",)),
    (b'{"beneficiary_reference_id":"1","dose":' + b"[" * 1000 + b"]" * 1000 + b"}", ("1",)),
    (b'{"beneficiary_reference_id":"\\u0000"}', ("\0",)),
]


@pytest.mark.parametrize(("body", "expected"), HOSTILE, ids=lambda value: repr(value)[:40])
def test_hostile_json(body: bytes, expected: tuple[str, ...] | str) -> None:
    assert lanes("vaccinate", body) == expected


def test_where_the_json_breaks_is_said_and_what_stands_there_is_not() -> None:
    found = asked("register", b'{"name": "Lakshmi Nair",\n"mobile_number": 9000000001x}')
    assert found == Inadmissible("body-not-json", "The body is not JSON (line 2, column 28).")


def test_what_is_missing_is_said_in_the_profiles_words() -> None:
    found = asked("vaccinate", {"vaccinator_name": "Prabha Devi"})
    assert isinstance(found, Inadmissible)
    assert "text(body.beneficiary_reference_id)" in found.detail


def test_what_expressions_see_of_a_request() -> None:
    fields = ((b"Accept-Language", b"hi_IN"), (b"X-Note", b"\xe9"))
    assert request_view({"state_id": "5"}, "POST", "a=1&b=&c=%E0%A4%95&a=2&d", fields, [1]) == {
        "method": "POST",
        "path": {"state_id": "5"},
        "query": {"a": "2", "b": "", "c": "क", "d": ""},
        "headers": {"accept-language": "hi_IN", "x-note": "é"},
        "body": [1],
    }


def test_a_lane_may_come_from_path_query_or_header() -> None:
    described = {"name": "a", "method": "PUT", "path": "/of/{id}", "policy": "record", "group": "g", "natural_key": "[path.id]"}
    lane = '[path.id, query.other, headers."x-person"]'
    route = Route.model_validate(described | {"lane": lane, "content": ["x"]})
    found = admit(Match(route, {"id": "1"}), "PUT", "other=2", ((b"X-Person", b"3"),), b"{}")
    assert isinstance(found, Admissible)
    assert found.lanes == ("1", "2", "3")


# By property ----------------------------------------------------------------------------------------------------------------------

json_values: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*DOSE, *WALK_IN, *SLOT, "x"]), inner, max_size=8),
    max_leaves=12,
)
bodies: Final = st.one_of(st.binary(max_size=80), json_values.map(lambda value: json.dumps(value).encode()))
record_routes: Final = st.sampled_from(["vaccinate", "register", "schedule-onspot"])


@given(
    record_routes, bodies, st.text(max_size=20), st.lists(st.tuples(st.binary(max_size=9), st.binary(max_size=9)), max_size=3).map(tuple)
)
def test_no_request_is_an_error_and_lanes_are_texts_that_can_be_hashed(route: str, body: bytes, query: str, fields: Fields) -> None:
    found = asked(route, body, query, fields)
    if isinstance(found, Admissible):
        assert 1 <= len(found.lanes) <= LANES_MAX
        assert len(set(found.lanes)) == len(found.lanes)
        assert {type(lane) for lane in found.lanes} == {str}
        assert all(lane.strip() and lane.encode() for lane in found.lanes)
    else:
        assert found.code in KINDS


@given(st.integers(10**12, 10**14 - 1), st.sampled_from([" ", "", "\n"]))
def test_an_id_is_one_person_as_number_and_as_text(number: int, blank: str) -> None:
    expected = (str(number),)
    assert lanes("vaccinate", {"beneficiary_reference_id": number}) == expected
    assert lanes("vaccinate", {"beneficiary_reference_id": f"{blank}{number}{blank}"}) == expected
    assert lanes("schedule-onspot", {"beneficiaries": [number, str(number)]}) == expected


@given(st.text("क़éख़éK ", min_size=1, max_size=12).filter(str.strip))
def test_a_name_typed_in_other_code_points_is_the_same_person(name: str) -> None:
    typed = {lanes("register", WALK_IN | {"name": unicodedata.normalize(form, name)}) for form in ("NFC", "NFD")}
    assert len(typed) == 1
    assert "person-missing" not in typed


@given(record_routes, st.text("abcdefghijklmnop0123456789 ", min_size=12, max_size=30), st.integers(0, 3))
def test_a_refusal_says_nothing_of_what_was_sent(route: str, secret: str, cut: int) -> None:
    whole = orjson.dumps({"vaccinator_name": secret})
    found = asked(route, whole[: len(whole) - cut])
    assert isinstance(found, Inadmissible)
    assert secret not in found.detail

"""Whether a request can be kept, under which lane, and as which fact."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.profiles.expressions import Expression
from proxy.profiles.load import load_profile
from proxy.profiles.model import Route
from proxy.rules.admission import LANES_MAX, Admissible, Admission, Inadmissible, admit, request_view
from proxy.rules.facts import Facts
from proxy.rules.problems import KINDS
from proxy.rules.routes import Match
from proxy.rules.wire import Fields
from proxy.texts import Text

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


NONE_KNOWN: Final[Mapping[str, str]] = {}


def asked(route: str, body: object, query: str = "", fields: Fields = (), real_ids: Mapping[str, str] = NONE_KNOWN) -> Admission:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return admit(Match(ROUTES[route], {}), "POST", f"{ROUTES[route].path}?{query}", fields, content, real_ids)


def lanes(route: str, body: object) -> tuple[str, ...] | str:
    """Return the lanes, or the code of what is wrong."""
    admission = asked(route, body)
    return admission.facts.lanes if isinstance(admission, Admissible) else admission.code


ID: Final = "48448366834980"
PROVISIONAL: Final = "99000001000012"
DESCRIBED: Final[dict[str, Any]] = {
    "name": "a",
    "method": "PUT",
    "path": "/of/{id}",
    "policy": "record",
    "group": "g",
    "natural_key": "[path.id]",
    "content": ["x"],
}
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


def without(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}


KEYS: Final = [
    # which fact it is, however it is written
    ("vaccinate", DOSE, '["48448366834980","1"]'),
    ("vaccinate", DOSE | {"beneficiary_reference_id": 48448366834980, "dose": " 1 "}, '["48448366834980","1"]'),
    ("vaccinate", DOSE | {"dose": 1.0, "vaccine_batch": None}, '["48448366834980","1"]'),
    ("vaccinate", DOSE | {"dose": 2}, '["48448366834980","2"]'),
    ("register", WALK_IN | {"name": " LAKSHMI  Nair", "birth_year": 1962}, '["9000000001","lakshmi nair","1962","2","4821"]'),
    ("schedule-onspot", SLOT | {"beneficiaries": ["2", 1]}, '["1|2","1","7f9e"]'),
    # it says whom it concerns, and not what is to be recorded
    ("vaccinate", without(DOSE, "dose"), None),
    ("vaccinate", DOSE | {"dose": None}, None),
    ("vaccinate", DOSE | {"dose": " "}, None),
    ("vaccinate", DOSE | {"dose": True}, None),
    ("vaccinate", DOSE | {"dose": [1]}, None),
    ("schedule-onspot", without(SLOT, "session_id"), None),
    ("schedule-onspot", SLOT | {"dose": {}}, None),
]


@pytest.mark.parametrize(("route", "body", "expected"), KEYS)
def test_which_fact_a_request_is(route: str, body: object, expected: str | None) -> None:
    admission = asked(route, body)
    if expected is None:
        assert isinstance(admission, Inadmissible)
        assert admission.code == "fact-missing"
    else:
        assert isinstance(admission, Admissible)
        assert admission.facts.natural_key == expected


def test_what_a_dose_says() -> None:
    assert asked("vaccinate", DOSE) == Admissible(
        Facts(
            (ID,),
            f'["{ID}","1"]',
            '{"center_id":563048,"dose1_date":"23-06-2021","dose2_date":null,"vaccinator_name":"Prabha Devi",'
            '"vaccine":"COVISHIELD","vaccine_batch":"4121Z012"}',
        ),
        request_view({}, "POST", "", (), DOSE),
    )


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
    (b'{"beneficiary_reference_id":"1","dose":1}\0', "body-not-json"),  # `store.file.ends` takes such an end for a lost page
    # JSON, and nobody's name
    (b"[" * 1000 + b"]" * 1000, "person-missing"),
    (b'{"beneficiary_reference_id":' + b"[" * 1000 + b"]" * 1000 + b"}", "person-missing"),
    # JSON, and somebody's, of which nothing is said
    (b'{"beneficiary_reference_id":"1"}', "fact-missing"),
    (b'{"beneficiary_reference_id":"1","dose":' + b"[" * 1000 + b"]" * 1000 + b"}", "fact-missing"),
    # JSON, and a fact that cannot be compared
    (b'{"beneficiary_reference_id":"1","dose":1,"vaccine":' + b"[" * 254 + b"]" * 254 + b"}", "body-not-json"),
    (b'{"beneficiary_reference_id":"1","dose":1,"vaccine":' + b"[" * 1000 + b"]" * 1000 + b"}", "body-not-json"),
    (b'{"beneficiary_reference_id":"1","dose":1,"vaccine":' + b'{"a":' * 1000 + b"1" + b"}" * 1000 + b"}", "body-not-json"),
    # JSON, and somebody's
    (b'{"beneficiary_reference_id":"1","beneficiary_reference_id":"2","dose":1}', ("2",)),
    (b'{"beneficiary_reference_id":18446744073709551615,"dose":1}', ("18446744073709551615",)),
    (b'{"beneficiary_reference_id":"1","dose":1,"x":' + b"[" * 1000 + b"]" * 1000 + b"}", ("1",)),
    (b'{"beneficiary_reference_id":"1","dose":1,"vaccine":' + b"[" * 200 + b"]" * 200 + b"}", ("1",)),
    (b'{"beneficiary_reference_id":"\\u0000","dose":1}', ("\0",)),
]


@pytest.mark.parametrize(("body", "expected"), HOSTILE, ids=lambda value: repr(value)[:40])
def test_hostile_json(body: bytes, expected: tuple[str, ...] | str) -> None:
    assert lanes("vaccinate", body) == expected


@pytest.mark.parametrize(("body", "expected"), HOSTILE, ids=lambda value: repr(value)[:40])
def test_hostile_json_is_no_other_where_somebodys_id_has_become_known(body: bytes, expected: tuple[str, ...] | str) -> None:
    became = {"1": ID, "2": "31205876421109"}
    unconcerned, known = (asked("vaccinate", body, real_ids=real_ids) for real_ids in ({PROVISIONAL: ID}, became))
    if isinstance(expected, str):
        assert unconcerned == known == asked("vaccinate", body)
    else:
        assert isinstance(unconcerned, Admissible)
        assert isinstance(known, Admissible)
        assert unconcerned.facts.lanes == expected
        assert known.facts.lanes == tuple(became.get(lane, lane) for lane in expected)


@pytest.mark.parametrize("real_ids", [NONE_KNOWN, {"1": "2"}])
def test_what_cannot_be_compared_is_said_to_be_so(real_ids: Mapping[str, str]) -> None:
    deep = b'{"beneficiary_reference_id":"1","dose":1,"vaccine":' + b"[" * 300 + b"]" * 300 + b"}"
    assert asked("vaccinate", deep, real_ids=real_ids) == Inadmissible(
        "body-not-json", Text("What the body says of the fact is nested too deeply.")
    )


@pytest.mark.parametrize("deep", [b"[" * 1000 + b"]" * 1000, b'{"a":' * 900 + b"1" + b"}" * 900])
def test_a_profile_may_compare_what_is_deep(deep: bytes) -> None:
    route = Route.model_validate(DESCRIBED | {"lane": "path.id", "natural_key": "[path.id, body.x]"})
    found = admit(Match(route, {"id": "1"}), "PUT", "/of/1", (), b'{"x":' + deep + b"}", {})
    assert isinstance(found, Inadmissible)
    assert found.code == "body-not-json"


def test_where_the_json_breaks_is_said_and_what_stands_there_is_not() -> None:
    found = asked("register", b'{"name": "Lakshmi Nair",\n"mobile_number": 9000000001x}')
    assert found == Inadmissible("body-not-json", Text("The body is not JSON (line {line}, column {column}).", {"line": 2, "column": 28}))


def test_what_is_missing_is_said_in_the_profiles_words() -> None:
    found = asked("vaccinate", {"vaccinator_name": "Prabha Devi"})
    assert found == Inadmissible(
        "person-missing",
        Text(
            "The request does not say whom it concerns: {lane} gives nothing.", {"lane": Expression("text(body.beneficiary_reference_id)")}
        ),
    )


def test_how_many_persons_are_too_many_is_said() -> None:
    found = asked("schedule-onspot", SLOT | {"beneficiaries": list(range(65))})
    assert found == Inadmissible(
        "too-many-persons", Text("The request concerns {count} persons; at most {most} fit one record.", {"count": 65, "most": 64})
    )


def test_what_is_missing_of_the_fact_is_said_in_the_profiles_words() -> None:
    found = asked("vaccinate", without(DOSE, "dose"))
    assert found == Inadmissible(
        "fact-missing",
        Text(
            "The request does not say what is to be recorded: {key} lacks a part.",
            {"key": Expression("[text(body.beneficiary_reference_id), text(body.dose)]")},
        ),
    )


def test_the_person_is_asked_for_first() -> None:
    assert lanes("vaccinate", without(DOSE, "beneficiary_reference_id")) == "person-missing"
    assert lanes("schedule-onspot", {"beneficiaries": list(range(65))}) == "too-many-persons"


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
    lane = '[path.id, query.other, headers."x-person"]'
    route = Route.model_validate(DESCRIBED | {"lane": lane})
    found = admit(Match(route, {"id": "1"}), "PUT", "/of/1?other=2", ((b"X-Person", b"3"),), b"{}", {})
    assert isinstance(found, Admissible)
    assert found.facts.lanes == ("1", "2", "3")


# Ids that have become known -------------------------------------------------------------------------------------------------------


def test_a_fact_is_told_by_the_real_id_and_the_receipt_sees_the_clients_own_words() -> None:
    provisional = DOSE | {"beneficiary_reference_id": PROVISIONAL}
    told, real = asked("vaccinate", provisional, real_ids={PROVISIONAL: ID}), asked("vaccinate", DOSE)
    assert isinstance(told, Admissible)
    assert isinstance(real, Admissible)
    assert told.facts == real.facts
    assert told.view["body"] == provisional


def test_an_id_that_is_not_known_yet_stands_for_the_person() -> None:
    found = asked("vaccinate", DOSE | {"beneficiary_reference_id": PROVISIONAL}, real_ids={"99000001000020": ID})
    assert isinstance(found, Admissible)
    assert found.facts.lanes == (PROVISIONAL,)
    assert found.facts.natural_key == f'["{PROVISIONAL}","1"]'


def test_two_ids_of_one_person_are_one_lane() -> None:
    found = asked("schedule-onspot", SLOT | {"beneficiaries": [int(PROVISIONAL), "7", ID]}, real_ids={PROVISIONAL: ID})
    assert isinstance(found, Admissible)
    assert found.facts.lanes == (ID, "7")


def test_an_id_outside_the_slots_stays() -> None:
    found = asked("vaccinate", DOSE | {"vaccine_batch": PROVISIONAL}, real_ids={PROVISIONAL: ID})
    assert isinstance(found, Admissible)
    assert orjson.loads(found.facts.content)["vaccine_batch"] == PROVISIONAL


IN_TARGET: Final = [
    # slots, id in the path, target, whom it then concerns
    (["path.id"], PROVISIONAL, f"/of/{PROVISIONAL}?p={PROVISIONAL}", (ID, PROVISIONAL)),
    (["path.id"], f" {PROVISIONAL}", f"/api/of/%20{PROVISIONAL}?p=7", (ID, "7")),
    (["query.p"], PROVISIONAL, f"/of/{PROVISIONAL}?p={PROVISIONAL}", (PROVISIONAL, ID)),
    (["query.p"], "7", "/of/7?p=%399000001000012", ("7", ID)),
    (["path.id", "query.p"], PROVISIONAL, f"/of/{PROVISIONAL}?p={PROVISIONAL}", (ID,)),
    (["body.p"], PROVISIONAL, f"/of/{PROVISIONAL}?p=7", (PROVISIONAL, "7")),
]


@pytest.mark.parametrize(("slots", "in_path", "target", "expected"), IN_TARGET)
@pytest.mark.parametrize("body", [b"{}", f'{{"p":"{PROVISIONAL}"}}'.encode()])
def test_a_fact_is_told_by_the_real_id_in_path_and_query_too(
    slots: list[str], in_path: str, target: str, expected: tuple[str, ...], body: bytes
) -> None:
    route = Route.model_validate(DESCRIBED | {"lane": "[path.id, query.p]", "natural_key": "[path.id, query.p]", "slots": slots})
    found = admit(Match(route, {"id": in_path}), "PUT", target, (), body, {PROVISIONAL: ID})
    assert isinstance(found, Admissible)
    assert found.facts.lanes == expected
    assert tuple(dict.fromkeys(orjson.loads(found.facts.natural_key or ""))) == expected
    assert found.view == request_view({"id": in_path}, "PUT", target.partition("?")[2], (), orjson.loads(body)), "the client's own words"


# By property ----------------------------------------------------------------------------------------------------------------------

json_values: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*DOSE, *WALK_IN, *SLOT, "x"]), inner, max_size=8),
    max_leaves=12,
)
bodies: Final = st.one_of(st.binary(max_size=80), json_values.map(lambda value: json.dumps(value).encode()))
record_routes: Final = st.sampled_from(["vaccinate", "register", "schedule-onspot"])


short_texts: Final = st.text("01 9é", max_size=3)


@given(
    record_routes,
    bodies,
    st.text(max_size=20),
    st.lists(st.tuples(st.binary(max_size=9), st.binary(max_size=9)), max_size=3).map(tuple),
    st.dictionaries(short_texts, short_texts.filter(str.strip), max_size=3),
)
@example("vaccinate", json.dumps(DOSE).encode(), "", (), {ID: PROVISIONAL})
@example("register", json.dumps(WALK_IN).encode(), "", (), {ID: PROVISIONAL})
@example("schedule-onspot", json.dumps(SLOT).encode(), "", (), {ID: PROVISIONAL})
def test_no_request_is_an_error_and_facts_are_texts_that_can_be_hashed(
    route: str, body: bytes, query: str, fields: Fields, real_ids: dict[str, str]
) -> None:
    found = asked(route, body, query, fields, real_ids)
    if isinstance(found, Admissible):
        lanes = found.facts.lanes
        assert 1 <= len(lanes) <= LANES_MAX
        assert len(set(lanes)) == len(lanes)
        assert {type(lane) for lane in lanes} == {str}
        assert all(lane.strip() and lane.encode() for lane in lanes)
        assert found.facts.natural_key
        assert found.facts.natural_key.encode()
        assert set(orjson.loads(found.facts.content)) == set(ROUTES[route].content or ())
        assert found.view["body"] == orjson.loads(body)
    else:
        assert found.code in KINDS


@given(st.integers(10**12, 10**14 - 1), st.sampled_from([" ", "", "\n"]))
def test_an_id_is_one_person_as_number_and_as_text(number: int, blank: str) -> None:
    expected = (str(number),)
    assert lanes("vaccinate", DOSE | {"beneficiary_reference_id": number}) == expected
    assert lanes("vaccinate", DOSE | {"beneficiary_reference_id": f"{blank}{number}{blank}"}) == expected
    assert lanes("schedule-onspot", SLOT | {"beneficiaries": [number, str(number)]}) == expected


@given(st.integers(10**12, 10**14 - 1), st.sampled_from([" ", "", "\n"]))
def test_a_provisional_id_is_known_again_as_number_and_as_text(number: int, blank: str) -> None:
    for written in (number, f"{blank}{number}{blank}"):
        found = asked("vaccinate", DOSE | {"beneficiary_reference_id": written}, real_ids={str(number): ID})
        assert isinstance(found, Admissible)
        assert found.facts.lanes == (ID,)
        assert found.facts.natural_key == f'["{ID}","1"]'


@given(st.text("क़éख़éK ", min_size=1, max_size=12).filter(str.strip))
def test_a_name_typed_in_other_code_points_is_the_same_person(name: str) -> None:
    typed = {lanes("register", WALK_IN | {"name": unicodedata.normalize(form, name)}) for form in ("NFC", "NFD")}
    assert len(typed) == 1
    assert "person-missing" not in typed


@given(record_routes, st.text("abcdefghijklmnop0123456789 ", min_size=12, max_size=30), st.integers(0, 3))
def test_a_refusal_says_nothing_of_what_was_sent(route: str, secret: str, cut: int) -> None:
    for whole in (orjson.dumps({"vaccinator_name": secret}), orjson.dumps({"vaccinator_name": secret, "beneficiary_reference_id": secret})):
        for real_ids in (NONE_KNOWN, {secret.strip(): secret}):
            found = asked(route, whole[: len(whole) - cut], real_ids=real_ids)
            assert isinstance(found, Inadmissible)
            assert secret not in found.detail.said()

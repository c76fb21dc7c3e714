"""What a client gets for a record that is kept but not confirmed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.profiles.load import load_profile
from proxy.profiles.model import Receipt
from proxy.rules.admission import request_view
from proxy.rules.receipt import ReceiptAnswer, receipt
from proxy.rules.telling import standing
from store.records import RecordState

ROUTES: Final = {route.name: route for route in load_profile("cowin-vaccinator", Path()).routes}

ID: Final = "01F8MECHZX3TBDSZ7XRADM79XE"
LOCATION: Final = f"/.dosekeeper/records/{ID}"


SAID: Final = standing(RecordState.PENDING, 41).said()

PROVISIONAL: Final = "99000001000012"


def given_for(
    declared: Receipt | None, body: object, state: RecordState = RecordState.PENDING, provisional_id: str | None = None
) -> ReceiptAnswer:
    return receipt(declared, request_view({}, "POST", "", (), body), ID, 41, state, provisional_id)


def declared(**keys: object) -> Receipt:
    return Receipt.model_validate({"body": "request.body"} | keys)


def test_a_route_that_declares_none_gets_our_own() -> None:
    made = given_for(None, {"name": "Lakshmi Nair"}, RecordState.SENDING)
    assert made.status == 202
    assert dict(made.fields) == {
        "Dosekeeper-Record": ID,
        "Dosekeeper-State": "sending",
        "Location": LOCATION,
        "Content-Type": "application/json",
        "Content-Language": "en",
    }
    assert json.loads(made.body) == {
        "offline_mode": 1,
        "record": {"id": ID, "number": 41, "state": "sending", "message": SAID, "provisional_id": None},
    }


def test_our_own_receipt_names_the_id_that_stands_in_for_the_persons() -> None:
    made = given_for(None, {"name": "Lakshmi Nair"}, provisional_id=PROVISIONAL)
    assert json.loads(made.body) == {
        "offline_mode": 1,
        "record": {"id": ID, "number": 41, "state": "pending", "message": SAID, "provisional_id": PROVISIONAL},
    }


def test_a_registration_is_answered_in_cowins_shape_with_the_provisional_id() -> None:
    made = given_for(ROUTES["register"].receipt, {"name": "Lakshmi Nair"}, provisional_id=PROVISIONAL)
    assert made.status == 200
    assert dict(made.fields) == {
        "Dosekeeper-Record": ID,
        "Dosekeeper-State": "pending",
        "Content-Type": "application/json",
        "Content-Language": "en",
    }
    assert json.loads(made.body) == {
        "beneficiary_reference_id": PROVISIONAL,
        "offline_mode": 1,
        "record": {"id": ID, "number": 41, "state": "pending", "message": SAID},
    }


def test_a_registration_without_an_id_is_not_answered_as_if_it_had_one() -> None:
    assert json.loads(given_for(ROUTES["register"].receipt, {"name": "Lakshmi Nair"}).body) == OWN_BODY


def test_a_profile_may_tell_the_provisional_id_in_a_header_field() -> None:
    made = given_for(declared(status=201, headers={"ETag": "record.provisional_id"}), {}, provisional_id=PROVISIONAL)
    assert dict(made.fields)["ETag"] == PROVISIONAL
    assert "ETag" not in dict(given_for(declared(status=201, headers={"ETag": "record.provisional_id"}), {}).fields)


@pytest.mark.parametrize("state", RecordState)
def test_the_receipt_says_where_the_record_stands(state: RecordState) -> None:
    for made in (given_for(None, {}, state), given_for(ROUTES["vaccinate"].receipt, {}, state)):
        assert dict(made.fields)["Dosekeeper-State"] == state.value
        assert json.loads(made.body)["record"]["state"] == state.value


def test_a_dose_is_answered_in_cowins_shape_and_said_to_be_unconfirmed() -> None:
    made = given_for(
        ROUTES["vaccinate"].receipt, {"beneficiary_reference_id": "48448366834980", "dose": 1, "vaccinator_name": "Prabha Devi"}
    )
    assert made.status == 200
    assert dict(made.fields) == {
        "Dosekeeper-Record": ID,
        "Dosekeeper-State": "pending",
        "Content-Type": "application/json",
        "Content-Language": "en",
    }
    assert json.loads(made.body) == {
        "beneficiary_reference_id": "48448366834980",
        "dose": 1,
        "offline_mode": 1,
        "record": {"id": ID, "number": 41, "state": "pending", "message": SAID},
    }


def test_a_slot_gets_no_confirmation_number() -> None:
    made = given_for(ROUTES["schedule-onspot"].receipt, {"beneficiaries": ["1"], "session_id": "7f9e", "slot": "09:00AM"})
    assert set(json.loads(made.body)) == {"beneficiaries", "session_id", "slot", "offline_mode", "record"}


def test_with_a_202_the_location_is_ours_with_any_other_status_the_profiles() -> None:
    headers = {"location": "request.body.id", "ETag": "record.id"}
    assert dict(given_for(declared(status=202, headers=headers), {"id": "/Immunization/7"}).fields)["Location"] == LOCATION
    fields = dict(given_for(declared(status=201, headers=headers), {"id": "/Immunization/7"}).fields)
    assert fields["location"] == "/Immunization/7"
    assert fields["ETag"] == ID


def test_the_profiles_content_type_counts_and_our_names_are_ours() -> None:
    headers = {"content-type": "'application/fhir+json'", "dosekeeper-state": "'delivered'"}
    assert given_for(declared(headers=headers), {}).fields == (
        ("Dosekeeper-Record", ID),
        ("Dosekeeper-State", "pending"),
        ("content-type", "application/fhir+json"),
        ("Content-Language", "en"),
    )


HEADER_VALUES: Final = [
    ("W/7", "W/7"),
    (7, "7"),
    ("two words", "two words"),
    (None, None),
    ("", None),
    (" 7", None),
    ("7\r\nSet-Cookie: a=b", None),
    ("7\n", None),
    ("7\0", None),
    ("क", None),
    ([7], None),
    ({"id": 7}, None),
    (7.5, None),
]


@pytest.mark.parametrize(("value", "expected"), HEADER_VALUES)
def test_nothing_of_a_request_breaks_out_of_a_header_field(value: object, expected: str | None) -> None:
    made = given_for(declared(status=201, headers={"ETag": "request.body"}), value)
    assert dict(made.fields).get("ETag") == expected


OWN_BODY: Final = {"offline_mode": 1, "record": {"id": ID, "number": 41, "state": "pending", "message": SAID, "provisional_id": None}}


@pytest.mark.parametrize("dose", [b"[" * 300 + b"]" * 300, b"[" * 1000 + b"]" * 1000, b'{"a":' * 600 + b"1" + b"}" * 600])
def test_a_kept_record_has_a_receipt_however_deep_its_request(dose: bytes) -> None:
    request = orjson.loads(b'{"beneficiary_reference_id":"1","dose":' + dose + b"}")
    made = given_for(ROUTES["vaccinate"].receipt, request)
    assert made.status == 200
    assert json.loads(made.body) == OWN_BODY


def test_where_the_profile_finds_nothing_to_say_our_own_words_stand() -> None:
    assert json.loads(given_for(declared(body="request.body.nothing"), {"x": 1}).body) == OWN_BODY
    assert json.loads(given_for(declared(body="join('-', request.body)"), [1]).body) == OWN_BODY


json_values: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["dose", "beneficiaries", "slot", "x"]), inner, max_size=4),
    max_leaves=10,
)


@given(
    json_values,
    st.sampled_from(["vaccinate", "register", "schedule-onspot"]),
    st.sampled_from([RecordState.PENDING, RecordState.SENDING]),
    st.sampled_from([None, PROVISIONAL]),
)
def test_every_request_has_a_receipt_that_names_its_record_and_does_not_say_delivered(
    body: Any, route: str, state: RecordState, provisional_id: str | None
) -> None:
    made = given_for(ROUTES[route].receipt, body, state, provisional_id)
    told = json.loads(made.body)
    own = route == "register" and provisional_id is None
    assert told["record"] == {"id": ID, "number": 41, "state": state.value, "message": standing(state, 41).said()} | (
        {"provisional_id": None} if own else {}
    )
    assert told["offline_mode"] == 1
    if route == "register":
        assert told.get("beneficiary_reference_id") == provisional_id
    assert dict(made.fields)["Dosekeeper-Record"] == ID
    assert (made.status == 202) == ("Location" in dict(made.fields))
    assert len({name.lower() for name, _ in made.fields}) == len(made.fields)


def test_who_reads_hindi_is_told_in_hindi_and_a_header_field_stays_ascii() -> None:
    other = "The first dose was of another vaccine: check before the dose is given."
    made = receipt(None, request_view({}, "POST", "", (), {}), ID, 41, RecordState.PENDING, None, (other, "A text of their own."), "hi")
    body, fields = json.loads(made.body), dict(made.fields)
    assert body["record"]["message"] == standing(RecordState.PENDING, 41).said("hi") != SAID
    assert "41" in body["record"]["message"]
    assert body["warnings"] == ["पहली डोज़ दूसरे टीके की थी: डोज़ देने से पहले जांच लें।", "A text of their own."]
    assert (fields["Content-Language"], fields["Dosekeeper-Warning"]) == ("hi", f"{other} | A text of their own.")

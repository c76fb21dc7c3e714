"""What the profile fhir-r4 says of requests and answers: no sockets."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from proxy.profiles.load import load_profile
from proxy.profiles.model import Policy
from proxy.rules.admission import Admissible, Admission, admit
from proxy.rules.outcome import OutcomeKind, classify
from proxy.rules.routes import RouteTable
from proxy.rules.wire import Answer

PROFILE: Final = load_profile("fhir-r4", Path())
ROUTES: Final = RouteTable(PROFILE.routes)
FHIR: Final = "application/fhir+json; charset=utf-8"
NOW: Final = datetime(2026, 11, 23, tzinfo=UTC)

DOSE: Final[dict[str, Any]] = {
    "resourceType": "Immunization",
    "identifier": [{"system": "urn:d", "value": "1"}],
    "status": "completed",
    "vaccineCode": {"text": "COVISHIELD"},
    "patient": {"reference": "Patient/4711"},
    "occurrenceDateTime": "2026-11-23T10:12:00+05:30",
    "protocolApplied": [{"doseNumberPositiveInt": 1}],
}
PERSON: Final[dict[str, Any]] = {
    "resourceType": "Patient",
    "name": [{"given": ["Lakshmi", "Devi"], "family": "Nair"}],
    "birthDate": "1962-05-01",
}


def asked(path: str, body: object, method: str = "POST") -> Admission:
    match = ROUTES.match(method, path)
    assert match is not None
    return admit(match, method, path, (), json.dumps(body).encode(), {})


def facts(path: str, body: object, method: str = "POST") -> tuple[Any, Any]:
    admission = asked(path, body, method)
    assert isinstance(admission, Admissible), admission
    return admission.facts.lanes, admission.facts.natural_key and json.loads(admission.facts.natural_key)


@pytest.mark.parametrize(
    ("changed", "lane", "key"),
    [
        ({}, "4711", ["4711", "covishield", "1", "completed"]),
        ({"patient": {"reference": "http://h/fhir/Patient/4711"}}, "4711", ["4711", "covishield", "1", "completed"]),
        ({"patient": {"identifier": {"system": "urn:p", "value": "9"}}}, "urn:p|9", ["9", "covishield", "1", "completed"]),
        ({"vaccineCode": {"coding": [{"code": "207"}]}}, "4711", ["4711", "207", "1", "completed"]),
        ({"protocolApplied": [{"doseNumberString": "booster"}]}, "4711", ["4711", "covishield", "booster", "completed"]),
        ({"protocolApplied": None}, "4711", ["4711", "covishield", "2026-11-23", "completed"]),
        ({"status": "not-done"}, "4711", ["4711", "covishield", "1", "not-done"]),
    ],
)
def test_whom_a_dose_concerns_and_which_fact_it_is(changed: dict[str, Any], lane: str, key: list[str]) -> None:
    assert facts("/Immunization", DOSE | changed) == ((lane,), key)


@pytest.mark.parametrize("missing", ["patient", "vaccineCode", "status"])
def test_a_dose_that_lacks_a_part_is_not_kept(missing: str) -> None:
    assert not isinstance(asked("/Immunization", {name: value for name, value in DOSE.items() if name != missing}), Admissible)


def test_a_person_is_known_again_by_identifier_or_by_name_and_birth() -> None:
    assert facts("/Patient", PERSON) == (("lakshmi devi nair 1962-05-01",), ["lakshmi devi nair", "1962-05-01", "-", "-"])
    assert facts("/Patient", PERSON | {"identifier": [{"system": "urn:p", "value": "9"}]}) == (("urn:p|9",), ["urn:p", "9"])


def test_an_update_is_in_the_lanes_of_person_and_resource_and_is_never_another_ones_fact() -> None:
    assert facts("/Immunization/7", DOSE | {"id": "7"}, "PUT") == (("4711", "7"), None)


def test_a_transaction_is_in_the_lanes_of_all() -> None:
    entries = [
        {"resource": DOSE, "request": {"method": "POST", "url": "Immunization"}},
        {"resource": PERSON, "fullUrl": "urn:uuid:1", "request": {"method": "POST", "url": "Patient"}},
        {
            "resource": {"resourceType": "Observation", "subject": {"reference": "Patient/8"}},
            "request": {"method": "POST", "url": "Observation"},
        },
        {
            "resource": PERSON | {"id": "9", "identifier": [{"system": "urn:p", "value": "1"}]},
            "request": {"method": "PUT", "url": "Patient/9"},
            "fullUrl": "urn:uuid:2",
        },
    ]
    lanes, _ = facts("/", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert set(lanes) == {"4711", "8", "9", "lakshmi devi nair 1962-05-01", "urn:p|1"}


OUTCOME: Final = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "invalid"}]}
CREATED: Final = {"resourceType": "Immunization", "id": "7"}


@pytest.mark.parametrize(
    ("path", "status", "body", "kind", "maybe"),
    [
        ("/Immunization", 201, CREATED, OutcomeKind.ACCEPTED, True),
        ("/Immunization", 201, None, OutcomeKind.ACCEPTED, True),
        ("/Immunization", 201, {"resourceType": "Immunization"}, OutcomeKind.UNKNOWN, True),
        ("/Immunization", 201, {"ok": True}, OutcomeKind.UNKNOWN, True),
        ("/Immunization", 200, CREATED, OutcomeKind.ALREADY_RECORDED, True),
        ("/Immunization", 200, {"logged": "out"}, OutcomeKind.UNKNOWN, True),
        ("/Immunization", 412, OUTCOME, OutcomeKind.REFUSED, False),
        ("/Immunization", 422, OUTCOME, OutcomeKind.REFUSED, False),
        ("/Immunization", 422, {"message": "no"}, OutcomeKind.UNKNOWN, True),
        ("/Immunization", 401, OUTCOME, OutcomeKind.AUTH, False),
        ("/Immunization", 403, {"resourceType": "OperationOutcome", "issue": [{"code": "forbidden"}]}, OutcomeKind.AUTH, False),
        ("/Immunization", 403, OUTCOME, OutcomeKind.REFUSED, False),
        ("/Immunization", 503, OUTCOME, OutcomeKind.UNAVAILABLE, True),
        ("/Immunization", 504, OUTCOME, OutcomeKind.UNKNOWN, True),
        ("/", 200, {"resourceType": "Bundle", "type": "transaction-response"}, OutcomeKind.ACCEPTED, True),
        ("/", 200, {"resourceType": "Bundle", "type": "searchset"}, OutcomeKind.UNKNOWN, True),
    ],
)
def test_what_an_answer_means(path: str, status: int, body: object, kind: OutcomeKind, maybe: bool) -> None:
    match = ROUTES.match("POST", path)
    assert match is not None
    fields = ((b"Content-Type", FHIR.encode()), (b"Location", b"http://h/fhir/Immunization/7/_history/1"))
    outcome = classify(
        Answer(status, "", fields, b"" if body is None else json.dumps(body).encode()), PROFILE.answers_of(match.route), None, NOW
    )
    assert (outcome.kind, outcome.maybe_applied) == (kind, maybe)


@pytest.mark.parametrize(
    ("method", "path", "route", "policy"),
    [
        ("POST", "/", "transaction", Policy.RECORD),
        ("POST", "/Observation", "create-other", Policy.PASS),
        ("POST", "/Immunization/_search", "search-by-post", Policy.PASS),
        ("GET", "/Immunization", "search-immunizations", Policy.READ),
        ("GET", "/Immunization/7", "read", Policy.READ),
        ("GET", "/metadata", "capabilities", Policy.READ),
        ("PUT", "/Observation/7", "update-other", Policy.PASS),
        ("DELETE", "/Immunization/7", "delete", Policy.PASS),
    ],
)
def test_which_route_a_request_is_on(method: str, path: str, route: str, policy: Policy) -> None:
    match = ROUTES.match(method, path)
    assert match is not None
    assert (match.route.name, match.route.policy) == (route, policy)

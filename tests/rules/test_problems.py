"""The errors of our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.profiles.expressions import Expression
from proxy.profiles.load import load_profile
from proxy.profiles.model import ErrorText
from proxy.rules.admission import Inadmissible, admit
from proxy.rules.problems import KINDS, problem
from proxy.rules.routes import Match
from proxy.texts import Text

COWIN: Final = load_profile("cowin-vaccinator", Path())

STATUSES: Final = {
    "body-not-json": 400,
    "person-missing": 400,
    "too-many-persons": 400,
    "fact-missing": 400,
    "key-malformed": 400,
    "key-reused": 422,
    "recorded-otherwise": 409,
    "waits-for-correction": 409,
    "not-taken": 422,
    "person-unknown": 422,
    "person-not-registered-yet": 503,
    "body-too-large": 413,
    "body-incomplete": 400,
    "too-slow": 408,
    "too-many-connections": 503,
    "too-many-listeners": 503,
    "head-too-large": 431,
    "target-too-long": 414,
    "request-malformed": 400,
    "version-not-served": 505,
    "coding-not-served": 501,
    "failed": 500,
    "cannot-record": 507,
    "under-way": 409,
    "passed-on": 409,
    "server-down": 503,
    "server-no-answer": 504,
    "server-unreachable": 502,
    "not-known": 401,
    "credential-missing": 503,
    "denied": 403,
    "method-not-served": 405,
    "path-not-served": 400,
    "no-such-record": 404,
    "no-such-page": 404,
}


def test_every_kind_has_its_status() -> None:
    assert {code: int(kind.status) for code, kind in KINDS.items()} == STATUSES


@pytest.mark.parametrize("code", KINDS)
def test_a_problem_says_what_happened_and_what_to_do_now(code: str) -> None:
    made = problem(code, Text("It happened."), {})
    kind = KINDS[code]
    assert made.status == STATUSES[code]
    assert json.loads(made.body()) == {
        "type": f"urn:dosekeeper:problem:{code}",
        "title": kind.title,
        "status": STATUSES[code],
        "detail": f"It happened. {kind.next_step}",
    }
    assert kind.next_step


NOT_RECORDED: Final = [
    "body-not-json",
    "body-too-large",
    "body-incomplete",
    "person-missing",
    "too-many-persons",
    "fact-missing",
    "key-malformed",
    "key-reused",
    "recorded-otherwise",
    "waits-for-correction",
    "person-unknown",
    "cannot-record",
    "under-way",
    "passed-on",
]


@pytest.mark.parametrize("code", NOT_RECORDED)
def test_what_was_not_recorded_is_said_to_be_so_in_the_title(code: str) -> None:
    assert KINDS[code].title.startswith("Not recorded")


def test_unmodified_desk_software_shows_use_paper() -> None:
    body = json.loads(problem("cannot-record", Text("The journal cannot be written."), COWIN.error_members).body())
    assert body["errorCode"] == "cannot-record"
    assert body["error"] == body["detail"]
    assert "paper" in body["title"]
    assert "paper" in body["error"]


def test_who_sends_other_content_is_told_how_to_insist() -> None:
    record = {"id": "01F8MECHZX3TBDSZ7XRADM79XE", "number": 41, "state": "delivered"}
    body = json.loads(problem("recorded-otherwise", Text("Record 41."), COWIN.error_members, record=record).body())
    assert body["record"] == record
    assert body["detail"].startswith("Record 41. ")
    assert "Dosekeeper-Override" in body["error"]


def test_what_waits_for_correction_says_whom_to_tell() -> None:
    body = json.loads(problem("waits-for-correction", Text("Record 41."), COWIN.error_members).body())
    assert body["error"].startswith("Record 41. ")
    assert "dosekeeper records show" in body["error"]


def test_who_is_not_registered_yet_can_be_vaccinated_meanwhile() -> None:
    made = problem("person-not-registered-yet", Text("The id is provisional."), COWIN.error_members, retry_after_s=60)
    assert made.retry_after_s == 60
    assert "doses can be recorded" in json.loads(made.body())["error"]


def test_further_members_and_retry_after() -> None:
    made = problem("server-down", Text("It does not answer."), {}, retry_after_s=5, group="vaccinator")
    assert json.loads(made.body())["group"] == "vaccinator"
    assert made.retry_after_s == 5
    assert problem("denied", Text("Route wipe."), {}).retry_after_s is None


member_names: Final = st.text(min_size=1, max_size=10).filter(lambda name: name not in ("type", "title", "status", "detail"))


@given(st.sampled_from(sorted(KINDS)), st.dictionaries(member_names, st.sampled_from(ErrorText), max_size=5))
def test_every_member_the_clients_look_for_is_filled(code: str, members: dict[str, ErrorText]) -> None:
    body = json.loads(problem(code, Text("It happened."), members).body())
    filled = {ErrorText.CODE: code, ErrorText.TITLE: body["title"], ErrorText.DETAIL: body["detail"]}
    assert {name: body[name] for name in members} == {name: filled[text] for name, text in members.items()}
    assert body["status"] == STATUSES[code]


@given(st.text("abcdefghijklmnop0123456789", min_size=12, max_size=30), st.integers(0, 2))
def test_nothing_of_a_request_stands_in_the_problem_that_it_is_told(secret: str, cut: int) -> None:
    body = orjson.dumps({"vaccinator_name": secret, secret: "1"})
    route = next(route for route in COWIN.routes if route.name == "vaccinate")
    for extra in (b"", b"0", orjson.dumps({"beneficiary_reference_id": secret, "vaccinator_name": secret})):
        for real_ids in ({}, {secret: secret}):
            content = extra or body
            target, fields = f"/{secret}?q={secret}", ((b"X-Note", secret.encode()),)
            found = admit(Match(route, {"id": secret}), "POST", target, fields, content[: len(content) - cut], real_ids)
            assert isinstance(found, Inadmissible)
            assert secret.encode() not in problem(found.code, found.detail, COWIN.error_members).body()


def test_errors_that_are_not_flat() -> None:
    shape = Expression("{resourceType: 'OperationOutcome', issue: [{diagnostics: detail, details: {text: title}}]}")
    body = orjson.loads(problem("denied", Text("Route x."), shape).body())
    assert (body["status"], body["resourceType"]) == (403, "OperationOutcome")
    assert body["issue"] == [{"diagnostics": body["detail"], "details": {"text": body["title"]}}]
    assert "issue" not in orjson.loads(problem("denied", Text("Route x."), Expression("title")).body()), "no object: left out"


@pytest.mark.parametrize("code", KINDS)
def test_in_hindi_it_is_the_same_problem_in_other_words(code: str) -> None:
    made = problem(code, Text("Record {number}.", {"number": 41}), {"error": ErrorText.DETAIL}, record={"number": 41})
    english, hindi = json.loads(made.body()), json.loads(made.body("hi"))
    assert {name for name, value in english.items() if hindi[name] != value} == {"title", "detail", "error"}
    assert hindi["detail"].startswith("रिकॉर्ड 41। ")
    assert hindi["error"] == hindi["detail"]

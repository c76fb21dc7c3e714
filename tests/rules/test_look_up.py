from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import orjson
import pytest

from proxy.profiles.model import Answers, LookUp
from proxy.rules.look_up import Finding, Found, Unsent, judge, needs_look_up, question, settle_left_s
from proxy.rules.outcome import classify
from proxy.rules.wire import Answer, Exchange, Failure, FailureKind

HOUR: Final = 3_600_000
NOON: Final = 1_627_626_600_000
AFTER_S: Final = 12 * 3600.0

LOOK_UP = LookUp.model_validate(
    {
        "path": "/find",
        "query": {"person": "request.body.person", "dose": "text(request.body.dose)"},
        "candidates": "body.doses",
        "same": "candidate.day == request.body.day",
        "other": "candidate.day != `null`",
        "none": "status == `404` && body.error == 'none'",
    }
)
ISSUING = LOOK_UP.model_copy(update={"id": LookUp.model_validate({**LOOK_UP.model_dump(), "id": "candidate.id"}).id})
ANSWERS = Answers.model_validate({"accepted": "status == `200`", "own_error": "body.error"})
REQUEST: Final = {"body": {"person": "48448366834980", "dose": 1, "day": "2021-07-30"}}


def answer(status: int, body: object, content_type: bytes = b"application/json") -> Answer:
    return Answer(status, "", ((b"Content-Type", content_type),), orjson.dumps(body))


def judged(exchange: Exchange, look_up: LookUp = LOOK_UP) -> Finding:
    return judge(look_up, REQUEST, exchange, classify(exchange, ANSWERS, "error", datetime.now(UTC)))


def found(*days: str | None, look_up: LookUp = LOOK_UP, **more: object) -> Found:
    return judged(answer(200, {"doses": [{"day": day, **more} for day in days]}), look_up).found


OURS, OTHERS = "2021-07-30", "2021-06-23"


@pytest.mark.parametrize(
    ("days", "what"),
    [
        ((OURS,), Found.THERE),
        ((OTHERS, None, OURS), Found.THERE),
        ((OURS, OURS), Found.AMBIGUOUS),
        ((OTHERS,), Found.OTHER_CONTENT),
        ((None, OTHERS), Found.OTHER_CONTENT),
        ((None,), Found.NOT_THERE),
        ((), Found.NOT_THERE),
    ],
)
def test_what_is_among_the_candidates(days: tuple[str | None, ...], what: Found) -> None:
    assert found(*days) is what


def test_the_upstreams_own_none_is_not_there() -> None:
    assert judged(answer(404, {"error": "none"})) == Finding(Found.NOT_THERE, "looked up: none")


@pytest.mark.parametrize(
    "exchange",
    [
        Failure(FailureKind.REFUSED, sent=False),
        Failure(FailureKind.TIMEOUT, sent=True),
        answer(404, {"error": "another"}),
        answer(404, {"message": "none"}),
        answer(404, {"error": "none"}, b"text/html"),
        answer(200, {"doses": []}, b"text/html"),
        answer(200, {"doses": None}),
        answer(200, {"items": []}),
        answer(200, [{"day": OURS}]),
        answer(200, {"doses": {"day": OURS}}),
        answer(201, {"doses": [{"day": OURS}]}),
        answer(429, {"error": "none"}),
        answer(500, {"error": "none"}),
        answer(503, {"doses": []}),
        answer(504, {"message": "Endpoint request timed out"}),
        Answer(200, "", ((b"Content-Type", b"application/json"),), b'{"doses":[{"day":"2021-07-30"}'),
        Answer(200, "", (), b""),
    ],
)
def test_what_says_nothing_is_asked_again(exchange: Exchange) -> None:
    assert judged(exchange).found is Found.FAILED


def test_why_it_failed_is_told_without_personal_data() -> None:
    assert judged(answer(504, {"message": "48448366834980"})).reason == "look-up failed: unknown http_504"
    assert judged(answer(404, {"error": "E17"})).reason == "look-up failed: refused http_404 E17"


@pytest.mark.parametrize(("id_", "real_id"), [("48448366834980", "48448366834980"), (48448366834980, "48448366834980"), (" 7 ", "7")])
def test_the_real_id_is_learnt(id_: object, real_id: str) -> None:
    assert judged(answer(200, {"doses": [{"day": OURS, "id": id_}]}), ISSUING) == Finding(Found.THERE, "looked up: there", real_id)


@pytest.mark.parametrize("id_", [None, "", " ", True, [], {"x": 1}])
def test_one_that_is_there_without_its_id_is_for_a_person(id_: object) -> None:
    assert found(OURS, look_up=ISSUING, id=id_) is Found.AMBIGUOUS


def test_without_an_expression_for_other_content_there_is_none() -> None:
    assert found(OTHERS, look_up=LOOK_UP.model_copy(update={"other": None})) is Found.NOT_THERE


@pytest.mark.parametrize(
    ("body", "target"),
    [
        ({"person": "48448366834980", "dose": 1}, "/find?person=48448366834980&dose=1"),
        ({"person": 48448366834980, "dose": "1"}, "/find?person=48448366834980&dose=1"),
        ({"person": " a b&c=d/é ", "dose": 1}, "/find?person=a%20b%26c%3Dd%2F%C3%A9&dose=1"),
        ({"person": "48448366834980"}, None),
        ({"person": None, "dose": 1}, None),
        ({"person": "", "dose": 1}, None),
        ({"person": False, "dose": 1}, None),
        ({"person": ["48448366834980"], "dose": 1}, None),
        (None, None),
    ],
)
def test_what_is_asked(body: object, target: str | None) -> None:
    assert question(LOOK_UP, {"body": body}) == target


LOOKED: dict[str, Any] = {"recorded_at": NOON - HOUR, "issues_id": True}


@pytest.mark.parametrize(
    ("record", "needed"),
    [
        (Unsent(NOON - HOUR), False),
        (Unsent(NOON - 12 * HOUR), True),
        (Unsent(NOON - 12 * HOUR + 1), False),
        (Unsent(NOON + 1), True),  # the clock was put back: nobody can tell its age
        (Unsent(NOON, clock_doubtful=True), True),
        (Unsent(NOON, clock_doubtful=True, looked_up_at=NOON), False),
        (Unsent(NOON, maybe_applied=True), True),
        (Unsent(NOON, maybe_applied=True, looked_up_at=NOON), True),
        (Unsent(NOON, issues_id=True), True),
        (Unsent(NOON, adopted=True), True),
        (Unsent(NOON - HOUR, exported_at=NOON), True),
        (Unsent(NOON - HOUR, restored=True), True),
        (Unsent(**LOOKED, looked_up_at=NOON - 1), False),
        (Unsent(**LOOKED, looked_up_at=NOON - 2 * HOUR), False),  # the clock was put back in between: it is not asked for ever
        # Looked up after the export, by a clock that was put back: an export takes the word of an earlier look-up away.
        (Unsent(**LOOKED, looked_up_at=NOON - 2, exported_at=NOON - 1), False),
        (Unsent(**LOOKED, looked_up_at=NOON - 1, exported_at=NOON - 2), False),
        (Unsent(**LOOKED, looked_up_at=NOON - 1, restored=True), False),
        (Unsent(NOON - 30 * HOUR, looked_up_at=NOON - HOUR), False),
        (Unsent(NOON - 30 * HOUR, looked_up_at=NOON - 12 * HOUR), True),
    ],
)
def test_when_replay_looks_before_it_sends(record: Unsent, needed: bool) -> None:
    assert needs_look_up(record, NOON, AFTER_S) is needed


@pytest.mark.parametrize(("looked_up_at", "needed"), [(None, True), (NOON - 299_999, False), (NOON - 300_000, True)])
def test_a_not_there_is_good_until_the_paced_send_however_early_is_to_be_looked(looked_up_at: int | None, needed: bool) -> None:
    assert needs_look_up(Unsent(recorded_at=NOON - HOUR, looked_up_at=looked_up_at), NOON, 0.0) is needed


@pytest.mark.parametrize(
    ("sent_s", "outage_ended_s", "left_s"),
    [
        (1000.0, None, 60.0),
        (970.0, None, 30.0),
        (1.0, None, 0.0),
        (1.0, 999.0, 59.0),
        (999.0, 1.0, 59.0),
    ],
)
def test_when_a_not_there_is_believed(sent_s: float, outage_ended_s: float | None, left_s: float) -> None:
    assert settle_left_s(sent_s, outage_ended_s, 60.0, 1000.0) == left_s


def test_what_is_asked_instead() -> None:
    either = LookUp.model_validate(LOOK_UP.model_dump() | {"or_query": {"day": "request.body.day", "dose": "text(request.body.dose)"}})
    assert question(either, {"body": {"person": "7", "dose": 1, "day": OURS}}) == "/find?person=7&dose=1"
    assert question(either, {"body": {"dose": 1, "day": OURS}}) == f"/find?day={OURS}&dose=1"
    assert question(either, {"body": {"dose": 1}}) is None

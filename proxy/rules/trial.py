"""What would become of a request under a profile, and what an answer to it would mean: for whoever writes a profile. Nothing is sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from proxy.profiles.model import ErrorText, Policy, Profile, Route
from proxy.rules.admission import Admissible, admit
from proxy.rules.identity import issued_id, provisional_id
from proxy.rules.look_up import question
from proxy.rules.outcome import OutcomeKind, classify, view_of
from proxy.rules.problems import problem
from proxy.rules.receipt import declared_fields, receipt
from proxy.rules.routes import Match, RouteTable, without_prefix
from proxy.rules.settlement import Sent, Told, settlement
from proxy.rules.slots import slots_in
from proxy.rules.wire import Answer, Fields
from store.records import RecordState

RECORD_ID: Final = "01J9ZK4W8Q0000000000000001"
"""Stands for the id that a record would get."""

CENTRE: Final = 1


class NoMessage(ValueError):
    """A text is no HTTP message; says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request, as one would type it: path and query without the path of `upstream.url`."""

    method: str
    target: str
    fields: Fields
    body: bytes


def read_request(text: str, prefix: str) -> Request:
    """
    Return the request in *text*: `POST /path`, header lines, an empty line, the body.

    Args:
        text: With either kind of line end; the HTTP version may be left out.
        prefix: Path of `upstream.url`, taken off where the path begins with it.

    Raises:
        NoMessage: It has no method and path.
    """
    first, fields, body = _parts(text)
    words = first.split()
    if len(words) not in (2, 3) or not words[0].isalpha():
        raise NoMessage(f'the first line must be a method and a path, such as POST /path, not "{first}"')
    target = words[1]
    if "://" in target:
        target = "/" + target.partition("://")[2].partition("/")[2]
    path, mark, query = target.partition("?")
    return Request(words[0].upper(), (without_prefix(path, prefix.rstrip("/")) or path) + mark + query, fields, body)


def read_answer(text: str) -> Answer:
    """
    Return the answer in *text*: `HTTP/1.1 201 Created` or `201`, header lines, an empty line, the body.

    Raises:
        NoMessage: It has no status.
    """
    first, fields, body = _parts(text)
    status = next((word for word in first.split()[:2] if len(word) == 3 and word.isdigit()), None)  # noqa: PLR2004 - digits of a status
    if status is None:
        raise NoMessage(f'the first line must be a status, such as HTTP/1.1 201 Created, not "{first}"')
    return Answer(int(status), "", fields, body)


def tried(profile: Profile, request: Request, answer: Answer | None, now: datetime) -> dict[str, Any]:
    """
    Return what would become of *request*, by the names under which it is shown; what does not apply is left out.

    Args:
        profile: What is tried.
        request: As a desk would send it; ids in it are taken for real ones.
        answer: What the upstream might say to it; None to try the request alone.
        now: Aware.
    """
    path = request.target.partition("?")[0]
    match = RouteTable(profile.routes).match(request.method, path)
    if match is None:
        return {"route": None, "then": "No route describes it: it is passed on while the server is up, and never queued."}
    route = match.route
    found: dict[str, Any] = {"route": route.name, "policy": route.policy.value, "group": route.group, "path": match.params}
    found |= {"ids": sorted(slots_in(route, request.target, request.body))} if route.slots else {}
    if route.policy is Policy.RECORD:
        found |= _recorded(profile, match, request)
    return found if answer is None else found | {"verdict": _verdict(profile, route, answer, now)}


def _recorded(profile: Profile, match: Match, request: Request) -> dict[str, Any]:
    admission = admit(match, request.method, request.target, request.fields, request.body, {})
    if not isinstance(admission, Admissible):
        shape = profile.error_members if profile.error_body is None else profile.error_body
        return {"refused": orjson.loads(problem(admission.code, admission.detail, shape).body())}
    route, facts = match.route, admission.facts
    view = {"request": admission.view}
    form = None if route.issues is None else profile.provisional
    made = receipt(
        route.receipt, admission.view, RECORD_ID, 1, RecordState.PENDING, None if form is None else provisional_id(form, CENTRE, 1)
    )
    asked = None if route.look_up is None else question(route.look_up, admission.view)
    return {
        "lanes": list(facts.lanes),
        "natural_key": None if facts.natural_key is None else orjson.loads(facts.natural_key),
        "content": orjson.loads(facts.content),
        "added": dict(declared_fields(route.send_headers, view)),
        "look_up": asked and f"GET {asked}",
        "sent_twice": route.idempotent is not None and route.idempotent.holds(view),
        "receipt": {"status": made.status, "headers": dict(made.fields), "body": orjson.loads(made.body)},
    }


def _verdict(profile: Profile, route: Route, answer: Answer, now: datetime) -> dict[str, Any]:
    member = next((name for name, text in profile.error_members.items() if text is ErrorText.CODE), None)
    outcome = classify(answer, profile.answers_of(route), member, now)
    meant: dict[str, Any] = {"outcome": outcome.kind.value, "cause": outcome.cause, "may_have_taken_effect": outcome.maybe_applied}
    if route.policy is not Policy.RECORD:
        return meant
    if route.issues is not None and outcome.kind is OutcomeKind.ACCEPTED:
        meant["issued"] = issued_id(route.issues, view_of(answer))
    told = {
        name: Sent(
            told=name,
            if_refused=route.if_refused,
            now=0,
            retry_s=0,
            own_failure=False,
            answer_status=answer.status,
            can_look_up=route.look_up is not None or route.idempotent is not None,
        )
        for name in Told
    }
    return meant | {
        "record_if_the_desk_waits": settlement(outcome, told[Told.VERDICT]).state.value,
        "record_in_replay": settlement(outcome, told[Told.RECEIPT]).state.value,
    }


def _parts(text: str) -> tuple[str, Fields, bytes]:
    head, _, body = text.replace("\r\n", "\n").lstrip("\n").partition("\n\n")
    first, *lines = head.split("\n")
    pairs = (line.partition(":") for line in lines if line.strip())
    fields = tuple((name.strip().encode(), value.strip().encode()) for name, _, value in pairs)
    return first, fields, body.strip("\n").encode()

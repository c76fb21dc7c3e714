"""
The errors of our own, as RFC 9457 problem+json: one table of what happened and what to do next.

Unmodified desk software looks for its upstream's error members; the profile names them and they are carried too, so that the desk
shows *use paper* instead of "something went wrong".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import orjson

from proxy.profiles.expressions import Expression

ErrorMembers = Mapping[str, str] | Expression
"""The profile's `error_members`, or its `error_body`."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: HTTP status, a title for people, and what they should do now."""

    status: int
    title: str
    next_step: str


KINDS: Final[Mapping[str, Kind]] = {
    "body-not-json": Kind(HTTPStatus.BAD_REQUEST, "Not recorded: the request cannot be read", "Correct the entry and send it again."),
    "person-missing": Kind(HTTPStatus.BAD_REQUEST, "Not recorded: the person is missing", "Name the person and send it again."),
    "too-many-persons": Kind(HTTPStatus.BAD_REQUEST, "Not recorded: too many persons", "Send the persons in smaller groups."),
    "fact-missing": Kind(HTTPStatus.BAD_REQUEST, "Not recorded: the entry is not complete", "Fill in what is missing and send it again."),
    "key-malformed": Kind(HTTPStatus.BAD_REQUEST, "Not recorded: the Idempotency-Key cannot be read", "Send it as a text in quotes."),
    "key-reused": Kind(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Not recorded: the Idempotency-Key belongs to another entry",
        "Send this entry with a key of its own.",
    ),
    "recorded-otherwise": Kind(
        HTTPStatus.CONFLICT,
        "Not recorded: this is recorded already, with other content",
        "Compare the two. If both are true, send it again with the header Dosekeeper-Override and the reason.",
    ),
    "waits-for-correction": Kind(
        HTTPStatus.CONFLICT,
        "Not recorded: this entry waits for correction",
        "Tell the ICT officer its number; dosekeeper records show says why it waits.",
    ),
    "not-taken": Kind(
        HTTPStatus.UNPROCESSABLE_ENTITY, "Not recorded: requests like this one are not taken here", "Nothing of it was sent on."
    ),
    "person-unknown": Kind(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Not recorded: the person's id cannot be used here",
        "It is a provisional id of this centre. Give it in the field for the person's id only, as it stands on the slip.",
    ),
    "person-not-registered-yet": Kind(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The national server does not know this person yet",
        "The registration waits to be sent; doses can be recorded meanwhile.",
    ),
    "body-too-large": Kind(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Not recorded: the request is too large", "Send less in one request."),
    "body-incomplete": Kind(HTTPStatus.BAD_REQUEST, "Not recorded: the request ended early", "Send it again."),
    "too-slow": Kind(
        HTTPStatus.REQUEST_TIMEOUT,
        "Not recorded: the request came too slowly",
        "Send it again; if it stays so, look at the line between the desk and the sidecar.",
    ),
    "too-many-connections": Kind(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Not recorded: too many connections to the sidecar",
        "Try again in a few seconds; if it stays so, look for the program that opens them.",
    ),
    "head-too-large": Kind(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "Not recorded: the header fields are too large", "Send fewer or shorter ones."
    ),
    "target-too-long": Kind(HTTPStatus.REQUEST_URI_TOO_LONG, "Not recorded: the address is too long", "Send it in the body."),
    "request-malformed": Kind(HTTPStatus.BAD_REQUEST, "Not recorded: this is no HTTP request", "Ask who makes the desk's software."),
    "version-not-served": Kind(
        HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "Not recorded: this version of HTTP is not served here", "Use HTTP/1.1."
    ),
    "coding-not-served": Kind(
        HTTPStatus.NOT_IMPLEMENTED, "Not recorded: this transfer coding is not served here", "Send it chunked, or with its length."
    ),
    "failed": Kind(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "An error within the sidecar",
        "Look up whether it took effect before you try again, and tell the ICT officer.",
    ),
    "cannot-record": Kind(
        HTTPStatus.INSUFFICIENT_STORAGE,
        "Not recorded: use paper",
        "Write the dose into the paper register and tell the ICT officer: dosekeeper status says what is wrong.",
    ),
    "under-way": Kind(
        HTTPStatus.CONFLICT,
        "Not recorded: another entry for this person is under way",
        "Wait for its answer; if it was not this entry, send this again.",
    ),
    "passed-on": Kind(
        HTTPStatus.CONFLICT,
        "Not recorded: the national server may have this already",
        "Look there. If it is not there, send it again with the header Dosekeeper-Override and the reason.",
    ),
    "server-down": Kind(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The national server does not answer",
        "Doses go on being recorded; what you asked for has to wait for the server.",
    ),
    "server-no-answer": Kind(
        HTTPStatus.GATEWAY_TIMEOUT, "The national server gave no answer", "Look up whether it took effect before you try again."
    ),
    "server-unreachable": Kind(HTTPStatus.BAD_GATEWAY, "The national server cannot be reached", "Try again in a moment."),
    "not-known": Kind(
        HTTPStatus.UNAUTHORIZED,
        "Not done: nobody here knows who you are",
        "Log in when the national server is back; to go on meanwhile the desk needs a log-in that the server has taken, or a client key: "
        "dosekeeper clients add NAME",
    ),
    "credential-missing": Kind(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The sidecar cannot log in to the national server",
        "Doses go on being recorded; dosekeeper status says what is wrong.",
    ),
    "denied": Kind(HTTPStatus.FORBIDDEN, "This call is not allowed here", "The centre's profile denies it; ask the ICT officer."),
    "method-not-served": Kind(HTTPStatus.METHOD_NOT_ALLOWED, "This method is not served here", "Use the server's own methods."),
    "path-not-served": Kind(
        HTTPStatus.BAD_REQUEST, "This path is not served here", "Ask for the path itself, without ., .., //, backslashes or fragment in it."
    ),
    "no-such-record": Kind(HTTPStatus.NOT_FOUND, "No such record", "Look for it with: dosekeeper records list"),
    "no-such-page": Kind(HTTPStatus.NOT_FOUND, "No such page", "See /.dosekeeper/status."),
}

CONTENT_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem ready to be answered."""

    status: int
    body: bytes
    retry_after_s: int | None = None


def problem(code: str, detail: str, error_members: ErrorMembers, *, retry_after_s: int | None = None, **more: object) -> Problem:
    """
    Return the problem *code* of `KINDS`.

    Args:
        code: Key of `KINDS`.
        detail: What happened, without personal data.
        error_members: The profile's: member name → which of `code`, `title`, `detail` fills it, or what makes all of them.
        retry_after_s: For the Retry-After field.
        more: Extension members.
    """
    kind = KINDS[code]
    texts = {"code": code, "title": kind.title, "detail": f"{detail} {kind.next_step}".strip()}
    members = _members(error_members, texts, int(kind.status))
    body = {
        "type": f"urn:dosekeeper:problem:{code}",
        "title": kind.title,
        "status": int(kind.status),
        "detail": texts["detail"],
        **more,
        **members,
    }
    return Problem(int(kind.status), orjson.dumps(body), retry_after_s)


def _members(declared: ErrorMembers, texts: Mapping[str, str], status: int) -> dict[str, object]:
    if not isinstance(declared, Expression):
        return {name: texts[source] for name, source in declared.items()}
    found = declared.search({**texts, "status": status})
    return found if isinstance(found, dict) else {}

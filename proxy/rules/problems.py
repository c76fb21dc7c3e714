"""
The errors of our own, as RFC 9457 problem+json: one table of what happened and what to do next.

Unmodified desk software looks for its upstream's error members; the profile names them and they are carried too, so that the desk
shows *use paper* instead of "something went wrong".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import orjson

from proxy.profiles.expressions import Expression
from proxy.texts import LANGUAGES, Text, marked

ErrorMembers = Mapping[str, str] | Expression
"""The profile's `error_members`, or its `error_body`."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: HTTP status, a title for people, and what they should do now (texts of the catalogue)."""

    status: int
    title: str
    next_step: str


KINDS: Final[Mapping[str, Kind]] = {
    "body-not-json": Kind(
        HTTPStatus.BAD_REQUEST, marked("Not recorded: the request cannot be read"), marked("Correct the entry and send it again.")
    ),
    "person-missing": Kind(
        HTTPStatus.BAD_REQUEST, marked("Not recorded: the person is missing"), marked("Name the person and send it again.")
    ),
    "too-many-persons": Kind(
        HTTPStatus.BAD_REQUEST, marked("Not recorded: too many persons"), marked("Send the persons in smaller groups.")
    ),
    "fact-missing": Kind(
        HTTPStatus.BAD_REQUEST, marked("Not recorded: the entry is not complete"), marked("Fill in what is missing and send it again.")
    ),
    "key-malformed": Kind(
        HTTPStatus.BAD_REQUEST, marked("Not recorded: the Idempotency-Key cannot be read"), marked("Send it as a text in quotes.")
    ),
    "key-reused": Kind(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        marked("Not recorded: the Idempotency-Key belongs to another entry"),
        marked("Send this entry with a key of its own."),
    ),
    "recorded-otherwise": Kind(
        HTTPStatus.CONFLICT,
        marked("Not recorded: this is recorded already, with other content"),
        marked("Compare the two. If both are true, send it again with the header Dosekeeper-Override and the reason."),
    ),
    "waits-for-correction": Kind(
        HTTPStatus.CONFLICT,
        marked("Not recorded: this entry waits for correction"),
        marked("Tell the ICT officer its number; dosekeeper records show says why it waits."),
    ),
    "not-taken": Kind(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        marked("Not recorded: requests like this one are not taken here"),
        marked("Nothing of it was sent on."),
    ),
    "person-unknown": Kind(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        marked("Not recorded: the person's id cannot be used here"),
        marked("It is a provisional id of this centre. Give it in the field for the person's id only, as it stands on the slip."),
    ),
    "person-not-registered-yet": Kind(
        HTTPStatus.SERVICE_UNAVAILABLE,
        marked("The national server does not know this person yet"),
        marked("The registration waits to be sent; doses can be recorded meanwhile."),
    ),
    "body-too-large": Kind(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, marked("Not recorded: the request is too large"), marked("Send less in one request.")
    ),
    "body-incomplete": Kind(HTTPStatus.BAD_REQUEST, marked("Not recorded: the request ended early"), marked("Send it again.")),
    "too-slow": Kind(
        HTTPStatus.REQUEST_TIMEOUT,
        marked("Not recorded: the request came too slowly"),
        marked("Send it again; if it stays so, look at the line between the desk and the sidecar."),
    ),
    "too-many-connections": Kind(
        HTTPStatus.SERVICE_UNAVAILABLE,
        marked("Not recorded: too many connections to the sidecar"),
        marked("Try again in a few seconds; if it stays so, look for the program that opens them."),
    ),
    "too-many-listeners": Kind(
        HTTPStatus.SERVICE_UNAVAILABLE,
        marked("Too many programs listen to the sidecar already"),
        marked("Ask for the status now and then instead; if it stays so, look for the program that opens them."),
    ),
    "head-too-large": Kind(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        marked("Not recorded: the header fields are too large"),
        marked("Send fewer or shorter ones."),
    ),
    "target-too-long": Kind(
        HTTPStatus.REQUEST_URI_TOO_LONG, marked("Not recorded: the address is too long"), marked("Send it in the body.")
    ),
    "request-malformed": Kind(
        HTTPStatus.BAD_REQUEST, marked("Not recorded: this is no HTTP request"), marked("Ask who makes the desk's software.")
    ),
    "version-not-served": Kind(
        HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, marked("Not recorded: this version of HTTP is not served here"), marked("Use HTTP/1.1.")
    ),
    "coding-not-served": Kind(
        HTTPStatus.NOT_IMPLEMENTED,
        marked("Not recorded: this transfer coding is not served here"),
        marked("Send it chunked, or with its length."),
    ),
    "failed": Kind(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        marked("An error within the sidecar"),
        marked("Look up whether it took effect before you try again, and tell the ICT officer."),
    ),
    "cannot-record": Kind(
        HTTPStatus.INSUFFICIENT_STORAGE,
        marked("Not recorded: use paper"),
        marked("Write the dose into the paper register and tell the ICT officer: dosekeeper status says what is wrong."),
    ),
    "under-way": Kind(
        HTTPStatus.CONFLICT,
        marked("Not recorded: another entry for this person is under way"),
        marked("Wait for its answer; if it was not this entry, send this again."),
    ),
    "passed-on": Kind(
        HTTPStatus.CONFLICT,
        marked("Not recorded: the national server may have this already"),
        marked("Look there. If it is not there, send it again with the header Dosekeeper-Override and the reason."),
    ),
    "server-down": Kind(
        HTTPStatus.SERVICE_UNAVAILABLE,
        marked("The national server does not answer"),
        marked("Doses go on being recorded; what you asked for has to wait for the server."),
    ),
    "server-no-answer": Kind(
        HTTPStatus.GATEWAY_TIMEOUT,
        marked("The national server gave no answer"),
        marked("Look up whether it took effect before you try again."),
    ),
    "server-unreachable": Kind(HTTPStatus.BAD_GATEWAY, marked("The national server cannot be reached"), marked("Try again in a moment.")),
    "not-known": Kind(
        HTTPStatus.UNAUTHORIZED,
        marked("Not recorded: nobody here knows who you are"),
        marked(
            "Write doses into the paper register, and log in when the national server is back; to go on here meanwhile the desk needs a "
            "log-in that the server has taken, or a client key: dosekeeper clients add NAME"
        ),
    ),
    "credential-missing": Kind(
        HTTPStatus.SERVICE_UNAVAILABLE,
        marked("The sidecar cannot log in to the national server"),
        marked("Doses go on being recorded; dosekeeper status says what is wrong."),
    ),
    "denied": Kind(
        HTTPStatus.FORBIDDEN, marked("This call is not allowed here"), marked("The centre's profile denies it; ask the ICT officer.")
    ),
    "method-not-served": Kind(
        HTTPStatus.METHOD_NOT_ALLOWED, marked("This method is not served here"), marked("Use the server's own methods.")
    ),
    "path-not-served": Kind(
        HTTPStatus.BAD_REQUEST,
        marked("This path is not served here"),
        marked("Ask for the path itself, without ., .., //, backslashes or fragment in it."),
    ),
    "no-such-record": Kind(HTTPStatus.NOT_FOUND, marked("No such record"), marked("Look for it with: dosekeeper records list")),
    "no-such-page": Kind(HTTPStatus.NOT_FOUND, marked("No such page"), marked("See /.dosekeeper/status.")),
}

CONTENT_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem ready to be answered, in whichever language."""

    code: str
    detail: Text | None
    error_members: ErrorMembers
    retry_after_s: int | None = None
    more: Mapping[str, object] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """Its HTTP status."""
        return int(KINDS[self.code].status)

    def body(self, language: str = LANGUAGES[0]) -> bytes:
        """Return its problem+json; `type` is the same in every language."""
        kind = KINDS[self.code]
        title, next_step = (Text(words).said(language) for words in (kind.title, kind.next_step))
        detail = next_step if self.detail is None else f"{self.detail.said(language)} {next_step}"
        members = _members(self.error_members, {"code": self.code, "title": title, "detail": detail}, self.status)
        own = {"type": f"urn:dosekeeper:problem:{self.code}", "title": title, "status": self.status, "detail": detail}
        return orjson.dumps({**own, **self.more, **members})


def problem(code: str, detail: Text | None, error_members: ErrorMembers, *, retry_after_s: int | None = None, **more: object) -> Problem:
    """
    Return the problem *code* of `KINDS`.

    Args:
        code: Key of `KINDS`.
        detail: What happened, without personal data; None where the title says it.
        error_members: The profile's: member name → which of `code`, `title`, `detail` fills it, or what makes all of them.
        retry_after_s: For the Retry-After field.
        more: Extension members.
    """
    return Problem(code, detail, error_members, retry_after_s, more)


def _members(declared: ErrorMembers, texts: Mapping[str, str], status: int) -> dict[str, object]:
    if not isinstance(declared, Expression):
        return {name: texts[source] for name, source in declared.items()}
    found = declared.search({**texts, "status": status})
    return found if isinstance(found, dict) else {}

"""
What one exchange with the upstream means: the table of outcomes of DESIGN §4.

Rows are tried from the top; the first that fits is the outcome. What fits no row is *unknown*: the record may have been processed.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from re import compile as regex
from typing import Any, Final, assert_never

import orjson

from proxy.profiles.model import Answers
from proxy.rules import said
from proxy.rules.backoff import RETRY_AFTER_MAX_S
from proxy.rules.wire import Answer, Exchange, Failure, http_date

DECODED_MAX: Final = 4 * 1024 * 1024
"""Bytes of a compressed answer that are looked at; a verdict is short, a bomb is not."""

CODE: Final = regex(r"(?=.*[0-9_])(?!.*[0-9]{5})[A-Za-z][A-Za-z0-9_.-]{0,39}")
"""What an upstream's error code may look like (APPOIN0006, MISSING_FIELDS); anything else could be a person's name or number: not kept."""

HTML: Final = frozenset({"text/html", "application/xhtml+xml"})

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class OutcomeKind(StrEnum):
    """The rows of the table; the label of `sends_total`."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    ALREADY_RECORDED = "already_recorded"
    NOT_SENT = "not_sent"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    AUTH = "auth"
    IMPOSTOR = "impostor"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What one send came to.

    `cause` is a word for logs and the outage ledger (`refused`, `timeout`, `http_503`, `portal`); `code` the upstream's own error code.
    `maybe_applied` is False only where it is certain that the upstream did not take the record. `retry_after_s` is its own wish.
    `said` is what came, for the outage ledger.
    """

    kind: OutcomeKind
    cause: str
    maybe_applied: bool
    code: str | None = None
    retry_after_s: float | None = None
    said: str = field(default="", compare=False)


def classify(exchange: Exchange, answers: Answers, code_member: str | None, now: datetime) -> Outcome:
    """
    Return what *exchange* means under the profile's verdict rules.

    Args:
        exchange: What came back, or why nothing did.
        answers: Verdict rules of the route.
        code_member: Member of the upstream's error body that holds its code, if it has one.
        now: Aware; for a Retry-After given as a date.
    """
    match exchange:
        case Failure():
            return failed(exchange)
        case Answer():
            return _classify_answer(exchange, answers, code_member, now)
        case _:
            assert_never(exchange)


def failed(failure: Failure) -> Outcome:
    """Return what it means that no answer came."""
    kind = OutcomeKind.UNKNOWN if failure.sent else OutcomeKind.NOT_SENT
    return Outcome(kind, failure.kind.value, maybe_applied=failure.sent, said=said.of_failure(failure))


def classify_head(status: int, content_type: str, *, described: bool, reason: str = "") -> Outcome:
    """
    Return what an answer that is only streamed through says of the upstream's health.

    Args:
        status: As it came.
        content_type: The field's value, empty where there is none.
        reason: Its reason phrase.
        described: Whether a route of the profile describes the call; only there are a web page and a redirect known to be an impostor.
    """
    word, html = f"http_{status}", content_type.partition(";")[0].strip().lower() in HTML

    def outcome(kind: OutcomeKind, cause: str = word, *, maybe: bool) -> Outcome:
        return Outcome(kind, cause, maybe, said=said.of_head(status, reason))

    if status == HTTPStatus.TOO_MANY_REQUESTS or (described and html and status == HTTPStatus.FORBIDDEN):
        return outcome(OutcomeKind.THROTTLED, "throttled" if not html else "waf", maybe=False)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return outcome(OutcomeKind.UNAVAILABLE, maybe=True)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return outcome(OutcomeKind.UNKNOWN, maybe=True)
    if described and (html or status in REDIRECTS):
        return outcome(OutcomeKind.IMPOSTOR, "portal" if html else "redirect", maybe=True)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return outcome(OutcomeKind.AUTH, maybe=False)
    taken = status < HTTPStatus.BAD_REQUEST
    return outcome(OutcomeKind.ACCEPTED if taken else OutcomeKind.REFUSED, maybe=taken)


def _classify_answer(answer: Answer, answers: Answers, code_member: str | None, now: datetime) -> Outcome:  # noqa: PLR0911 - one row, one return
    status, view = answer.status, view_of(answer)
    wait_s = retry_after_s(answer, now)
    word = f"http_{status}"

    def outcome(kind: OutcomeKind, cause: str = word, *, maybe: bool) -> Outcome:
        code = _code(view["body"], code_member)
        return Outcome(kind, cause, maybe, code, wait_s, said.of_answer(answer, code))

    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return outcome(OutcomeKind.THROTTLED, "throttled", maybe=False)
    if status == HTTPStatus.FORBIDDEN and _is_html(answer):
        return outcome(OutcomeKind.THROTTLED, "waf", maybe=False)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return outcome(OutcomeKind.UNAVAILABLE, maybe=not answers.says("unavailable", view))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return outcome(OutcomeKind.UNKNOWN, maybe=True)
    if _refuses_credential(status, answers, view):
        return outcome(OutcomeKind.AUTH, maybe=False)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST and answer.field(b"location"):
        return outcome(OutcomeKind.IMPOSTOR, "redirect", maybe=True)
    if not _expected_type(answer, answers):
        return outcome(OutcomeKind.IMPOSTOR, "portal" if _is_html(answer) else "content_type", maybe=True)
    if answers.says("already_recorded", view):
        # Said with a success: it is in effect there, whoever brought it.
        return outcome(OutcomeKind.ALREADY_RECORDED, maybe=status < HTTPStatus.MULTIPLE_CHOICES)
    if status < HTTPStatus.MULTIPLE_CHOICES and answers.says("accepted", view):
        return outcome(OutcomeKind.ACCEPTED, maybe=True)
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and answers.says("own_error", view):
        return outcome(OutcomeKind.REFUSED, maybe=False)
    return outcome(OutcomeKind.UNKNOWN, f"{word}_unexpected", maybe=True)


def _refuses_credential(status: int, answers: Answers, view: Mapping[str, object]) -> bool:
    # A 401 is never a verdict on the record, whatever the profile's `auth` leaves out: a backlog must not be held because a token died.
    own_401 = status == HTTPStatus.UNAUTHORIZED and answers.says("own_error", view)
    return own_401 or (status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) and answers.says("auth", view))


def view_of(answer: Answer) -> dict[str, Any]:
    """Return what verdict expressions see: `status`, `headers` (lower-case names), `body` (JSON or null), `text`."""
    text = _text(answer)
    try:
        body = orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        body = None
    headers = {name.lower().decode("latin-1"): value.decode("latin-1") for name, value in answer.fields}
    return {"status": answer.status, "headers": headers, "body": body, "text": text}


def _text(answer: Answer) -> str:
    match (answer.field(b"content-encoding") or "identity").lower():
        case "identity":
            body = answer.body
        case "gzip" | "x-gzip" | "deflate":
            body = _inflated(answer.body)
        case _:
            body = b""
    return body.decode("utf-8-sig", "replace")  # a byte order mark may be ignored (RFC 8259 §8.1)


def _inflated(body: bytes) -> bytes:
    """Return *body* without its gzip or deflate coding; nothing where it is damaged, cut off, or longer than `DECODED_MAX`."""
    # Some servers leave out deflate's zlib wrapper (RFC 9110 §8.4.1.2).
    for wbits in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):
        inflater = zlib.decompressobj(wbits)
        try:
            inflated = inflater.decompress(body, DECODED_MAX)
        except zlib.error:
            continue
        return inflated if inflater.eof else b""
    return b""


def media_type(answer: Answer) -> str:
    """Return the media type, lower case and without parameters; empty where there is none."""
    return (answer.field(b"content-type") or "").partition(";")[0].strip().lower()


def _is_html(answer: Answer) -> bool:
    return media_type(answer) in HTML


def _expected_type(answer: Answer, answers: Answers) -> bool:
    return not answer.body or media_type(answer) in answers.content_types


def _code(body: object, member: str | None) -> str | None:
    if member is None or not isinstance(body, Mapping):
        return None
    code = body.get(member)
    return code if isinstance(code, str) and CODE.fullmatch(code) else None


def retry_after_s(answer: Answer, now: datetime) -> float | None:
    """
    Return the upstream's Retry-After in seconds, at most `RETRY_AFTER_MAX_S`; None where it has none that can be read.

    One that is a date is counted from the answer's own `Date`, from *now* where it has none.

    Source: RFC 9110 §10.2.3 (seconds, or a date).
    """
    value = answer.field(b"retry-after")
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return min(float(value), RETRY_AFTER_MAX_S)
    when = http_date(value)
    if when is None:
        return None
    said_at = http_date(answer.field(b"date")) or now  # the clock by which the date is meant, whatever ours says
    return min(max(0.0, (when - said_at).total_seconds()), RETRY_AFTER_MAX_S)

"""
What may be remembered of the upstream's answers, and what a remembered one says of itself when it is given.

HTTP's own rules (RFC 9111), with one difference: while the upstream answers, it is asked. What is remembered is for the time when it
does not, so an answer is given stale (RFC 9111 §4.2.4), with its age (`Age`) and where it came from (`Cache-Status`, RFC 9211).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from http import HTTPStatus
from re import compile as regex
from typing import Final
from urllib.parse import parse_qsl, urlencode

from proxy.profiles.model import Despite, Route
from proxy.rules.fields import answer_fields
from proxy.rules.stamps import Stamp, age_s
from proxy.rules.wire import Answer, Fields, first, http_date

PARTIAL: Final = frozenset({b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since", b"if-range", b"range"})
"""Fields that ask for less than the whole answer. One to be remembered must be whole, so the first are answered here and a range is not
(RFC 9110 §14.2 leaves that open)."""

_CONDITIONS: Final = frozenset({b"if-none-match", b"if-modified-since"})

VALIDATORS: Final = frozenset({b"etag", b"last-modified", b"content-md5", b"digest", b"content-digest", b"repr-digest"})
"""Fields that hold of the very bytes that the upstream sent."""

SECRET: Final = frozenset({b"set-cookie", b"set-cookie2", b"authentication-info", b"proxy-authentication-info", b"www-authenticate"})
"""Fields of an answer that are for one client at one moment: never remembered."""

IN_NOT_MODIFIED: Final = frozenset({b"cache-control", b"content-location", b"date", b"etag", b"expires", b"vary"})
"""Fields of a 304 (RFC 9110 §15.4.5)."""

_DIRECTIVE: Final = regex(rb'\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?\s*(?:,|$)')

_ONE_PLAIN: Final = regex(r"[A-Za-z0-9_.-]+=[A-Za-z0-9_.-]*")

_ENTITY_TAG: Final = regex(r'(?:W/)?("[^"]*")')


class Cause(StrEnum):
    """Why an answer comes from memory; the `detail` of `Cache-Status`."""

    OUTAGE = "outage"
    """The circuit is open: the upstream was not asked."""
    LATE = "late"
    """It was asked, and has not answered in time."""
    FAILED = "failed"
    """It was asked, and what came was no answer of its own."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A remembered answer. It was `initial_age_s` old when it was asked for, at `fetched`."""

    answer: Answer
    fetched: Stamp
    initial_age_s: float
    fresh_s: float = field(init=False)
    """For how long the upstream called it fresh."""

    def __post_init__(self) -> None:
        """Read what the answer says of its time once: it is given many times."""
        object.__setattr__(self, "fresh_s", fresh_for_s(self.answer))

    def age_s(self, now: Stamp) -> float:
        """
        Return how old the answer is.

        Counted from when it was asked for, so that it is never told too young (RFC 9111 §4.2.3). Of the upstream's clock nothing is
        believed: one that is wrong by a year would make every answer a year old.
        """
        return self.initial_age_s + age_s(self.fetched, now)


def question(path: str, query: str, declared: Mapping[str, str | None], whose: str) -> str:
    """
    Return what makes two requests the same question, as one text; personal data, to be kept as a keyed hash.

    Args:
        path: Raw, as it goes up.
        query: Raw; its parameters may come in any order, those of one name keep theirs.
        declared: Values of the fields that the route declares to be part of the question.
        whose: Who may have the answer.
    """
    fields = sorted((name, value or "") for name, value in declared.items())
    return "\0".join((path, _in_order(query), urlencode(fields) if fields else "", whose))


def _in_order(query: str) -> str:
    """Return *query* with its parameters in order and in one way of writing."""
    if _ONE_PLAIN.fullmatch(query):
        return query  # as most are: it comes to the same
    return urlencode(sorted(parse_qsl(query, keep_blank_values=True), key=lambda pair: pair[0]))


def may_be_remembered(route: Route, request: Fields, answer: Answer) -> bool:
    """
    Whether an answer that the profile calls a success may be kept and given again (RFC 9111 §3).

    Args:
        route: Its `remember.despite` names what of the upstream's wishes is not followed.
        request: Fields of the request it answers.
        answer: Whole.
    """
    if answer.status != HTTPStatus.OK or "no-store" in directives(request) or vary(answer) is None:
        return False
    said = directives(answer.fields)
    forbidding = {each for each in Despite if each in said}
    if route.shared and not said.keys().isdisjoint({"proxy-revalidate", "s-maxage"}):
        forbidding.add(Despite.MUST_REVALIDATE)  # to a cache for several that is what they mean (RFC 9111 §5.2.2.8, §5.2.2.10)
    if not route.shared:
        forbidding -= {Despite.PRIVATE}  # it is kept for the one whose credential asked
    return forbidding <= set(route.remember.despite)


def directives(fields: Fields) -> dict[str, str | None]:
    """Return the directives of Cache-Control, names in lower case; the first of a name counts (RFC 9111 §4.2.1)."""
    found: dict[str, str | None] = {}
    for name, value in fields:
        if name.lower() == b"cache-control":
            for match in _DIRECTIVE.finditer(value):
                argument = match[2] if match[2] is not None else match[3]
                found.setdefault(match[1].decode().lower(), None if argument is None else argument.decode("latin-1"))
    return found


def vary(answer: Answer) -> tuple[str, ...] | None:
    """Return the request fields by which the upstream's answer varies, in order; None: by what nobody knows (`*`)."""
    names = sorted(
        {
            part.strip().decode("latin-1").lower()
            for name, value in answer.fields
            if name.lower() == b"vary"
            for part in value.split(b",")
            if part.strip()
        }
    )
    return None if "*" in names else tuple(names)


def variant(request: Fields, names: Collection[str]) -> str:
    """Return the values of the fields *names* in a request, as one text: two requests of one variant have the same answer."""
    return "\0".join(f"{name}={b','.join(_values(request, name)).decode('latin-1')}" for name in sorted(names))


def to_keep(answer: Answer, credentials: Collection[bytes]) -> Fields:
    """Return the fields of *answer* to be remembered: end to end, and none that is a secret."""
    left_out = SECRET | frozenset(credentials) | {b"age", b"content-length"}
    return tuple((n, v) for n, v in answer_fields(answer.fields) if n.lower() not in left_out)


def initial_age_s(answer: Answer) -> float:
    """Return how old the answer was already when it came, as the caches behind us have counted (`Age`)."""
    return _seconds(first(answer.fields, b"age")) or 0.0


def fresh_for_s(answer: Answer) -> float:
    """Return how long the upstream calls its answer fresh; 0 where it does not say: nothing is guessed (RFC 9111 §4.2.1)."""
    said = _seconds(directives(answer.fields).get("max-age"))
    if said is not None:
        return said
    expires, date = http_date(first(answer.fields, b"expires")), http_date(first(answer.fields, b"date"))
    return 0.0 if expires is None or date is None else max(0.0, (expires - date).total_seconds())


def cache_status(stored: Stored, now: Stamp, cause: Cause, status: int | None = None) -> str:
    """
    Return our member of `Cache-Status`. `hit` and `fwd` exclude each other (RFC 9211 §2.2): only in an outage was nobody asked.

    Args:
        stored: What is given.
        now: For what is left of its time: below 0 once it is stale.
        cause: Why it is given.
        status: What the upstream answered instead, if it did.
    """
    ttl = round(stored.fresh_s - stored.age_s(now))
    asked = "hit" if cause is Cause.OUTAGE else "fwd=stale" if status is None else f"fwd=stale; fwd-status={status}"
    return f"dosekeeper; {asked}; ttl={ttl}; detail={cause}"


@lru_cache(256)
def for_the_whole(fields: Fields) -> Fields:
    """Return a request's fields without those that ask for less than the whole answer."""
    return tuple((n, v) for n, v in fields if n.lower() not in PARTIAL)


def refreshing(came: Answer) -> Fields:
    """Return the fields of a 304 that replace those of the answer it is about; its length and coding are of no body."""
    left_out = SECRET | {b"age", b"content-length", b"content-encoding", b"content-type", b"content-range"}
    return tuple((n, v) for n, v in answer_fields(came.fields) if n.lower() not in left_out)


def without_validators(fields: Fields) -> Fields:
    """Return an answer's fields without those that hold of its bytes, or of their coding: the body is ours now."""
    return tuple((n, v) for n, v in fields if n.lower() not in VALIDATORS | {b"content-encoding", b"content-length"})


@lru_cache(256)
def conditional(request: Fields) -> bool:
    """Whether the client says which answer it has already."""
    return any(name.lower() in _CONDITIONS for name, _ in request)


def not_modified(request: Fields, answer: Answer) -> bool:
    """
    Whether the client has this answer already (RFC 9110 §13.2.2): its entity tag, compared weakly, else its date.

    `If-Match` and the like guard writes, and are not looked at.
    """
    if not conditional(request):
        return False
    tag = first(answer.fields, b"etag")
    named = b",".join(_values(request, "if-none-match")).decode("latin-1").strip()
    if named:
        return tag is not None and (named == "*" or _opaque(tag) in _ENTITY_TAG.findall(named))
    since, modified = http_date(first(request, b"if-modified-since")), http_date(first(answer.fields, b"last-modified"))
    return since is not None and modified is not None and modified <= since


def as_not_modified(answer: Answer) -> Answer:
    """Return the 304 that stands for *answer*."""
    return Answer(HTTPStatus.NOT_MODIFIED, "Not Modified", tuple((n, v) for n, v in answer.fields if n.lower() in IN_NOT_MODIFIED), b"")


def _opaque(tag: str) -> str:
    return tag.removeprefix("W/")


def _values(fields: Fields, name: str) -> list[bytes]:
    return [value.strip() for key, value in fields if key.lower() == name.encode("latin-1")]


def _seconds(text: str | None) -> float | None:
    # More than RFC 9111 §1.2.2 asks to be told apart; a number of any length would not fit an Age.
    return float(min(int(text[:10]), 2**31)) if text is not None and text.isascii() and text.isdigit() else None

"""A request as a server sees it, the answer it gives, and what it then holds to be true: plain values, no sockets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import orjson


@dataclass(frozen=True, slots=True)
class Call:
    """
    A request that was read whole.

    `path` is decoded and without the query; the names in `fields` are lower case, the last of several wins; `at` is wall-clock
    milliseconds UTC.
    """

    method: str
    path: str
    query: Mapping[str, str]
    fields: Mapping[str, str]
    body: bytes
    at: int


class EffectKind(StrEnum):
    """What a write can bring about."""

    REGISTRATION = "registration"
    DELETION = "deletion"
    BOOKING = "booking"
    CANCELLATION = "cancellation"
    DOSE = "dose"
    CORRECTION = "correction"


@dataclass(frozen=True, slots=True)
class Effect:
    """
    A fact that the server took on.

    `key` names the fact: two effects of one kind and key are a double entry, whatever the requests looked like.
    """

    kind: EffectKind
    person: str
    key: str
    dose: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, with the effects that had already happened when it was made; without a content type it has no body."""

    status: int
    content_type: str | None = None
    body: bytes = b""
    fields: tuple[tuple[str, str], ...] = ()
    effects: tuple[Effect, ...] = ()


class NationalApi(Protocol):
    """The behaviour of one kind of national server."""

    def answer(self, call: Call) -> Reply:
        """Do what *call* asks, at once and entirely, and return the answer."""
        ...

    def unauthenticated(self) -> Reply:
        """Return the answer to a credential that is not accepted."""
        ...


def json_reply(status: int, value: object, *effects: Effect) -> Reply:
    """Return *value* as a JSON answer."""
    return Reply(status, "application/json; charset=utf-8", orjson.dumps(value), effects=effects)


def text_reply(status: int, text: str) -> Reply:
    """Return *text* as a plain answer."""
    return Reply(status, "text/plain; charset=utf-8", text.encode())


def html_reply(status: int, page: str) -> Reply:
    """Return *page* as the HTML of somebody between the client and the server."""
    return Reply(status, "text/html; charset=utf-8", page.encode())

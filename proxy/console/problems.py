"""The admin and metrics ports' errors, as RFC 9457 problem+json."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import orjson
from aiohttp import web

from proxy.rules.problems import CONTENT_TYPE

STATUSES: Final[Mapping[str, tuple[HTTPStatus, str]]] = {
    "token-missing": (HTTPStatus.UNAUTHORIZED, "The token is missing or wrong"),
    "foreign-host": (HTTPStatus.FORBIDDEN, "This name is not this port's"),
    "foreign-page": (HTTPStatus.FORBIDDEN, "A page of another origin may not ask this"),
    "not-json": (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Only JSON is taken"),
    "unfit": (HTTPStatus.BAD_REQUEST, "This cannot be done as it was asked"),
    "not-there": (HTTPStatus.NOT_FOUND, "It is not there"),
    "in-the-way": (HTTPStatus.CONFLICT, "This cannot be done now"),
    "journal": (HTTPStatus.SERVICE_UNAVAILABLE, "The journal cannot be used"),
}
"""What happened → HTTP status and title."""


def refused(code: str, detail: str) -> web.Response:
    """Return the problem *code* of `STATUSES`; *detail* says what to do next."""
    status, title = STATUSES[code]
    body = {"type": f"urn:dosekeeper:problem:{code}", "title": title, "status": int(status), "detail": detail}
    return web.Response(status=status, body=orjson.dumps(body), content_type=CONTENT_TYPE)

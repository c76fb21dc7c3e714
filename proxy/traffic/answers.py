"""How an answer is put on the desk's wire: nothing added that the upstream did not send."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from aiohttp import hdrs, web
from multidict import CIMultiDict

from proxy.rules.client_keys import FIELD as CLIENT_KEY
from proxy.rules.fields import answer_fields
from proxy.rules.problems import CONTENT_TYPE, Problem
from proxy.rules.receipt import ReceiptAnswer
from proxy.rules.wire import Answer, Fields, text_of
from proxy.texts import LANGUAGES, preferred

ADDED: Final = (hdrs.SERVER, hdrs.DATE, hdrs.CONTENT_TYPE)
"""Fields that aiohttp adds where they are missing."""

SENT: Final = web.ResponseKey("sent", frozenset[str])
"""Under this key a relayed answer carries the lower-case names of the fields that the upstream sent."""

OUTCOME: Final = web.ResponseKey("outcome", str)
"""Under this key every answer carries what became of the request: the label of `http_requests_total`."""

PROBLEM: Final = web.ResponseKey("problem", Problem)
"""Under this key an error of our own carries what it says."""

OWN_KEEPS: Final = frozenset({"date", "content-type"})
"""What stays of `ADDED` on an answer of our own: the date, as RFC 9110 §6.6.1 asks, and the type."""


def relay_fields(fields: Fields, response: web.StreamResponse) -> None:
    """Put the end-to-end *fields* of the upstream on *response*, in their own case and order, and nothing else."""
    response.headers.clear()
    response.headers.extend(on_the_wire(fields))
    response[SENT] = frozenset(map(str.lower, response.headers))
    response[OUTCOME] = "relayed"


def on_the_wire(fields: Fields) -> CIMultiDict[str]:
    """Return the end-to-end *fields* of the upstream, as they are put on a desk's wire."""
    return CIMultiDict((name.decode("latin-1"), text_of(value)) for name, value in answer_fields(fields))


def verdict(answer: Answer, record_id: str) -> web.Response:
    """Return the server's own answer, unchanged but for the name of the record."""
    response = relayed(answer)
    response.headers["Dosekeeper-Record"] = record_id
    response[OUTCOME] = "verdict"
    return response


def relayed(answer: Answer) -> web.Response:
    """Return an answer of the server's that was read whole, unchanged."""
    response = web.Response(status=answer.status, reason=answer.reason, body=answer.body or None)
    relay_fields(answer.fields, response)
    return response


def receipt(made: ReceiptAnswer) -> web.Response:
    """Return a receipt."""
    response = web.Response(status=made.status, body=made.body)
    response.headers.update(made.fields)
    response[OUTCOME] = "receipt"
    return response


def problem(made: Problem) -> web.Response:
    """Return an error of our own, in English as long as nobody says who reads it (`for_reader`)."""
    response = web.Response(status=made.status, body=made.body(), content_type=CONTENT_TYPE, headers={hdrs.CONTENT_LANGUAGE: LANGUAGES[0]})
    response[PROBLEM] = made
    if made.retry_after_s is not None:
        response.headers[hdrs.RETRY_AFTER] = str(made.retry_after_s)
    if made.status == HTTPStatus.UNAUTHORIZED:
        response.headers[hdrs.WWW_AUTHENTICATE] = CLIENT_KEY  # one is wanted (RFC 9110 §11.6.1); a browser asks nobody for this scheme
    if made.status == HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers[hdrs.ALLOW] = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
    if made.status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE):
        response.force_close()  # the rest of the body is not waited for
    response[OUTCOME] = "problem"
    return response


def for_reader(request: web.BaseRequest, response: web.StreamResponse) -> web.StreamResponse:
    """Put an error of our own into the language that *request* prefers; whatever else is left as it is."""
    made = response.get(PROBLEM)
    language = LANGUAGES[0] if made is None else preferred(request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))
    if made is not None and language != LANGUAGES[0]:
        assert isinstance(response, web.Response)
        response.body = made.body(language)
        response.headers[hdrs.CONTENT_LANGUAGE] = language
    return response


def json(body: bytes, status: int = HTTPStatus.OK) -> web.Response:
    """Return JSON of our own."""
    response = web.Response(status=status, body=body, content_type="application/json")
    response[OUTCOME] = "own"
    return response


HYGIENE: Final = {"X-Content-Type-Options": "nosniff", hdrs.CACHE_CONTROL: "no-store"}
"""On every answer of our own (OWASP ASVS 5, 3.4 and 14.3): it may name a person, and is never a page of another type than it says."""


async def strip_added(_: web.BaseRequest, response: web.StreamResponse) -> None:
    """Take off what aiohttp added: its own name always, date and type where the upstream sent none (an `on_response_prepare` hook)."""
    if SENT not in response:
        for name, value in HYGIENE.items():
            response.headers.setdefault(name, value)
    sent = response.get(SENT, OWN_KEEPS)
    for name in ADDED:
        if name.lower() not in sent:
            response.headers.popall(name, None)

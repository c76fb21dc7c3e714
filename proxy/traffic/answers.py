"""How an answer is put on the desk's wire: nothing added that the upstream did not send."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter

from proxy.rules.client_keys import FIELD as CLIENT_KEY
from proxy.rules.fields import answer_fields, to_block
from proxy.rules.problems import CONTENT_TYPE, Problem
from proxy.rules.receipt import ReceiptAnswer
from proxy.rules.wire import Answer, Fields, text_of
from proxy.texts import LANGUAGES, preferred

ADDED: Final = {name.lower(): name for name in (hdrs.SERVER, hdrs.DATE, hdrs.CONTENT_TYPE)}
"""Fields that aiohttp adds where they are missing, by their lower-case names."""

SENT: Final = web.ResponseKey("sent", frozenset[str])
"""Under this key a relayed answer carries the lower-case names of the fields that the upstream sent."""

OUTCOME: Final = web.ResponseKey("outcome", str)
"""Under this key every answer carries what became of the request: the label of `http_requests_total`."""

OWN_KEEPS: Final = frozenset({"date", "content-type"})
"""What stays of `ADDED` on an answer of our own: the date, as RFC 9110 §6.6.1 asks, and the type."""


def relay_fields(fields: Fields, response: web.StreamResponse) -> None:
    """Put the end-to-end *fields* of the upstream on *response*, in their own case and order, and nothing else."""
    response.headers.clear()
    response.headers.extend((name.decode("latin-1"), text_of(value)) for name, value in answer_fields(fields))
    response[SENT] = frozenset(map(str.lower, response.headers))
    response[OUTCOME] = "relayed"


BODILESS: Final = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
"""Statuses of answers that have no body, and perhaps a Content-Length all the same (RFC 9110 §15.3.5, §15.4.5)."""


def verdict(answer: Answer, record_id: str) -> Ready:
    """Return the server's own answer, unchanged but for the name of the record."""
    response = relayed(answer, ((b"Dosekeeper-Record", record_id.encode()),))
    response[OUTCOME] = "verdict"
    return response


def relayed(answer: Answer, marks: Fields = (), head: bytes | None = None) -> Ready:
    """Return an answer of the server's that was read whole, unchanged but for *marks* of ours; *head* is its `head_of`, if known."""
    return Ready(answer, marks, head_of(answer) if head is None else head)


def head_of(answer: Answer) -> bytes:
    """Return the head of an answer that was read whole as it stands on a desk's wire, but for the empty line at its end."""
    fields = answer_fields(answer.fields)
    length = () if any(n.lower() == b"content-length" for n, _ in fields) else ((b"Content-Length", b"%d" % len(answer.body)),)
    return b"HTTP/1.1 %d %b\r\n%b" % (answer.status, answer.reason.encode(), to_block(fields + length))


class Ready(web.StreamResponse):
    """
    An answer of the server's whose bytes are known: aiohttp would work its head out anew, a sixth of what a remembered look-up takes.

    So it is on a connection that goes on as HTTP/1.1; on another, and where there must be no body, aiohttp writes it (`written_out`), a
    field in Latin-1 as UTF-8, for it knows nothing else.
    """

    def __init__(self, answer: Answer, marks: Fields, head: bytes) -> None:
        super().__init__(status=answer.status, reason=answer.reason)
        self._answer, self._marks, self._head = answer, marks, head
        self._made: web.Response | None = None
        self._wire: AbstractStreamWriter | None = None
        self[OUTCOME] = "relayed"

    def written_out(self) -> web.Response:
        """Return it as a response whose fields can be looked at and changed."""
        response = web.Response(status=self._answer.status, reason=self._answer.reason, body=self._answer.body or None)
        relay_fields(self._answer.fields + self._marks, response)
        response[OUTCOME] = self[OUTCOME]
        return response

    @property
    def keep_alive(self) -> bool | None:
        """Whether the connection goes on."""
        return True if self._made is None else self._made.keep_alive

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Look at what is asked for."""
        self._wire = request.writer
        bodiless = request.method == hdrs.METH_HEAD or self.status in BODILESS
        if request.version == HttpVersion11 and request.keep_alive and not bodiless:
            return self._wire
        self._made = self.written_out()
        return await self._made.prepare(request)

    async def write_eof(self, data: bytes = b"") -> None:
        """Answer."""
        if self._made is not None:
            await self._made.write_eof(data)
        elif self._wire is not None:
            await self._wire.write_eof(b"".join((self._head, to_block(self._marks), b"\r\n", self._answer.body)))


def receipt(made: ReceiptAnswer) -> web.Response:
    """Return a receipt."""
    response = web.Response(status=made.status, body=made.body)
    response.headers.update(made.fields)
    response[OUTCOME] = "receipt"
    return response


class _ProblemResponse(web.Response):
    """An error of our own, and what it says."""

    def __init__(self, made: Problem) -> None:
        language = {hdrs.CONTENT_LANGUAGE: LANGUAGES[0]}
        super().__init__(status=made.status, body=made.body(), content_type=CONTENT_TYPE, headers=language)
        self.made = made


def problem(made: Problem) -> web.Response:
    """Return an error of our own, in English as long as nobody says who reads it (`for_reader`)."""
    response = _ProblemResponse(made)
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
    if isinstance(response, _ProblemResponse):
        language = preferred(request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))
        if language != LANGUAGES[0]:
            response.body = response.made.body(language)
            response.headers[hdrs.CONTENT_LANGUAGE] = language
    return response


def json(body: bytes, status: int = HTTPStatus.OK) -> web.Response:
    """Return JSON of our own."""
    response = web.Response(status=status, body=body, content_type="application/json")
    response[OUTCOME] = "own"
    return response


HYGIENE: Final = {"X-Content-Type-Options": "nosniff", hdrs.CACHE_CONTROL: "no-store"}
"""On every answer of our own (OWASP ASVS 5, 3.4 and 14.3): it may name a person, and is never a page of another type than it says."""


def strip_added(response: web.StreamResponse) -> None:
    """Take off what aiohttp added: its own name always, date and type where the upstream sent none."""
    sent = response.get(SENT)
    if sent is None:
        sent = OWN_KEEPS
        for name, value in HYGIENE.items():
            response.headers.setdefault(name, value)
    for lower, name in ADDED.items():
        if lower not in sent:
            response.headers.popall(name, None)

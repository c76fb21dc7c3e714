"""
One client's connection: how long it may take, and what it is told where no handler can tell it.

aiohttp has no deadline for a head that does not end, names itself and its version in what it says to bytes that are no HTTP, and
repeats those bytes, there and in its log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from aiohttp import EMPTY_PAYLOAD, HttpVersion10, HttpVersion11, StreamReader, web
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong

from proxy.rules.problems import CONTENT_TYPE, problem
from proxy.traffic.limits import FIELD_MAX, FIELDS_MAX, HEAD_MAX, TARGET_MAX, Limits

log = logging.getLogger(__name__)

SPOKEN: Final = (HttpVersion10, HttpVersion11)

TOO_MANY_FIELDS: Final = "Too many headers received"
"""aiohttp's words; it has no exception of its own for it."""


class Deadline:
    """Calls *late* when, once started, it is not stopped within *seconds*; to start it again changes nothing."""

    def __init__(self, seconds: float, late: Callable[[], None]) -> None:
        self._seconds, self._late = seconds, late
        self._handle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Let the time run."""
        self._handle = self._handle or asyncio.get_running_loop().call_later(self._seconds, self._late)

    def stop(self) -> None:
        """Let it rest."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


class Connection(web.RequestHandler):
    """
    aiohttp's connection, under *limits*.

    It has no sign of its own that a head is arriving: bytes while all requests are answered and their bodies read are such a sign. The
    beginning of a head in the packet of the request before it goes unseen; until more of it comes it is idle, and closed as that.
    """

    __slots__ = ("_answered", "_begun", "_head", "_limits", "_reading", "_rest", "_server")

    def __init__(self, server: web.Server, limits: Limits) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # AppRunner passes it on, and it is asked for its truth only
            auto_decompress=False,
            keepalive_timeout=limits.idle_s,
            lingering_time=limits.lingering_s,
            max_line_size=TARGET_MAX,
            max_field_size=FIELD_MAX,
            max_headers=FIELDS_MAX,
        )
        self._server = server
        self._limits = limits
        self._answered = 0
        self._rest: StreamReader = EMPTY_PAYLOAD  # the body of what was answered last, which may still be arriving
        self._begun = 0  # bytes of a head that is not complete yet
        self._head = Deadline(limits.head_s, self._head_late)
        self._reading = Deadline(limits.stalled_s, self._stalled)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or, where there are too many, say so and close it."""
        if len(self._server.connections) >= self._limits.connections:
            assert isinstance(transport, asyncio.Transport)
            self.force_close()
            transport.write(_bare("too-many-connections"))
            transport.close()
            return
        super().connection_made(transport)
        self._head.start()

    def data_received(self, data: bytes) -> None:
        """Take bytes; a head that has begun has to end in time, and somewhere."""
        before = self._request_count
        at_head = self._answered == before and self._rest.is_eof()
        super().data_received(data)
        if self._request_count > before:
            self._begun = 0
            self._head.stop()
        elif data and at_head:
            self._begun += len(data)
            if self._begun > HEAD_MAX:
                self._refuse("head-too-large")
            else:
                self._head.start()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the deadlines."""
        self._head.stop()
        self._reading.stop()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait for the client to read, but not for ever: its request holds a connection to the upstream too."""
        super().pause_writing()
        self._reading.start()

    def resume_writing(self) -> None:
        """Go on: the client reads."""
        self._reading.stop()
        super().resume_writing()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Answer; what arrives after it belongs to another request."""
        if request.version not in SPOKEN:
            self._refuse("version-not-served")  # the line of an answer would have the request's version in it
        told = await super().finish_response(request, resp, start_time)
        self._answered += 1
        self._rest = request.content
        return told

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it repeats what came
    ) -> web.StreamResponse:
        """Say what is wrong with bytes that are no request, or that we failed; nothing of them is repeated."""
        if isinstance(exc, BadHttpMessage):
            code = _code(exc)
            log.info("request refused", extra={"action": "request_refused", "problem": code})
        else:
            code = "failed"
            log.error("request failed", extra={"action": "request_failed"}, exc_info=exc)
        if request.writer.output_size and self.transport is not None:
            self.transport.abort()  # in the middle of an answer: the only honest end is a broken one
        self._refuse(code)
        return web.Response(status=status)  # goes nowhere: the connection is closed

    def _head_late(self) -> None:
        if self._begun:
            self._refuse("too-slow")
        else:
            self.force_close()  # a browser opens connections that it does not need

    def _stalled(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def _refuse(self, code: str) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(_bare(code))
        self.force_close()


def _code(error: BadHttpMessage) -> str:
    if isinstance(error, LineTooLong):
        return "target-too-long" if error.args[1] == TARGET_MAX else "head-too-large"
    return "head-too-large" if error.message == TOO_MANY_FIELDS else "request-malformed"


def _bare(code: str) -> bytes:
    """Return an answer as bytes: there is no request that it could be written for."""
    made = problem(code, None, {})
    body = made.body()
    return (
        b"HTTP/1.1 %d %b\r\nDate: %b\r\nContent-Type: %b\r\nContent-Length: %d\r\nX-Content-Type-Options: nosniff\r\n"
        b"Cache-Control: no-store\r\nConnection: close\r\n\r\n%b"
        % (
            made.status,
            HTTPStatus(made.status).phrase.encode(),
            formatdate(usegmt=True).encode(),
            CONTENT_TYPE.encode(),
            len(body),
            body,
        )
    )

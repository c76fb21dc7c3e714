"""
Clients that want to be told when the centre's status changes: server-sent events (HTML Living Standard, 9.2).

Nothing is done while nobody listens. Who listens is told how it stands now, not what it missed, so nothing is kept for a slow reader; one
that does not read at all is cut off after `Limits.stalled_s`, as on any answer.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Any, Final

import orjson
from aiohttp import web

from proxy.rules.telling import PublicStatus, told
from proxy.texts import weighed
from proxy.traffic.answers import OUTCOME
from proxy.traffic.limits import Limits
from store.errors import JournalError

EVENTS: Final = "text/event-stream"

LOOK_EVERY_S: Final = 1.0
"""While somebody listens the journal is asked so often, once for all of them; a circuit's change is told at once."""

RINGS_APART_S: Final = 0.1
"""The least between two looks because something has changed: a circuit that is on the edge changes a hundred times a second."""

BEAT_EVERY_S: Final = 15.0
"""Between two lines to a listener, at most: proxies close what is silent (HTML Living Standard, 9.2.7, advises the same)."""

RETRY_MS: Final = 3000
"""After which a client connects again; short, because it is the sidecar on the same desk or down the corridor."""

AGAIN_S: Final = 15
"""Retry-After where there are too many; such a client asks for the JSON now and then instead."""

UNSENT_MAX: Final = 16 * 1024
"""Bytes that wait in the system for one that does not read: some thirty events."""


def wants_events(accept: str) -> bool:
    """Whether an Accept field prefers events to JSON; a wildcard does not, and who takes either wants an answer that ends."""
    weights = dict(weighed(accept))
    return weights.get(EVENTS, 0.0) > weights.get("application/json", 0.0)


class Listeners:
    """The listeners of one data port, and the status, which *ask* tells."""

    def __init__(self, ask: Callable[[], Awaitable[PublicStatus]], limits: Limits) -> None:
        self._ask = ask
        self._limits = limits
        self._listening: list[web.BaseRequest] = []
        self._closed = False
        self._rung = asyncio.Event()
        self._looked: asyncio.Future[PublicStatus] | None = None
        self._looked_at = 0.0
        self._look_again_at = 0.0
        self._ringing: asyncio.TimerHandle | None = None

    def ring(self) -> None:
        """Look as soon as may be: something has changed."""
        if self._ringing is None:
            self._ringing = asyncio.get_running_loop().call_at(self._looked_at + RINGS_APART_S, self._look_now)

    def _look_now(self) -> None:
        self._ringing = None
        self._look_again_at = 0.0
        self._rung.set()
        self._rung = asyncio.Event()

    async def close(self) -> None:
        """End every stream, and begin none: a stop is not held up by those who only listen, nor by those who do not read what they hear."""
        self._closed = True
        self._look_now()
        for request in self._listening:
            if request.transport is None:
                continue
            if request.transport.get_write_buffer_size():
                request.transport.abort()
            else:
                request.transport.set_write_buffer_limits()  # the last few bytes have room whatever the client does

    async def look(self) -> PublicStatus:
        """Return how it stands."""
        return await self._ask()

    async def stream(self, request: web.BaseRequest, response: web.StreamResponse, language: str) -> bool:
        """Tell *request* by *response* how it stands, now and at every change, until it leaves; False where there are too many."""
        if len(self._listening) >= self._limits.listeners or self._closed:
            return False
        self._listening.append(request)
        try:
            await self._tell(request, response, language)
        finally:
            self._listening.remove(request)
        return True

    async def _tell(self, request: web.BaseRequest, response: web.StreamResponse, language: str) -> None:
        await self._shared_look()  # where the journal cannot be read, that is the answer
        response.content_type = EVENTS
        response[OUTCOME] = "own"
        await response.prepare(request)
        if request.method == "HEAD":
            return
        _expect_little_room(request)
        loop, known, beat_at = asyncio.get_running_loop(), request.headers.get("Last-Event-ID"), 0.0
        try:
            await response.write(b"retry: %d\n\n" % RETRY_MS)
            while not self._closed and _there(request):
                rung = self._rung  # what rings while we look is not missed
                said = told(await self._shared_look(), language)
                if (name := _name(said)) != known or loop.time() >= beat_at:
                    event = b"id: %b\nevent: status\ndata: %b" % (name.encode(), orjson.dumps(said))
                    await response.write((b":" if name == known else event) + b"\n\n")
                    known, beat_at = name, loop.time() + BEAT_EVERY_S
                await _within(LOOK_EVERY_S, rung)
            await response.write_eof()
        except (ConnectionError, JournalError):
            return  # it left, or connects again and is then told what is wrong

    async def _shared_look(self) -> PublicStatus:
        now = asyncio.get_running_loop().time()
        if self._looked is None or now >= self._look_again_at:
            self._looked_at, self._look_again_at = now, now + LOOK_EVERY_S
            self._looked = asyncio.ensure_future(self._ask())
        return await asyncio.shield(self._looked)


def _name(said: dict[str, Any]) -> str:
    """Return the event's id: the same for the same words, also after a restart, so that nobody is told twice."""
    outage = said.get("outage") and {**said["outage"], "duration_s": None}  # it grows; that alone is no event
    return blake2b(orjson.dumps({**said, "outage": outage}), digest_size=8).hexdigest()


def _there(request: web.BaseRequest) -> bool:
    return request.transport is not None and not request.transport.is_closing()


def _expect_little_room(request: web.BaseRequest) -> None:
    """Let it be noticed soon that a listener does not read: else the system takes megabytes for it first."""
    transport = request.transport
    if not isinstance(transport, asyncio.WriteTransport):
        return
    transport.set_write_buffer_limits(high=0)
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNSENT_MAX)


async def _within(seconds: float, event: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass

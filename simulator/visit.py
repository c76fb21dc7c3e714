"""One request on the data port, from its head to its answer, or to its end without one."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from typing import Final

from aiohttp import web

from simulator import clock
from simulator.exchange import Call, NationalApi, Reply, json_reply
from simulator.faults.board import Board, Raised
from simulator.faults.fault import RequestFault
from simulator.ledger import Ledger, Received
from simulator.line import RESET_ON_CLOSE

BODY_MAX: Final = 10 * 1024 * 1024
"""Bytes of a body that are read: the limit of the gateway that CoWIN's answers show."""

TOO_LONG: Final = json_reply(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"message": "Request Too Long"})


class Visit:
    """Serves one request: the faults that strike it first, then the server. The ledger is told of every step."""

    def __init__(self, request: web.BaseRequest, entry: Received, ledger: Ledger, api: NationalApi) -> None:
        self._request = request
        self._entry = entry
        self._ledger = ledger
        self._api = api
        self._strikes: Iterator[tuple[Raised, RequestFault]] = iter(())
        self._lifted = asyncio.Event()

    async def serve(self, board: Board) -> Reply | None:
        """Return the answer to send; None if the connection was dealt with."""
        self._strikes = iter(await board.strikes(self._request.path, self._entry.target, self.read))
        reply = await self.work()
        self._entry.reply = reply or self._entry.reply
        return reply

    @property
    def left(self) -> bool:
        """Tell whether the client has gone."""
        return self._request.transport is None or self._request.transport.is_closing()

    def field(self, name: str) -> str:
        """Return a field of the request's head, empty where there is none."""
        return self._request.headers.get(name, "")

    async def read(self) -> bytes:
        """Read the request's body, once, and return it; of a body over the limit a little more than that."""
        if self._entry.body is None:
            if self._request.headers.get("Expect", "").lower() == "100-continue":
                await self._request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                self._request.writer.output_size = 0
            body = bytearray()
            async for chunk in self._request.content.iter_any():
                body += chunk
                if len(body) > BODY_MAX:
                    break
            self._entry.body = bytes(body)
        return self._entry.body

    async def wait(self, seconds: float | None = None) -> None:
        """Wait until the fault that is striking is lifted, or for *seconds* at most."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._lifted.wait(), seconds)

    async def work(self) -> Reply | None:
        """Let the next fault strike or, after the last, the server do what was asked."""
        strike = next(self._strikes, None)
        if strike is None:
            return self._apply(await self.read())
        raised, fault = strike
        self._entry.faults.append(raised.name)
        self._lifted = raised.lifted
        return await fault.strike(self)

    def unauthenticated(self) -> Reply:
        """Return the server's own answer to a credential that is not accepted."""
        return self._api.unauthenticated()

    def reset(self) -> None:
        """Break the connection so that the client sees a reset."""
        if self._request.transport is not None:
            self._request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            self._request.transport.abort()

    def send(self, raw: bytes) -> None:
        """Send bytes as they are; nothing once the client has gone."""
        if self._request.transport is not None and not self.left:
            self._request.transport.write(raw)

    def drop(self, answered: Reply | None = None) -> None:
        """Close the connection after what was sent; *answered* is the answer that was sent whole, for the ledger."""
        self._entry.reply = answered
        if self._request.transport is not None:
            self._request.transport.close()

    def _apply(self, body: bytes) -> Reply:
        """Do what was asked. Nothing is awaited, so that requests take effect one after the other."""
        if len(body) > BODY_MAX:
            return TOO_LONG
        moment = clock.now()
        reply = self._api.answer(self._call(body, moment.at))
        self._ledger.apply(self._entry, reply.effects, moment)
        return reply

    def _call(self, body: bytes, at: int) -> Call:
        return Call(
            method=self._request.method,
            path=self._request.path,
            query=dict(self._request.query),
            fields={name.lower(): value for name, value in self._request.headers.items()},
            body=body,
            at=at,
        )

"""Takes requests from the data port's connections and gives the answers back."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

from aiohttp import web

from simulator import clock
from simulator.exchange import NationalApi, Reply
from simulator.faults.board import Board
from simulator.ledger import Ledger, Received
from simulator.visit import Visit


class DataPort:
    """The national server as it is seen from outside."""

    def __init__(self, api: NationalApi, ledger: Ledger, board: Board) -> None:
        self._api = api
        self._ledger = ledger
        self._board = board
        self._numbers = count(1)
        self._connections: WeakKeyDictionary[asyncio.Transport, int] = WeakKeyDictionary()
        self._serving: set[asyncio.Task[Any]] = set()

    async def stop(self) -> None:
        """Give up what is being served, also for clients who have left."""
        for task in self._serving:
            task.cancel()
        if self._serving:
            await asyncio.wait(self._serving)

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request as the API, or the faults that strike it, would have it."""
        visit = Visit(request, self._enter(request), self._ledger, self._api)
        task = asyncio.current_task()
        assert task is not None, "a handler runs in a task"
        self._serving.add(task)
        try:
            reply = await visit.serve(self._board)
        except (ConnectionError, web.RequestPayloadError):
            reply = None  # the client left, or broke off, before its request was whole
        finally:
            self._serving.discard(task)
        return _gone() if reply is None else _response(reply)

    def _enter(self, request: web.BaseRequest) -> Received:
        target = request.raw_path.encode("utf-8", "surrogateescape")
        return self._ledger.receive(self._connection(request.transport), request.method, target, request.raw_headers, clock.now())

    def _connection(self, transport: asyncio.Transport | None) -> int:
        """Return the number of a connection; one that is gone already has nothing to be known again by."""
        if transport is None:
            return next(self._numbers)
        if transport not in self._connections:
            self._connections[transport] = next(self._numbers)
        return self._connections[transport]


def _gone() -> web.StreamResponse:
    """Return what aiohttp wants to be given although nobody is there to receive it."""
    response = web.Response()
    response.force_close()
    return response


def _response(reply: Reply) -> web.Response:
    fields = {"Server": "dosekeeper-simulator", **dict(reply.fields)}
    if reply.content_type is not None:
        fields["Content-Type"] = reply.content_type
    return web.Response(status=reply.status, body=reply.body if reply.content_type else None, headers=fields)

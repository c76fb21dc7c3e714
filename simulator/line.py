"""The data port: it listens, or is closed so that the kernel itself refuses."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from aiohttp import web

POSIX: Final = os.name == "posix"
BACKLOG: Final = 1024


class Line:
    """One port that can be closed and opened again; `port` 0 picks a free one. Its event loop has to be a `SelectorEventLoop`."""

    def __init__(self, host: str, port: int, serve: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> None:
        self.host = host
        self.port = port
        self._serve = serve
        self._http: web.Server | None = None
        self._cuts = 0
        self._listener: socket.socket | None = None
        self._arriving: set[asyncio.Task[None]] = set()
        self._reserved: socket.socket | None = None

    async def start(self) -> None:
        """
        Listen.

        Raises:
            OSError: The port is taken.
        """
        self._http = web.Server(self._serve, auto_decompress=False, access_log=None)
        self._reserved = self._bound()
        self.port = self._reserved.getsockname()[1]
        if not POSIX:
            self._reserved.close()
        self._listen()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._transports())

    async def cut(self) -> None:
        """Close the port and all its connections."""
        self._cuts += 1
        await self._silence()

    async def mend(self) -> None:
        """Undo one `cut`; after the last one the same port listens again."""
        self._cuts -= 1
        if self._cuts == 0:
            self._listen()

    async def stop(self) -> None:
        """Close the port for good."""
        await self._silence()
        if self._http is not None:
            await self._http.shutdown()
        if self._reserved is not None:
            self._reserved.close()

    def _listen(self) -> None:
        assert self._http is not None, "start comes first"
        self._listener = self._bound()
        self._listener.listen(BACKLOG)
        self._listener.setblocking(False)
        asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener, self._http)

    def _accept(self, listener: socket.socket, http: web.Server) -> None:
        """
        Take one connection.

        An `asyncio.Server` that is closed between taking a connection and serving it leaves it open and silent; here `cut` knows of
        all of them.
        """
        with suppress(OSError):  # broken off already, or too many are open: the next one may do
            connection, _ = listener.accept()
            connection.setblocking(False)
            arrival = asyncio.get_running_loop().create_task(self._connect(connection, http))
            self._arriving.add(arrival)
            arrival.add_done_callback(self._arriving.discard)

    async def _connect(self, connection: socket.socket, http: web.Server) -> None:
        await asyncio.get_running_loop().connect_accepted_socket(http, connection)

    async def _silence(self) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        if self._arriving:
            await asyncio.wait(self._arriving)
        for transport in self._transports():
            transport.abort()

    def _transports(self) -> list[asyncio.Transport]:
        protocols = self._http.connections if self._http is not None else []
        return [protocol.transport for protocol in protocols if protocol.transport is not None]

    def _bound(self) -> socket.socket:
        """
        Return a socket bound to the port.

        One such socket is kept for as long as the line lives, without listening: connections are refused all the same while the
        line is cut, and nobody else is given the port meanwhile.
        """
        bound = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)
        try:
            if POSIX:
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((self.host, self.port))
        except OSError:
            bound.close()
            raise
        return bound

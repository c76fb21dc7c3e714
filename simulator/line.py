"""The data port: it listens, with TLS or without, or is in one of the troubles that a port can have."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from aiohttp import web

from simulator.faults.fault import FLAWS, Trouble

if TYPE_CHECKING:
    from simulator.certificates import Certificates  # slow to import, and only a TLS port needs it

POSIX: Final = os.name == "posix"
BACKLOG: Final = 1024

RESET_ON_CLOSE: Final = struct.pack("ii" if POSIX else "hh", 1, 0)
"""SO_LINGER, on, 0 s: closing the socket sends RST instead of FIN."""


class Line:
    """One port that can be closed and opened again; `port` 0 picks a free one. Its event loop has to be a `SelectorEventLoop`."""

    def __init__(
        self,
        host: str,
        port: int,
        serve: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        certificates: Certificates | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self._serve = serve
        self._certificates = certificates
        self._http: web.Server | None = None
        self._troubles: list[Trouble] = []
        self._listener: socket.socket | None = None
        self._filling: socket.socket | None = None
        self._arriving: dict[asyncio.Task[None], socket.socket] = {}
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

    async def begin(self, trouble: Trouble) -> None:
        """Break all connections, and treat new ones so; ValueError if this port cannot have that trouble."""
        if trouble in FLAWS and self._certificates is None:
            raise ValueError("the data port speaks no TLS, so no certificate can be wrong: start the simulator with --tls FILE")
        self._troubles.append(trouble)
        await self._turned()

    async def end(self, trouble: Trouble) -> None:
        """Undo one `begin`; after the last one the same port listens as before."""
        self._troubles.remove(trouble)
        await self._turned()

    async def stop(self) -> None:
        """Close the port for good."""
        self._close()
        await self._break()
        if self._http is not None:
            await self._http.shutdown()
        if self._reserved is not None:
            self._reserved.close()

    async def _turned(self) -> None:
        self._close()
        if Trouble.CUT not in self._troubles:
            self._stall() if Trouble.STALLED in self._troubles else self._listen()
        await self._break()

    def _listen(self) -> None:
        assert self._http is not None, "start comes first"
        self._listener = self._bound()
        self._listener.listen(BACKLOG)
        self._listener.setblocking(False)
        asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener, self._http)

    def _stall(self) -> None:
        """Listen, with a queue for one that nobody serves, and stand in it."""
        self._listener = self._bound()
        self._listener.listen(0)
        self._filling = socket.create_connection((self.host, self.port))

    def _accept(self, listener: socket.socket, http: web.Server) -> None:
        """
        Take one connection.

        An `asyncio.Server` that is closed between taking a connection and serving it leaves it open and silent; here `_break` knows
        of all of them.
        """
        with suppress(OSError):  # broken off already, or too many are open: the next one may do
            connection, _ = listener.accept()
            if Trouble.RESET in self._troubles:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                connection.close()
                return
            connection.setblocking(False)
            arrival = asyncio.get_running_loop().create_task(self._connect(connection, http))
            self._arriving[arrival] = connection
            arrival.add_done_callback(self._arriving.pop)

    async def _connect(self, connection: socket.socket, http: web.Server) -> None:
        with suppress(OSError):  # no handshake came about, which is the client's to say
            await asyncio.get_running_loop().connect_accepted_socket(http, connection, ssl=self._context())

    def _context(self) -> ssl.SSLContext | None:
        if self._certificates is None:
            return None
        return self._certificates.context(next((trouble for trouble in reversed(self._troubles) if trouble in FLAWS), None))

    def _close(self) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        if self._filling is not None:
            self._filling.close()
            self._filling = None

    async def _break(self) -> None:
        """Break all connections, those too that are in the middle of their handshake."""
        for connection in self._arriving.values():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
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

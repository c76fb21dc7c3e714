"""A listening port of ours: aiohttp's server, told to leave bytes alone."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from aiohttp import http_parser, http_writer, web

from proxy.traffic.answers import strip_added
from proxy.traffic.connection import Connection
from proxy.traffic.data_port import DataPort
from proxy.traffic.limits import Limits

CLOSING_S: Final = 5.0
"""Time that requests under way have at a stop; longer than `answer_within`, so that every desk has its answer."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def wire_problem() -> str | None:
    """Return why requests cannot be read safely here, None where they can: aiohttp's pure Python parser takes what the C one refuses."""
    in_c = (http_parser.HttpRequestParser, http_parser.HttpResponseParser, http_writer._serialize_headers)  # noqa: SLF001
    if all(part.__module__.startswith("aiohttp._") for part in in_c):
        return None
    return (
        "aiohttp runs without its C parser here, and its other one takes requests that must be refused. Unset AIOHTTP_NO_EXTENSIONS, "
        "or install a wheel made for this machine: pip install --force-reinstall --only-binary=:all: aiohttp"
    )


def data_app(port: DataPort) -> web.Application:
    """Return an application that hands every request to *port*."""
    answer = port.handle

    @web.middleware
    async def every(request: web.Request, handler: Handler) -> web.StreamResponse:  # noqa: ARG001 - aiohttp gives it by its name
        return await answer(request)  # also what the route below does not match: `*`, or a line feed

    app = web.Application(middlewares=[every])
    app.router.register_resource(_Everything(answer))  # else aiohttp makes an exception of each request, and a chain of handlers for it
    app.on_response_prepare.append(strip_added)
    if port.origins:
        app.on_response_prepare.append(port.share)
    app.on_shutdown.append(lambda _: port.stop())
    return app


class _Everything(web.PlainResource):
    """Every path and method, without a look at them: which route it is, is for the profile to say."""

    def __init__(self, answer: Handler) -> None:
        super().__init__("/")
        self._only = self.add_route("*", answer)

    async def resolve(self, request: web.Request) -> tuple[web.UrlMappingMatchInfo, set[str]]:  # noqa: ARG002 - aiohttp's signature
        return web.UrlMappingMatchInfo({}, self._only), set()


class Port:
    """One listening socket. Bodies are not decompressed, and a handler goes on when its client leaves (its record must settle)."""

    def __init__(self, app: web.Application, host: str, port: int, tls: ssl.SSLContext | None = None, limits: Limits | None = None) -> None:
        self._runner = web.AppRunner(app, handler_cancellation=False, shutdown_timeout=CLOSING_S)
        self._host, self._port, self._tls = host, port, tls
        self._limits = limits or Limits()
        self._listening: asyncio.Server | None = None

    async def open(self) -> int:
        """
        Listen, and return the port (of use where 0 was asked for).

        Raises:
            OSError: The port is taken or the address is not ours.
        """
        await self._runner.setup()
        server = self._runner.server
        assert server is not None
        limits = self._limits
        self._listening = await asyncio.get_running_loop().create_server(
            lambda: Connection(server, limits),
            self._host,
            self._port,
            ssl=self._tls,
            ssl_handshake_timeout=None if self._tls is None else limits.head_s,
            ssl_shutdown_timeout=None if self._tls is None else limits.lingering_s,
        )
        port: int = self._listening.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        """Stop listening and give requests under way `CLOSING_S` to end."""
        if self._listening is not None:
            self._listening.close()
        await self._runner.cleanup()


def tls_context(cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """Return the server's TLS context, None where no certificate is configured."""
    if cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert, key)
    return context

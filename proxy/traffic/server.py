"""A listening port of ours: aiohttp's server, told to leave bytes alone."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Final

from aiohttp import HttpVersion11, StreamReader, hdrs, http_parser, http_writer, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage

from proxy.traffic.answers import strip_added
from proxy.traffic.connection import Connection
from proxy.traffic.data_port import DataPort
from proxy.traffic.limits import Limits

CLOSING_S: Final = 5.0
"""Time that requests under way have at a stop; longer than `answer_within`, so that every desk has its answer."""


def wire_problem() -> str | None:
    """Return why requests cannot be read safely here, None where they can: aiohttp's pure Python parser takes what the C one refuses."""
    in_c = (http_parser.HttpRequestParser, http_parser.HttpResponseParser, http_writer._serialize_headers)  # noqa: SLF001
    if all(part.__module__.startswith("aiohttp._") for part in in_c):
        return None
    return (
        "aiohttp runs without its C parser here, and its other one takes requests that must be refused. Unset AIOHTTP_NO_EXTENSIONS, "
        "or install a wheel made for this machine: pip install --force-reinstall --only-binary=:all: aiohttp"
    )


def data_runner(port: DataPort) -> web.BaseRunner:
    """Return what hands every request to *port*: not an application, whose router and chain of handlers would do nothing here."""

    class Request(web.BaseRequest):
        async def _prepare_hook(self, response: web.StreamResponse) -> None:
            strip_added(response)
            if port.origins:
                port.share(self, response)

    def request(
        message: RawRequestMessage,
        content: StreamReader,
        protocol: web.RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> web.BaseRequest:
        return Request(message, content, protocol, writer, task, loop)

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get(hdrs.EXPECT) and request.version >= HttpVersion11:
            await _meet_expectation(request)
        return await port.handle(request)

    class Runner(web.ServerRunner):
        async def shutdown(self) -> None:
            await port.stop()

    loop = asyncio.get_running_loop()
    return Runner(web.Server(answer, request_factory=request), shutdown_timeout=CLOSING_S)


def app_runner(app: web.Application) -> web.BaseRunner:
    """Return what serves *app*."""
    return web.AppRunner(app, handler_cancellation=False, shutdown_timeout=CLOSING_S)


async def _meet_expectation(request: web.BaseRequest) -> None:
    """Let a client that waits for leave send its body (RFC 9110 §10.1.1), as aiohttp's applications do."""
    if request.headers[hdrs.EXPECT].lower() != "100-continue":
        raise web.HTTPExpectationFailed
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # nothing of the answer is out


class Port:
    """One listening socket. Bodies are not decompressed, and a handler goes on when its client leaves (its record must settle)."""

    def __init__(
        self, runner: web.BaseRunner, host: str, port: int, tls: ssl.SSLContext | None = None, limits: Limits | None = None
    ) -> None:
        self._runner = runner
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

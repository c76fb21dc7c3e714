"""A listening port of ours: aiohttp's server, told to leave bytes alone."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from aiohttp import web

from proxy.traffic.answers import strip_added

CLOSING_S: Final = 5.0
"""Time that requests under way have at a stop; longer than `answer_within`, so that every desk has its answer."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def data_app(handler: Handler) -> web.Application:
    """Return an application that hands every request to *handler*."""
    app = web.Application()
    app.on_response_prepare.append(strip_added)
    app.router.add_route("*", "/{path:.*}", handler)
    return app


class Port:
    """One listening socket. Bodies are not decompressed, and a handler goes on when its client leaves (its record must settle)."""

    def __init__(self, app: web.Application, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._runner = web.AppRunner(
            app,
            access_log=None,
            auto_decompress=False,
            handler_cancellation=False,
            shutdown_timeout=CLOSING_S,
        )
        self._host, self._port, self._tls = host, port, tls

    async def open(self) -> int:
        """
        Listen, and return the port (of use where 0 was asked for).

        Raises:
            OSError: The port is taken or the address is not ours.
        """
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port, ssl_context=self._tls, reuse_address=None)
        await site.start()
        port: int = self._runner.addresses[0][1]
        return port

    async def close(self) -> None:
        """Stop listening and give requests under way `CLOSING_S` to end."""
        await self._runner.cleanup()


def tls_context(cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """Return the server's TLS context, None where no certificate is configured."""
    if cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert, key)
    return context

"""
The one door to the upstream: a request goes out once, an `Exchange` comes back.

aiohttp's exceptions become values here and nowhere else. Only a failure to connect proves that nothing was sent (measured; see
`_failure_of`); every other failure leaves it open whether the upstream has the request.
"""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp import hdrs
from multidict import CIMultiDict
from yarl import URL

from proxy.rules.wire import Answer, Exchange, Failure, FailureKind, Fields, text_of
from proxy.settings.model import Upstream as UpstreamSettings

ANSWER_MAX: Final = 8 * 1024 * 1024
"""Bytes of a verdict that are held in memory; a longer answer is no verdict."""

IDLE_MAX_S: Final = 0.9
"""Age of an idle connection that a record may still go out on: the server may have closed an older one unseen."""

UNASKED_FIELDS: Final = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """
    A request as it is to stand on the wire; `target` is raw path and query.

    `origin` is another server's, asked for what the upstream wants to see (a token, keys); None: the upstream's own.
    """

    method: str
    target: str
    fields: Fields
    body: bytes | AsyncIterator[bytes] | None = None
    origin: str | None = None


class Upstream:
    """HTTP sessions to one upstream: one for records, with fresh connections, and one for all other calls."""

    def __init__(self, settings: UpstreamSettings) -> None:
        parts = urlsplit(settings.url)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.prefix = parts.path.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=None, connect=settings.connect_timeout)
        self.whole_s = settings.connect_timeout + settings.read_timeout
        context = _tls(settings)
        self._records = self._session(_Connector(ssl=context, limit=0, keepalive_timeout=IDLE_MAX_S))
        self._others = self._session(_Connector(ssl=context, limit=0))

    def _session(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=UNASKED_FIELDS,
            timeout=self._timeout,
        )

    async def close(self) -> None:
        """Close all connections; what is under way ends as a failure."""
        await self._records.close()
        await self._others.close()

    async def send_record(self, outgoing: Outgoing) -> Exchange:
        """Send a record's request, once on the wire, and return what came of it; never raises for the network's sake."""
        return await self._whole(self._records, outgoing, self.whole_s)

    async def ask(self, outgoing: Outgoing, within_s: float) -> Exchange:
        """Ask a question that changes nothing (a probe) and return the whole answer."""
        return await self._whole(self._others, outgoing, min(within_s, self.whole_s))

    async def _whole(self, session: aiohttp.ClientSession, outgoing: Outgoing, within_s: float) -> Exchange:
        try:
            async with asyncio.timeout(within_s), self._request(session, outgoing) as response:
                _be_an_answer(response)
                return Answer(response.status, _reason(response), tuple(response.raw_headers), await _read_all(response))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return _failure_of(error)

    @asynccontextmanager
    async def stream(self, outgoing: Outgoing) -> AsyncIterator[StreamedAnswer | Failure]:
        """
        Pass a request on and hand out its answer while it is still arriving.

        Yields a `Failure` when no answer head came. A failure within the body raises `Broken`, from the iteration of `chunks`.
        """
        deadline = asyncio.get_running_loop().time() + self.whole_s
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._request(self._others, outgoing)
                _be_an_answer(response)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            yield _failure_of(error)
            return
        async with response:
            yield StreamedAnswer(
                response.status, _reason(response), tuple(response.raw_headers), _chunks(response, deadline), _here(response.content)
            )

    def _request(self, session: aiohttp.ClientSession, outgoing: Outgoing) -> aiohttp.client._RequestContextManager:
        return session.request(
            outgoing.method,
            URL((outgoing.origin or self.origin) + outgoing.target, encoded=True),
            headers=CIMultiDict((n.decode("latin-1"), text_of(v)) for n, v in outgoing.fields),
            data=outgoing.body,
            allow_redirects=False,
            middlewares=(_Once(),),
        )


@dataclass(frozen=True, slots=True)
class StreamedAnswer:
    """An answer whose body is still arriving. `whole` is the body where all of it has come with the head, as that of most answers does."""

    status: int
    reason: str
    fields: Fields
    chunks: AsyncIterator[bytes]
    whole: bytes | None = None


class Broken(Exception):
    """The upstream's answer ended before its end."""


class _Once:
    """Veto for the attempt that aiohttp makes by itself when a kept connection turns out to be dead: the first may have got through."""

    def __init__(self) -> None:
        self._gone = False

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]]
    ) -> aiohttp.ClientResponse:
        if self._gone:
            raise aiohttp.ServerDisconnectedError
        self._gone = True
        return await handler(request)


class _Connector(aiohttp.TCPConnector):
    """Leaves alone a kept connection on which more came than was asked for: aiohttp would take it for the answer to the next request."""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[aiohttp.tracing.Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's name
    ) -> aiohttp.connector.Connection:
        while True:
            connection = await super().connect(req, traces, timeout)
            if connection.protocol is None or not connection.protocol.should_close:
                return connection
            connection.close()


def _be_an_answer(response: aiohttp.ClientResponse) -> None:
    """Refuse a switch of protocols that nobody asked for, and a coding that nobody would take off again."""
    codings = [value.lower() for value in response.headers.getall(hdrs.TRANSFER_ENCODING, ())]
    if response.status < HTTPStatus.OK or codings not in ([], ["chunked"]):
        response.close()
        raise aiohttp.ClientConnectionError


def elsewhere(url: str) -> tuple[str, str]:
    """Return (origin, target) of a whole *url*, as an `Outgoing` wants them."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}", parts.path or "/"


def _reason(response: aiohttp.ClientResponse) -> str:
    # aiohttp reads control characters in it, but refuses to write them.
    return "".join(char if char.isprintable() else " " for char in response.reason or "")


async def _read_all(response: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > ANSWER_MAX:
            raise aiohttp.ClientPayloadError
        parts.append(chunk)
    return b"".join(parts)


def _here(content: aiohttp.StreamReader) -> bytes | None:
    """Return all of a body, taken off its stream; None where some of it may still come, or there is none."""
    return (content.read_nowait() or None) if content.is_eof() and content.exception() is None else None


async def _chunks(response: aiohttp.ClientResponse, deadline: float) -> AsyncIterator[bytes]:
    try:
        while True:
            async with asyncio.timeout_at(deadline):  # for all of it: an answer that drips is never silent for long
                chunk = await response.content.readany()
            if not chunk:
                return
            yield chunk
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise Broken from error


def _failure_of(error: Exception) -> Failure:  # noqa: PLR0911 - one exception, one return
    """Translate an exception; only a connector's error or a connection timeout proves that not one byte left."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return Failure(FailureKind.DNS, sent=False)
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return Failure(FailureKind.TLS, sent=False)
        case aiohttp.ClientConnectorError():
            refused = error.os_error.errno == errno.ECONNREFUSED
            return Failure(FailureKind.REFUSED if refused else FailureKind.CONNECT, sent=False)
        case aiohttp.ConnectionTimeoutError():
            return Failure(FailureKind.CONNECT, sent=False)
        case TimeoutError():
            return Failure(FailureKind.TIMEOUT, sent=True)
        case aiohttp.ClientPayloadError():
            return Failure(FailureKind.TRUNCATED, sent=True)
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | OSError():
            return Failure(FailureKind.RESET, sent=True)
        case _:
            return Failure(FailureKind.PROTOCOL, sent=True)


def _tls(settings: UpstreamSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=None if settings.ca_file is None else str(settings.ca_file))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.client_cert is not None:
        context.load_cert_chain(str(settings.client_cert))
    return context

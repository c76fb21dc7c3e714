"""A request's body, read once: whole and bounded where it is kept, or passed on as it arrives. Its client has to keep sending."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import ClassVar

from aiohttp import web

from proxy.traffic.limits import Limits


class Unfit(Exception):
    """The body is not as it has to be; `code` is the problem to tell the client."""

    code: ClassVar[str]


class TooLarge(Unfit):
    """The body is over the limit; what was read of it is still there to be passed on."""

    code = "body-too-large"


class Incomplete(Unfit):
    """The client broke off in the middle of its body."""

    code = "body-incomplete"


class TooSlow(Incomplete):
    """The client did not go on sending, or hardly."""

    code = "too-slow"


class Body:
    """The body of *request*, and what was already read of it."""

    def __init__(self, request: web.BaseRequest, limits: Limits) -> None:
        self._request = request
        self._limits = limits
        self._since = asyncio.get_running_loop().time()
        self._read = bytearray()
        self._count = 0
        self.missing: str | None = None
        """The problem to tell the client, while it owes the next part of what is passed on: no fault of the upstream's; else None."""

    def exceeds(self, limit: int) -> bool:
        """Whether it is longer than *limit* bytes, by what its head says or by what has come."""
        return max(self._request.content_length or 0, self._count) > limit

    async def whole(self, limit: int) -> bytes:
        """
        Return the whole body.

        Raises:
            TooLarge: It is longer than *limit* bytes.
            Incomplete: The client broke off, or is too slow.
        """
        if self.exceeds(limit):
            raise TooLarge
        while chunk := await self._next():
            self._read += chunk
            if len(self._read) > limit:
                raise TooLarge
        return bytes(self._read)

    def outgoing(self) -> AsyncIterator[bytes] | bytes | None:
        """Return the body to be passed on: what was read, then what still arrives; None where the request has none."""
        if not self._request.body_exists:
            return None
        return bytes(self._read) if self._request.content.at_eof() else self._stream()

    async def _stream(self) -> AsyncIterator[bytes]:
        if self._read:
            yield bytes(self._read)
        while chunk := await self._owed():
            yield chunk

    async def _owed(self) -> bytes:
        """Return the next part; what goes wrong meanwhile is no fault of the upstream's, and stays to be told."""
        self.missing = Incomplete.code
        try:
            chunk = await self._next()
            if self.exceeds(self._limits.passed_max):
                raise TooLarge
        except Unfit as unfit:
            self.missing = unfit.code
            raise
        self.missing = None
        return chunk

    async def _next(self) -> bytes:
        content = self._request.content
        if content.is_eof() and content.exception() is None:  # all of it is here: nothing is waited for
            chunk = content.read_nowait()
            self._count += len(chunk)
            return chunk
        loop = asyncio.get_running_loop()
        on_average = self._since + self._limits.body_s + self._count / self._limits.body_bytes_per_s
        try:
            async with asyncio.timeout_at(min(loop.time() + self._limits.body_s, on_average)):
                chunk = await self._request.content.readany()
        except TimeoutError as error:
            raise TooSlow from error
        except (web.RequestPayloadError, ConnectionError) as error:
            raise Incomplete from error
        self._count += len(chunk)
        return chunk

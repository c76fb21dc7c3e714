"""A request's body, read once: whole and bounded where it is kept, or passed on as it arrives."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web


class TooLarge(Exception):
    """The body is over the limit; what was read of it is still there to be passed on."""


class Incomplete(Exception):
    """The client broke off in the middle of its body."""


class Body:
    """The body of *request*, and what was already read of it."""

    def __init__(self, request: web.BaseRequest) -> None:
        self._request = request
        self._read = bytearray()
        self.owed = False
        """Whether it is passed on and the client is yet to send the next part: no fault of the upstream's that it has not got it."""

    async def whole(self, limit: int) -> bytes:
        """
        Return the whole body.

        Raises:
            TooLarge: It is longer than *limit* bytes.
            Incomplete: The client broke off.
        """
        if (self._request.content_length or 0) > limit:
            raise TooLarge
        try:
            while chunk := await self._request.content.readany():
                self._read += chunk
                if len(self._read) > limit:
                    raise TooLarge
        except (web.RequestPayloadError, ConnectionError) as error:
            raise Incomplete from error
        return bytes(self._read)

    def outgoing(self) -> AsyncIterator[bytes] | bytes | None:
        """Return the body to be passed on: what was read, then what still arrives; None where the request has none."""
        if not self._request.body_exists:
            return None
        return bytes(self._read) if self._request.content.at_eof() else self._stream()

    async def _stream(self) -> AsyncIterator[bytes]:
        if self._read:
            yield bytes(self._read)
        while chunk := await self._next():
            yield chunk

    async def _next(self) -> bytes:
        self.owed = True
        chunk = await self._request.content.readany()
        self.owed = False
        return chunk

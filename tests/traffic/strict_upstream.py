"""An upstream that takes only what RFC 9112 allows, by somebody else's strict parser (h11): the judge of what goes up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import h11

from tests.traffic.raw_upstream import OK

PROBED = b"beneficiary/genders"
EVENT_MAX = 256 * 1024


@dataclass(frozen=True, slots=True)
class Seen:
    """One whole request."""

    method: bytes
    target: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes

    @property
    def line(self) -> str:
        return f"{self.method.decode()} {self.target.decode('latin-1')} {self.body.decode('latin-1')}".strip()

    def names(self) -> set[bytes]:
        return {name for name, _ in self.fields}


class Reader:
    """Reads the requests of one connection; raises `h11.RemoteProtocolError` at what is none."""

    def __init__(self, ignored: bytes = b"") -> None:
        self._ignored = ignored  # between requests
        self._renew()

    def _renew(self) -> None:
        # One for each request: what it says of the connection's end is the sender's affair.
        self._one = h11.Connection(h11.SERVER, max_incomplete_event_size=EVENT_MAX)
        self._head: h11.Request | None = None
        self._body = b""

    def feed(self, data: bytes) -> Iterator[Seen]:
        """Yield each request that is whole by now."""
        self._receive(data)
        while (event := self._one.next_event()) is not h11.NEED_DATA:
            match event:
                case h11.Request():
                    self._head = event
                case h11.Data():
                    self._body += event.data
                case h11.EndOfMessage():
                    assert self._head is not None
                    whole = Seen(self._head.method, self._head.target, tuple(self._head.headers), self._body)
                    rest, _ = self._one.trailing_data
                    self._renew()
                    yield whole
                    self._receive(rest)
                case _:
                    return  # it paused behind a request that wants something else to be spoken

    def _receive(self, data: bytes) -> None:
        if data := data if self._head else data.lstrip(self._ignored):  # nothing would stand for the end of the connection
            self._one.receive_data(data)


def requests_in(data: bytes) -> list[Seen]:
    """Return the requests that a strict reader finds in *data*, up to the first thing that is none."""
    seen: list[Seen] = []
    try:
        for request in Reader(ignored=b"\r\n").feed(data):  # RFC 9112 §2.2 wants empty lines to be passed over
            seen.append(request)  # noqa: PERF402 - those before an error are wanted
    except h11.RemoteProtocolError:
        pass
    return seen


@dataclass(slots=True)
class StrictUpstream:
    """`seen` are the whole requests but for probes; `refused` is what was no HTTP, which has to stay empty."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        strict = Reader()
        try:
            while data := await reader.read(65_536):
                for request in strict.feed(data):
                    if PROBED not in request.target:
                        self.seen.append(request)
                    writer.write(OK if request.method != b"HEAD" else OK.removesuffix(b"{}"))
                await writer.drain()
        except h11.RemoteProtocolError as error:
            self.refused.append(str(error))
        except ConnectionError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def a_strict_upstream() -> AsyncIterator[StrictUpstream]:
    """Listen until the block ends."""
    upstream = StrictUpstream()
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    upstream.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield upstream
    finally:
        server.close()

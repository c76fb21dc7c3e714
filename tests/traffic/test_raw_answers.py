"""What a server may send back, as a table: an answer or none, never one that is another's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.rules.wire import Answer, Exchange, Failure
from proxy.settings.model import Upstream as UpstreamSettings
from proxy.traffic.upstream import Outgoing, Upstream
from store.records import RecordState
from tests.traffic.centre import VACCINATE, a_centre, a_dose
from tests.traffic.raw_upstream import OK, a_raw_upstream, exchange

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = b"\r\n2\r\n{}\r\n0\r\n\r\n"

TABLE = {
    "plain": (OK, "200 {}"),
    "chunked": (HEAD + b"Transfer-Encoding: chunked\r\n" + CHUNKED, "200 {}"),
    "a trailer": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-T: 1\r\n\r\n", "200 {}"),
    "interim answers before it": (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 3 + OK, "200 {}"),
    "ten thousand interim answers before it": (b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000 + OK, "200 {}"),
    "a switch of protocols": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "protocol"),
    "an odd status": (OK.replace(b"200", b"999"), "999 {}"),
    "status 000": (OK.replace(b"200", b"000"), "protocol"),
    "a status of four digits": (OK.replace(b"200", b"2000"), "protocol"),
    "no HTTP": (b"\x16\x03\x01\r\n\r\n", "protocol"),
    "a page without a head": (b"<html>hello</html>\r\n\r\n", "protocol"),
    "two lengths alike": (HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", "protocol"),
    "two lengths": (HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ", "protocol"),
    "a list of lengths": (HEAD + b"Content-Length: 2, 2\r\n\r\n{}", "protocol"),
    "no number": (HEAD + b"Content-Length: +2\r\n\r\n{}", "protocol"),
    "a length and chunked": (HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n" + CHUNKED, "protocol"),
    "chunked and a length": (HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n" + CHUNKED, "protocol"),
    "gzip, chunked": (HEAD + b"Transfer-Encoding: gzip, chunked\r\n" + CHUNKED, "protocol"),
    "chunked twice": (HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" + CHUNKED, "protocol"),
    "a broken chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", "protocol"),
    "a huge field": (HEAD + b"X-A: " + b"a" * 20_000 + b"\r\nContent-Length: 2\r\n\r\n{}", "protocol"),
    "500 fields": (HEAD + b"".join(b"X-%d: a\r\n" % number for number in range(500)) + b"Content-Length: 2\r\n\r\n{}", "protocol"),
    "a blank before the colon": (HEAD + b"X-A : a\r\nContent-Length: 2\r\n\r\n{}", "protocol"),
    "a body where none may be": (b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}", "protocol"),
    "another answer right behind it": (OK + OK.replace(b"{}", b"[]"), "200 {}"),
    "cut off": (HEAD + b"Content-Length: 20\r\n\r\n{}", "timeout"),
    "cut off between chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", "timeout"),
}


def said(exchange: Exchange) -> str:
    match exchange:
        case Answer():
            return f"{exchange.status} {exchange.body.decode()}"
        case Failure():
            assert exchange.sent
            return exchange.kind.value


@asynccontextmanager
async def a_door(url: str) -> AsyncIterator[Upstream]:
    door = Upstream(UpstreamSettings.model_validate({"url": f"{url}/api", "read_timeout": "2s", "connect_timeout": "2s"}))
    try:
        yield door
    finally:
        await door.close()


@pytest.mark.parametrize("what", TABLE)
async def test_what_a_server_sends_back(what: str) -> None:
    raw, expected = TABLE[what]
    async with a_raw_upstream(lambda _: raw) as upstream, a_door(upstream.url) as door:
        come = [said(await door.send_record(Outgoing("GET", "/x", ()))) for _ in range(2)]
    assert come == [expected, expected], "the second is not what was left over of the first"


async def test_an_answer_that_nobody_asked_for_is_nobodys() -> None:
    """It comes on a kept connection, while that rests; whoever used it next would take it for the answer to the next request."""
    rests, sent = asyncio.Event(), asyncio.Event()
    count = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        while await reader.readline():
            await reader.readuntil(b"\r\n\r\n")
            count += 1
            writer.write(OK.replace(b"{}", b"%02d" % count))
            if count == 1:
                await rests.wait()
                writer.write(OK.replace(b"{}", b"xx"))
                await writer.drain()
                sent.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with a_door(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as door:
        ask = Outgoing("GET", "/x", ((b"Host", b"d"),))
        first = said(await door.ask(ask, 5))
        rests.set()
        await sent.wait()
        connector = door._others.connector
        assert connector is not None
        ((kept, _),) = next(iter(connector._conns.values()))
        async with asyncio.timeout(5):
            while not kept.should_close:  # until our side has read it
                await asyncio.to_thread(int)
        assert [first, said(await door.ask(ask, 5))] == ["200 01", "200 02"]
    server.close()


@pytest.mark.parametrize("path", [VACCINATE, "/v2/elsewhere"])
async def test_a_switch_of_protocols_reaches_no_desk(tmp_path: Path, path: str) -> None:
    switched = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    body = json.dumps(a_dose("12345678901234")).encode()
    request = b"POST /api%b HTTP/1.1\r\nHost: d\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\nContent-Length: %d\r\n\r\n%b"
    async with (
        a_raw_upstream(lambda sent: OK if b"genders" in sent else switched) as upstream,
        a_centre(tmp_path, f"{upstream.url}/api") as centre,
    ):
        told = await exchange(centre.url, request % (path.encode(), len(body), body))
        if path == VACCINATE:
            assert told.startswith(b"HTTP/1.1 200 OK\r\nDosekeeper-Record: "), "the receipt: it may have got through"
            await centre.until_all(RecordState.UNKNOWN, 1)
        else:
            assert told.startswith(b"HTTP/1.1 504 ")

"""Clients that send half a request, or a byte now and then, or do not read, or come in crowds: closed in time, while others are served."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from proxy.traffic.limits import Limits
from proxy.traffic.server import Port, app_runner
from simulator import Simulator
from store.records import RecordState
from tests.traffic.centre import GENDERS, VACCINATE, Centre, a_centre, a_dose, people
from tests.traffic.raw_upstream import OK, a_raw_upstream, exchange
from tests.traffic.strict_upstream import a_strict_upstream

SOON = Limits(
    head_s=0.3, idle_s=20, body_s=0.3, body_bytes_per_s=200, lingering_s=0.05, stalled_s=0.3, connections=12, passed_max=1_000_000
)
GET = b"GET /api%b HTTP/1.1\r\nHost: d\r\n\r\n" % GENDERS.encode()
BODY = json.dumps(a_dose("48448366834980")).encode()


def a_post(path: str, length: int, body: bytes = b"") -> bytes:
    return b"POST /api%b HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        path.encode(),
        length,
        body,
    )


@pytest.fixture
async def soon(sim: Simulator, tmp_path: Path) -> AsyncIterator[Centre]:
    async with a_centre(tmp_path, f"{sim.url}/api", "cowin-vaccinator", SOON) as running:
        yield running


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    host, _, port = url.split("/")[2].partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.close()


async def told(url: str, sent: bytes, drip: bytes = b"", every_s: float = 0.02) -> bytes:
    """Send *sent* at once and *drip* a byte at a time, and return all that is answered until the end."""
    async with asyncio.timeout(15), connected(url) as (reader, writer):
        writer.write(sent)
        answer = asyncio.ensure_future(_all_of(reader))
        for byte in drip:
            writer.write(bytes((byte,)))
            if (await asyncio.wait((answer,), timeout=every_s))[0]:
                break
        return await answer


async def _all_of(reader: asyncio.StreamReader) -> bytes:
    answer = b""
    try:
        while part := await reader.read(65_536):
            answer += part
    except ConnectionError:
        pass  # a byte of the drip crossed the end of the connection
    return answer


HALF = {
    "a head": (GET[:-2], b""),
    "a head that drips": (GET[:10], GET[10:-2] + b"X-A: " + b"a" * 3000),
    "a second head": (GET, GET[:10]),
    "a body to be recorded": (a_post(VACCINATE, 500, b"{"), b""),
    "a body to be recorded that drips": (a_post(VACCINATE, 5000), b" " * 3000),
    "a body to be passed on": (a_post("/v2/elsewhere", 500, b"{"), b""),
    "a body to be passed on that drips": (a_post("/v2/elsewhere", 90_000, b"{"), b" " * 3000),
    "a chunked body": (GET[:-2] + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{", b""),
    "a trailer": (GET[:-2] + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-A: ", b"a" * 3000),
}


@pytest.mark.parametrize("half", HALF)
async def test_a_half_sent_request_is_told_so_and_closed(soon: Centre, sim: Simulator, half: str) -> None:
    answer = await told(soon.url, *HALF[half])
    if half == "a second head":
        assert answer.startswith(b"HTTP/1.1 200"), "the first was whole"
    assert b"HTTP/1.1 408 Request Timeout\r\n" in answer
    assert b"urn:dosekeeper:problem:too-slow" in answer
    assert await soon.records() == []
    assert [entry for entry in sim.ledger.received if entry.method != "GET" and entry.body is not None] == []


async def test_a_connection_on_which_nothing_comes_is_closed_without_a_word(soon: Centre) -> None:
    assert await told(soon.url, b"") == b""


async def test_a_kept_connection_may_rest_longer_than_a_head_may_take(soon: Centre) -> None:
    async with connected(soon.url) as (reader, writer):
        for _ in range(2):
            writer.write(GET)
            async with asyncio.timeout(5):
                head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
            await reader.readexactly(int(length.split(b":")[1]))
            rested = asyncio.get_running_loop().time() + 2 * SOON.head_s

            async def over(rested: float = rested) -> bool:
                await soon.get(GENDERS)
                soon.bell.ring()
                return asyncio.get_running_loop().time() > rested

            await soon.until(over)


async def test_a_desk_on_a_slow_line_that_goes_on_sending_is_not_cut(sim: Simulator, tmp_path: Path) -> None:
    body = json.dumps(a_dose(people(sim)[0])).encode()
    limits = Limits(body_s=1.0, body_bytes_per_s=4)
    async with a_centre(tmp_path, f"{sim.url}/api", "cowin-vaccinator", limits) as centre:
        request = a_post(VACCINATE, len(body)).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        answer = await told(centre.url, request + body[:-30], body[-30:], every_s=0.05)  # 1.5 s, longer than body_s
        assert answer.startswith(b"HTTP/1.1 200 OK")
        await centre.until_all(RecordState.DELIVERED, 1)


async def test_a_head_that_does_not_end_is_cut_when_it_is_too_large(soon: Centre) -> None:
    answer = await told(soon.url, GET[:-2] + b"".join(b"X-%d: %b\r\n" % (number, b"a" * 1000) for number in range(100)))
    assert answer.startswith(b"HTTP/1.1 431 ")


async def test_the_rest_of_a_body_that_nobody_waited_for_is_not_taken_for_a_head(centre: Centre) -> None:
    refused = a_post("/../x", 300_000)
    async with connected(centre.url) as (reader, writer):
        writer.write(refused)
        await reader.readuntil(b"\r\n\r\n")
        for _ in range(3):
            writer.write(bytes(99_000))
            await writer.drain()
        writer.write(bytes(3_000) + GET.replace(b"Host: d", b"Host: d\r\nConnection: close"))
        async with asyncio.timeout(5):
            rest = await reader.read()
    assert b" 431 " not in rest
    assert b"HTTP/1.1 200 OK" in rest, "the connection is kept, and the next request is read where it begins"


async def test_three_hundred_half_sent_requests_keep_nobody_from_a_dose(sim: Simulator, tmp_path: Path) -> None:
    limits = Limits(head_s=4, body_s=4, lingering_s=0.2)
    halves = [(GET[:10], b""), (a_post(VACCINATE, 500, b"{"), b""), (GET[:10], b"a" * 100), (a_post(VACCINATE, 5000), b" " * 100)]
    async with a_centre(tmp_path, f"{sim.url}/api", "cowin-vaccinator", limits) as centre:
        attack = [asyncio.ensure_future(told(centre.url, *halves[number % 4], every_s=1)) for number in range(300)]
        desks = [asyncio.ensure_future(centre.vaccinate(person)) for person in people(sim)[:8]]
        served = await asyncio.gather(*desks)
        still_open = sum(not one.done() for one in attack)
        answers = await asyncio.gather(*attack)
    assert {one.status for one in served} == {200}
    assert still_open > 150, "the desks were served meanwhile"
    # A byte that crosses the end of its connection may cost a dripping client the answer.
    assert {answer.split(b"\r\n")[0] for answer in answers} <= {b"HTTP/1.1 408 Request Timeout", b""}
    assert all(answer for number, answer in enumerate(answers) if not halves[number % 4][1])


async def test_one_connection_too_many_is_told_so_and_there_is_room_again_when_one_ends(sim: Simulator, tmp_path: Path) -> None:
    last = GET.replace(b"Host: d", b"Host: d\r\nConnection: close")
    async with (
        a_centre(tmp_path, f"{sim.url}/api", "cowin-vaccinator", Limits(connections=2)) as centre,
        connected(centre.url) as (_, first),
        connected(centre.url),
    ):
        answer = await exchange(centre.url, last)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"too-many-connections" in answer
        first.close()
        await first.wait_closed()
        async with asyncio.timeout(5):
            while not answer.startswith(b"HTTP/1.1 200 "):
                answer = await exchange(centre.url, last)


async def test_a_client_that_does_not_read_holds_nothing_for_long(tmp_path: Path) -> None:
    size = 40 * 1024 * 1024
    answer = OK.replace(b"Length: 2", b"Length: %d" % size).removesuffix(b"{}") + bytes(size)
    async with (
        a_raw_upstream(lambda request: OK if b"genders" in request else answer) as upstream,
        a_centre(tmp_path, f"{upstream.url}/api", "cowin-vaccinator", SOON, upstream={"read_timeout": "60s"}) as centre,
        connected(centre.url) as (_, writer),
    ):
        writer.write(GET.replace(GENDERS.encode(), b"/v2/elsewhere"))
        for busy in (True, False):

            async def so(busy: bool = busy) -> bool:
                centre.bell.ring()
                await asyncio.to_thread(int)
                connector = centre.sidecar.upstream._others.connector
                assert connector is not None
                return bool(connector._acquired) is busy

            await centre.until(so)


@pytest.mark.parametrize(
    ("length", "cap", "declared"), [(3_000_000, 1_000_000, True), (3_000_000, 1_000_000, False), (3_000, 1_000, False)]
)
async def test_a_body_over_the_cap_goes_up_in_part_at_most(tmp_path: Path, length: int, cap: int, declared: bool) -> None:
    big = b" " * length
    request = a_post("/v2/elsewhere", len(big), big)
    if not declared:
        head = a_post("/v2/elsewhere", 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        request = head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(big), big)
    limits = Limits(passed_max=cap)
    async with a_strict_upstream() as upstream, a_centre(tmp_path, f"{upstream.url}/api", "cowin-vaccinator", limits) as centre:
        answer = await told(centre.url, request)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"body-too-large" in answer
    assert (upstream.seen, upstream.refused) == ([], [])


async def test_a_port_of_ours_tells_neither_its_version_nor_what_went_wrong_in_it(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(_: web.Request) -> web.Response:
        raise ValueError("Lakshmi Nair")

    app = web.Application()
    app.router.add_get("/", broken)
    port = Port(app_runner(app), "127.0.0.1", 0, limits=SOON)
    url = f"http://127.0.0.1:{await port.open()}/"
    try:
        failed = await told(url, b"GET / HTTP/1.1\r\nHost: d\r\n\r\n")
        refused = await told(url, b"\x16\x03\x01\r\n\r\n")
        late = await told(url, b"GET /")
    finally:
        await port.close()
    assert [answer.split(b" ")[1] for answer in (failed, refused, late)] == [b"500", b"400", b"408"]
    for answer in (failed, refused, late):
        assert b"Server:" not in answer
        assert b"Nair" not in answer
        assert b"X-Content-Type-Options: nosniff\r\n" in answer
        assert b"Cache-Control: no-store\r\n" in answer
    (event,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert event.name == "proxy.traffic.connection"

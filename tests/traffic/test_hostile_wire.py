"""Bytes on either side that a proxy must neither choke on nor hold against the wrong one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from simulator import Simulator
from store.records import RecordState
from tests.traffic.centre import GENDERS, VACCINATE, Centre, a_centre, a_dose, people
from tests.traffic.raw_upstream import OK, a_raw_upstream, exchange

HINDI = "प्रभा देवी".encode()


def a_post(path: str, body: bytes, *more: bytes, length: int | None = None) -> bytes:
    head = b"POST /api%b HTTP/1.1\r\nHost: desk\r\nConnection: close\r\nContent-Type: application/json\r\n" % path.encode()
    fields = b"".join(line + b"\r\n" for line in (*more, b"Content-Length: %d" % (len(body) if length is None else length)))
    return head + fields + b"\r\n" + body


@asynccontextmanager
async def half_sent(centre: Centre, request: bytes) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    host, _, port = centre.url.split("/")[2].partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    try:
        yield reader, writer
    finally:
        writer.close()


@pytest.mark.parametrize("path", [VACCINATE, "/v2/elsewhere"])
async def test_a_name_in_a_header_field_stands_there_in_the_same_bytes_upstream_and_back(tmp_path: Path, path: str) -> None:
    answer = OK.replace(b"\r\n\r\n", b"\r\nX-Vaccinator: " + HINDI + b"\r\n\r\n")
    async with a_raw_upstream(lambda _: answer) as upstream, a_centre(tmp_path, f"{upstream.url}/api") as centre:
        told = await exchange(centre.url, a_post(path, json.dumps(a_dose("12345678901234")).encode(), b"X-Vaccinator: " + HINDI))
        (sent,) = (request for request in upstream.requests if request.startswith(b"POST"))
    assert b"X-Vaccinator: " + HINDI + b"\r\n" in sent
    assert b"X-Vaccinator: " + HINDI + b"\r\n" in told


@pytest.mark.parametrize("name", [b"Dosekeeper-Override", b"X-Vaccinator", b"User-Agent"])
async def test_a_field_that_is_no_utf_8_costs_nobody_the_record(centre: Centre, sim: Simulator, name: bytes) -> None:
    told = await exchange(centre.url, a_post(VACCINATE, json.dumps(a_dose(people(sim)[0])).encode(), name + b": Ren\xe9"))
    assert told.startswith(b"HTTP/1.1 200 OK")
    await centre.until_all(RecordState.DELIVERED, 1)


@pytest.mark.parametrize("path", [VACCINATE, "/v2/elsewhere"])
@pytest.mark.parametrize("odd", [b"X-Odd: a\x01b", b"X-Odd: a\x7fb"])
async def test_a_control_character_in_the_servers_answer_does_not_cost_the_desk_the_answer(tmp_path: Path, path: str, odd: bytes) -> None:
    answer = OK.replace(b"200 OK\r\n", b"200 O\x02K\r\n" + odd + b"\r\n")
    async with a_raw_upstream(lambda _: answer) as upstream, a_centre(tmp_path, f"{upstream.url}/api") as centre:
        told = await exchange(centre.url, a_post(path, json.dumps(a_dose("12345678901234")).encode()))
    assert told.startswith(b"HTTP/1.1 200 O K\r\n")
    assert b"X-Odd: a b\r\n" in told


async def test_a_desk_on_a_slow_line_is_not_told_to_use_paper_for_it(sim: Simulator, centre: Centre) -> None:
    body = json.dumps(a_dose(people(sim)[0])).encode()
    request = a_post(VACCINATE, body)
    async with half_sent(centre, request[:-20]) as (reader, writer):
        longer = asyncio.get_running_loop().time() + 2 * 1.0  # twice `answer_within`

        async def passed() -> bool:
            centre.bell.ring()
            await centre.get(GENDERS)
            return asyncio.get_running_loop().time() > longer

        await centre.until(passed)
        writer.write(request[-20:])
        told = await reader.read()
    assert told.startswith(b"HTTP/1.1 200 OK")
    await centre.until_all(RecordState.DELIVERED, 1)


async def test_desks_that_hang_up_within_their_request_are_no_outage_of_the_servers(centre: Centre) -> None:
    log_in = a_post("/v2/auth/generateOTP", b"{", length=100_000)
    for _ in range(12):
        async with half_sent(centre, log_in) as (_, writer):
            await _passed_on(centre)
            writer.transport.abort()
        await _free(centre)
    circuit = centre.sidecar.circuits.watched("auth").circuit
    assert (circuit.phase, circuit.row) == ("closed", ())


async def test_desks_that_never_send_the_rest_are_no_outage_of_the_servers(sim: Simulator, tmp_path: Path) -> None:
    log_in = a_post("/v2/auth/generateOTP", b"{", length=100_000)
    async with a_centre(tmp_path, f"{sim.url}/api", upstream={"read_timeout": "200ms", "connect_timeout": "1s"}) as centre:
        told = await asyncio.gather(*(_status_line(centre, log_in) for _ in range(12)))
        assert centre.sidecar.circuits.watched("auth").circuit.phase == "closed"
    assert set(told) == {b"HTTP/1.1 400 Bad Request\r\n"}


async def test_a_desk_that_never_sends_the_rest_does_not_keep_a_recovered_server_waiting(sim: Simulator, centre: Centre) -> None:
    await sim.faults.add("refuse")
    await centre.go_down()
    await centre.vaccinate(people(sim)[0])
    centre.sidecar.circuits.hold(held=True)  # nothing but the desks' reads may be the canary
    await sim.faults.clear()
    await centre.until_phase("half-open")
    look_up = b"GET /api%b HTTP/1.1\r\nHost: desk\r\nContent-Length: 500\r\n\r\n{" % GENDERS.encode()
    async with half_sent(centre, look_up):
        centre.sidecar.circuits.hold(held=False)
        await centre.until_all(RecordState.DELIVERED, 1)
        await centre.until_phase("closed")


async def test_an_answer_that_drips_ends_when_the_servers_time_is_up(tmp_path: Path) -> None:
    async with _dripping() as url, a_centre(tmp_path, f"{url}/api", upstream={"read_timeout": "300ms"}) as centre:
        with pytest.raises(aiohttp.ClientPayloadError):
            async with asyncio.timeout(5):
                await centre.get("/v2/elsewhere")


@asynccontextmanager
async def _dripping() -> AsyncIterator[str]:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
        try:
            while not left.is_set():
                writer.write(b" ")
                await writer.drain()
                await asyncio.wait((asyncio.ensure_future(left.wait()),), timeout=0.05)
        except ConnectionError:
            pass
        finally:
            writer.close()

    left = asyncio.Event()
    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        left.set()
        server.close()


async def _status_line(centre: Centre, request: bytes) -> bytes:
    async with asyncio.timeout(5), half_sent(centre, request) as (reader, _):
        return await reader.readline()


async def _passed_on(centre: Centre) -> None:
    async def under_way() -> bool:
        centre.bell.ring()
        await asyncio.to_thread(int)
        return bool(_lent(centre))

    await centre.until(under_way)


async def _free(centre: Centre) -> None:
    async def ended() -> bool:
        centre.bell.ring()
        await asyncio.to_thread(int)
        return not _lent(centre)

    await centre.until(ended)


def _lent(centre: Centre) -> int:
    """How many connections to the server are in use by calls that are passed on."""
    connector = centre.sidecar.upstream._others.connector
    assert connector is not None
    return len(connector._acquired)

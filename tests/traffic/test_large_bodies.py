"""Bodies that are large, or large once unpacked, or made to be slow to read: they take neither memory nor the other desks' time."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.traffic import apart
from simulator import Simulator
from tests.traffic.centre import SCHEDULE, VACCINATE, Centre, a_centre, a_dose, people
from tests.traffic.centre_process import a_process
from tests.traffic.raw_upstream import OK

MIB = 1024 * 1024
PART = bytes(64 * 1024)


@asynccontextmanager
async def a_large_upstream(parts: int) -> AsyncIterator[tuple[str, list[int]]]:
    """Answer every GET with *parts* × 64 KiB said to be gzip, and keep the lengths of what is posted."""
    taken: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
                if b"genders" in head or length:
                    left = length
                    while left:
                        left -= len(await reader.read(min(left, 65_536)))
                    taken.append(length)
                    writer.write(OK)
                    continue
                head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
                writer.write(head % (parts * len(PART)))
                for _ in range(parts):
                    writer.write(PART)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", taken
    finally:
        server.close()


async def through(url: str, request: bytes, body_parts: int = 0) -> tuple[int, str]:
    """Send *request* and a body, and return length and digest of the answer's body."""
    host, _, port = url.split("/")[2].partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    for _ in range(body_parts):
        writer.write(PART)
        await writer.drain()
    await reader.readuntil(b"\r\n\r\n")
    digest, count = hashlib.sha256(), 0
    while part := await reader.read(256 * 1024):
        digest.update(part)
        count += len(part)
    writer.close()
    return count, digest.hexdigest()


GET = b"GET /api/v2/elsewhere HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n"


async def growth_kib(answer_mib: int, request_mib: int) -> int:
    """Return by how much a sidecar grows while *answer_mib* come down and *request_mib* go up, byte for byte."""
    parts = answer_mib * MIB // len(PART)
    expected = hashlib.sha256()
    for _ in range(parts):
        expected.update(PART)
    async with a_large_upstream(parts) as (upstream, taken), a_process(f"{upstream}/api") as sidecar:
        await through(sidecar.url, GET.replace(b"/v2/elsewhere", b"/v2/registration/beneficiary/genders"))
        before = await sidecar.peak_kib()
        assert await through(sidecar.url, GET) == (answer_mib * MIB, expected.hexdigest())
        bomb = b"POST" + GET[3:-2] + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % (request_mib * MIB)
        await through(sidecar.url, bomb, request_mib * MIB // len(PART))
        assert taken[-1] == request_mib * MIB
        return await sidecar.peak_kib() - before


@pytest.mark.skipif(sys.platform != "linux", reason="a process's peak is asked of /proc")
async def test_three_hundred_mebibytes_pass_in_less_than_ten() -> None:
    assert await growth_kib(answer_mib=300, request_mib=60) < 10 * 1024


HOSTILE = {
    "nines": (VACCINATE, b"9" * MIB),
    "numbers": (VACCINATE, b'{"a":[' + b"1.5e1," * (MIB // 6 - 2) + b"1]}"),
    "ids": (VACCINATE, b" ".join(b"99%012d" % number for number in range(MIB // 15))),
    "backslashes": (VACCINATE, b"\\" * MIB),
    "persons": (SCHEDULE, json.dumps({"beneficiaries": ["1"] * 19_000, "session_id": "x", "dose": 1, "slot": "a"}).encode()),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_body_made_to_be_slow_to_read_keeps_no_other_desk_waiting(sim: Simulator, tmp_path: Path, kind: str) -> None:
    path, body = HOSTILE[kind]
    answered: list[str] = []

    async def ask(centre: Centre, name: str, path: str, body: object) -> None:
        await centre.post(path, body)
        answered.append(name)

    read_on = threading.Event()
    async with a_centre(tmp_path, f"{sim.url}/api", answering={"body_max": "2MiB", "answer_within": "10s"}) as centre:
        apart._ONE.submit(read_on.wait)
        try:
            hostile = [asyncio.create_task(ask(centre, "hostile", path, body)) for _ in range(4)]
            await asyncio.gather(*(ask(centre, "desk", VACCINATE, a_dose(person)) for person in people(sim)[:4]))
        finally:
            read_on.set()
        await asyncio.gather(*hostile)
    assert answered == ["desk"] * 4 + ["hostile"] * 4, "a thread of its own reads them"


async def test_a_record_has_no_more_values_than_can_be_walked_over(sim: Simulator, centre: Centre) -> None:
    await sim.faults.add("refuse")
    await centre.go_down()
    told = await centre.post(SCHEDULE, {"beneficiaries": [1] * 20_002, "session_id": "x", "dose": 1, "slot": "a"})
    assert told.status == 413
    assert json.loads(told.body)["type"] == "urn:dosekeeper:problem:body-too-large"

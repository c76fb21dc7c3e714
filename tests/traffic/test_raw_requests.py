"""What goes up is HTTP to the strictest reader, is what the client asked, and is never more than the client is answered."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from proxy.logs import JsonFormatter
from proxy.rules.served import origin_form
from proxy.traffic.limits import Limits
from tests.traffic.centre import Centre, a_centre
from tests.traffic.raw_requests import TABLE, get
from tests.traffic.strict_upstream import StrictUpstream, a_strict_upstream, requests_in

PROOF = os.environ.get("HYPOTHESIS_PROFILE") == "proof"
EXAMPLES = 5_000 if PROOF else 150
STATUS = re.compile(rb"^HTTP/1\.[01] (\d{3})[ \r]|(?<=\r\n\r\n)HTTP/1\.[01] (\d{3})[ \r]|(?<=\{\})HTTP/1\.[01] (\d{3})[ \r]")
AT_ONCE = Limits(head_s=0.15, idle_s=0.15, body_s=0.15, lingering_s=0.05)


class Wire:
    """One centre before one strict upstream, for many requests; the loop stands still in between."""

    def __init__(self, runner: asyncio.Runner, centre: Centre, upstream: StrictUpstream) -> None:
        self._runner, self._centre, self.upstream = runner, centre, upstream

    def send(self, parts: Sequence[bytes]) -> bytes:
        """Send *parts* one after the other, each a packet, and return all that is answered."""
        self.upstream.seen.clear()
        return self._runner.run(self._send(parts))

    async def _send(self, parts: Sequence[bytes]) -> bytes:
        host, _, port = self._centre.url.split("/")[2].partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0)
            async with asyncio.timeout(10):
                return await reader.read()
        except ConnectionError:
            return b""  # closed on us while we were sending, with the answer lost
        finally:
            writer.close()


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with asyncio.Runner() as runner, tempfile.TemporaryDirectory() as folder:
        stack = AsyncExitStack()

        async def enter() -> tuple[Centre, StrictUpstream]:
            upstream = await stack.enter_async_context(a_strict_upstream())
            quiet = {"probe_every": "60s", "probe_max": "60s"}
            return await stack.enter_async_context(
                a_centre(Path(folder), f"{upstream.url}/api", "cowin-vaccinator", AT_ONCE, outage=quiet)
            ), upstream

        wire = Wire(runner, *runner.run(enter()))
        yield wire
        runner.run(stack.aclose())


def statuses(answer: bytes) -> list[int]:
    return [int(b"".join(found.groups(b""))) for found in STATUS.finditer(answer)]


def test_the_table_of_raw_requests(wire: Wire) -> None:
    came = {name: (statuses(wire.send([request])), [seen.line for seen in wire.upstream.seen]) for name, request, _, _ in TABLE}
    assert came == {name: (answers, upstream) for name, _, answers, upstream in TABLE}
    assert wire.upstream.refused == []


def test_what_is_of_one_connection_or_a_claim_of_the_clients_does_not_go_up(wire: Wire) -> None:
    dropped = [
        *(b"TE", b"Trailer", b"Upgrade", b"Keep-Alive", b"Proxy-Authorization", b"Proxy-Connection", b"X-Named"),
        *(b"X-Real-IP", b"X_Real_IP", b"X-Forwarded-For", b"x_forwarded_host", b"X-Forwarded-Anything", b"Forwarded", b"Via"),
        *(b"True-Client-IP", b"X-Client-IP", b"X-Original-URL", b"X-Rewrite-URL", b"Dosekeeper-Override", b"dosekeeper_record"),
    ]
    wire.send([get(b"Connection: X-Named", b"X-Stays: 1", *(name + b": 1" for name in dropped))])
    (seen,) = wire.upstream.seen
    assert seen.names() == {b"host", b"x-stays", b"x-api-key"}


def test_an_answer_of_our_own_is_never_taken_for_a_page_or_kept(wire: Wire) -> None:
    for request in (get(target=b"/a/../b"), get(target=b"/.dosekeeper/status"), b"no HTTP\r\n\r\n"):
        assert {b"X-Content-Type-Options: nosniff", b"Cache-Control: no-store"} <= set(wire.send([request]).split(b"\r\n"))


MARK = b"Lakshmi-Nair-4821"


@pytest.mark.parametrize(
    "request_",
    [
        get(b"X-A : " + MARK),
        get(target=b"/" + MARK + b"/\xe9"),
        get(b"X-A: " + MARK * 600),
        get(target=b"/" + MARK * 600),
        MARK + b"\r\n\r\n",
        get(target=MARK),
        get(target=b"/api/../" + MARK),
        get(target=b"/" + MARK).replace(b"HTTP/1.1", b"HTTP/2.0"),
    ],
)
def test_nothing_of_what_is_refused_is_repeated_in_answer_or_log(wire: Wire, request_: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = wire.send([request_])
    said = answer.lower() + "\n".join(map(JsonFormatter().format, caplog.records)).lower().encode()
    assert statuses(answer)
    for never in (MARK.lower(), b"aiohttp/", b"python/", b"\r\nserver:", b"traceback"):
        assert never not in said


PIECES = [
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b":",
    b"\0",
    b",",
    b";",
    b"0",
    b"chunked",
    b"GET / HTTP/1.1\r\nHost: d\r\n\r\n",
    b"Content-Length: 5\r\n",
]


@st.composite
def mutations(draw: st.DrawFn) -> list[bytes]:
    """One to three rows behind each other, with pieces put in, taken out, doubled and exchanged; cut into packets anywhere."""
    rows = draw(st.lists(st.sampled_from(TABLE), min_size=1, max_size=3))
    data = b"".join(row[1].replace(b"Connection: close\r\n", b"") for row in rows)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["put", "take", "double", "lines"])):
            case "put":
                data = data[:at] + draw(st.sampled_from(PIECES)) + data[at:]
            case "take":
                data = data[:at] + data[at + draw(st.integers(1, 20)) :]
            case "double":
                data = data[:at] + data[max(0, at - 30) : at] + data[at:]
            case _:
                lines = data.split(b"\r\n")
                one, other = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
                lines[one], lines[other] = lines[other], lines[one]
                data = b"\r\n".join(lines)
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=3)))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@pytest.mark.timeout(3600 if PROOF else 60)
@settings(
    max_examples=EXAMPLES,
    phases=tuple(Phase) if PROOF else (Phase.explicit, Phase.generate),
    deadline=None,
    derandomize=not PROOF,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(parts=mutations())
def test_whatever_comes_only_http_goes_up_and_each_is_the_clients_and_answered(wire: Wire, parts: list[bytes]) -> None:
    answer = wire.send(parts)
    seen = wire.upstream.seen
    assert wire.upstream.refused == []
    assert len(seen) <= len([status for status in statuses(answer) if status >= 200]) or not answer
    asked = requests_in(b"".join(parts))
    theirs = iter([(request.method, origin_form(request.target.decode("latin-1")), request.body) for request in asked])
    for request in seen:
        assert (request.method, request.target.decode("latin-1"), request.body) in theirs, "in the client's order, each at most once"

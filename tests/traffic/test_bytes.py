"""Exact bytes both ways: what the desk sent goes up, what the server said comes down, and nothing is added."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.traffic.centre import VACCINATE, Centre, a_centre, a_dose
from tests.traffic.raw_upstream import OK, RawUpstream, a_raw_upstream, exchange


@pytest.fixture
async def raw() -> AsyncIterator[RawUpstream]:
    async with a_raw_upstream() as upstream:
        yield upstream


@pytest.fixture
async def beside(raw: RawUpstream, tmp_path: Path) -> AsyncIterator[Centre]:
    # No probe in between: it would be among the bytes that are looked at.
    async with a_centre(tmp_path, f"{raw.url}/api", outage={"probe_every": "60s", "probe_max": "60s"}) as centre:
        raw.requests.clear()
        yield centre


def head_of(message: bytes) -> list[bytes]:
    return message.partition(b"\r\n\r\n")[0].split(b"\r\n")


def calls(raw: RawUpstream) -> list[bytes]:
    """The requests that are no probes."""
    return [request for request in raw.requests if b"beneficiary/genders" not in request.split(b"\r\n")[0]]


def seen(raw: RawUpstream) -> bytes:
    (request,) = calls(raw)
    return request


BODY = b'{"mobile": "9000000001",\n  "odd":\t"\\u00e9 \xc3\xa9" }'


async def test_a_passed_request_goes_up_byte_for_byte(raw: RawUpstream, beside: Centre) -> None:
    target = b"/api/v2/auth/generate%2Fx;y=1/%e0%A4?b=2&a=%20+1&a=&&q"
    await exchange(
        beside.url,
        b"POST " + target + b" HTTP/1.1\r\nHost: desk\r\nX-CaSe: Kept  inside\r\nx-api-key: theirs\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\nX-Forwarded-For: 6.6.6.6\r\nConnection: close, X-Secret-Hop\r\nX-Secret-Hop: gone\r\nTE: trailers\r\n\r\n"
        % len(BODY)
        + BODY,
    )
    request = seen(raw)
    head, body = head_of(request), request.partition(b"\r\n\r\n")[2]
    assert head[0] == b"POST " + target + b" HTTP/1.1"
    assert body == BODY
    assert b"X-CaSe: Kept  inside" in head
    assert sorted(line.split(b":")[0].lower() for line in head[1:]) == sorted(
        [b"host", b"x-case", b"x-api-key", b"content-type", b"content-length"]
    )
    assert b"x-api-key: demo-key" in head, "the sidecar's own credential replaces the client's field of that name"
    assert head[1].lower().startswith(b"host: 127.0.0.1"), "the upstream's own host"


async def test_a_recorded_request_goes_up_byte_for_byte_at_once_and_replayed_alike(raw: RawUpstream, beside: Centre) -> None:
    body = json.dumps(a_dose("48448366834980"), indent=1).encode()
    request = (
        b"POST /api"
        + VACCINATE.encode()
        + b"?x=%2f HTTP/1.1\r\nHost: desk\r\nX-CaSe: Kept\r\nAccept-Language: hi_IN\r\n"
        + b"Accept-Encoding: gzip, br\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
        + body
    )
    await exchange(beside.url, request)
    live = seen(raw)
    assert live.partition(b"\r\n\r\n")[2] == body
    assert head_of(live)[0] == b"POST /api" + VACCINATE.encode() + b"?x=%2f HTTP/1.1"
    assert {b"X-CaSe: Kept", b"Accept-Language: hi_IN", b"Accept-Encoding: gzip", b"x-api-key: demo-key"} <= set(head_of(live))

    beside.sidecar.circuits.hold(held=True)
    await exchange(beside.url, request.replace(b"48448366834980", b"48448366834999"))
    beside.sidecar.circuits.hold(held=False)

    async def sent_twice() -> bool:
        return await beside.states() == ["delivered", "delivered"]

    await beside.until(sent_twice)
    assert raw.requests[-1] == live.replace(b"48448366834980", b"48448366834999")


async def test_an_answer_comes_down_as_it_was(raw: RawUpstream, beside: Centre) -> None:
    packed = gzip.compress(b'{"otp":"sent"}' * 50, mtime=0)
    raw.answer = lambda _: (
        b"HTTP/1.1 200 Fine\r\nX-OdD: 1\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Encoding: gzip\r\n"
        b'ETag: W/"x"\r\nContent-Length: %d\r\n\r\n' % len(packed) + packed
    )
    answer = await exchange(beside.url, b"GET /api/v2/auth/x HTTP/1.1\r\nHost: desk\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n")
    assert answer.partition(b"\r\n\r\n")[2] == packed
    assert head_of(answer) == [
        b"HTTP/1.1 200 Fine",
        b"X-OdD: 1",
        b"set-cookie: a=1",
        b"Set-Cookie: b=2",
        b"Content-Encoding: gzip",
        b'ETag: W/"x"',
        b"Content-Length: %d" % len(packed),
        b"Connection: close",
    ], "no Server, Date or Content-Type that the upstream did not send"


async def test_a_recorded_verdict_comes_down_as_it_was_but_for_the_name_of_the_record(raw: RawUpstream, beside: Centre) -> None:
    packed = gzip.compress(b'{"success":true}', mtime=0)
    raw.answer = lambda _: (
        b"HTTP/1.1 201 Made\r\nX-OdD: 1\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
        % len(packed)
        + packed
    )
    told = await exchange(beside.url, _post(a_dose("48448366834980")))
    assert told.partition(b"\r\n\r\n")[2] == packed
    names = [line.split(b":")[0] for line in head_of(told)]
    assert names == [
        b"HTTP/1.1 201 Made",
        b"X-OdD",
        b"Content-Type",
        b"Content-Encoding",
        b"Content-Length",
        b"Dosekeeper-Record",
        b"Connection",
    ]


async def test_head_and_options_chunked_and_expect(raw: RawUpstream, beside: Centre) -> None:
    raw.answer = lambda request: (
        b"HTTP/1.1 200 OK\r\nContent-Length: 4711\r\nX-A: 1\r\n\r\n"
        if request.startswith(b"HEAD")
        else b"HTTP/1.1 204 No Content\r\nAllow: GET\r\n\r\n"
    )
    head = await exchange(beside.url, b"HEAD /api/v2/auth/x HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n")
    assert head.endswith(b"\r\n\r\n")
    assert b"Content-Length: 4711" in head_of(head)
    options = await exchange(beside.url, b"OPTIONS /api/v2/auth/x HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n")
    assert head_of(options)[:2] == [b"HTTP/1.1 204 No Content", b"Allow: GET"]

    raw.requests.clear()
    raw.answer = lambda _: OK
    chunked = b"POST /api/v2/auth/x HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    chunked += b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    assert (await exchange(beside.url, chunked)).startswith(b"HTTP/1.1 200")
    assert seen(raw).endswith(b"Content-Length: 5\r\n\r\nabcde"), "read whole, to look for provisional ids"

    expecting = b"POST /api/v2/auth/x HTTP/1.1\r\nHost: d\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    assert b"HTTP/1.1 200" in await exchange(beside.url, expecting)
    assert b"expect" not in raw.requests[-1].lower()


async def test_a_dead_kept_connection_never_makes_two_sends_of_one_attempt(tmp_path: Path) -> None:
    """aiohttp would send a PUT again by itself; the second attempt is vetoed (and a POST never has one)."""

    def alive_then_dead(request: bytes) -> bytes:
        return OK if b"genders" in request or len(calls(upstream)) % 2 else b""

    async with (
        a_raw_upstream(alive_then_dead) as upstream,
        a_centre(tmp_path, f"{upstream.url}/api", outage={"probe_every": "60s", "probe_max": "60s"}) as centre,
    ):
        upstream.requests.clear()
        for method in (b"PUT", b"DELETE", b"GET"):
            upstream.requests.clear()
            for _ in range(2):
                await exchange(centre.url, method + b" /api/other HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            assert len(calls(upstream)) == 2, method


@pytest.mark.parametrize("path", [b"/api/v2/auth/../vaccinator/x", b"/api/v2/%2e%2E/auth", b"/api/./v2/auth/x"])
async def test_a_path_that_the_server_would_see_otherwise_goes_nowhere(raw: RawUpstream, beside: Centre, path: bytes) -> None:
    answer = await exchange(beside.url, b"GET " + path + b" HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")
    assert calls(raw) == []


async def test_an_absolute_target_goes_to_the_upstream_only_and_connect_and_trace_nowhere(raw: RawUpstream, beside: Centre) -> None:
    answer = await exchange(beside.url, b"GET http://elsewhere.example/api/v2/auth/x HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert head_of(seen(raw))[0] == b"GET /api/v2/auth/x HTTP/1.1"
    raw.requests.clear()
    trace = await exchange(beside.url, b"TRACE /api/v2/auth/x HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n")
    assert trace.startswith(b"HTTP/1.1 405")
    assert raw.requests == []


def _post(body: dict[str, object]) -> bytes:
    content = json.dumps(body).encode()
    return (
        b"POST /api" + VACCINATE.encode() + b" HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nConnection: close\r\n"
        b"Content-Length: %d\r\n\r\n" % len(content) + content
    )

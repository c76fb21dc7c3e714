"""What is read stays readable through an outage, says how old it is, and is given to nobody else. RFC 9110, 9111, 9211 on real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from proxy.traffic.memory import WAITING_MAX
from simulator import Simulator
from store.file.standing import Standing, Why
from tests.traffic.centre import GENDERS, Centre, JumpingClock, Told, a_centre, people
from tests.traffic.raw_upstream import RawUpstream, a_raw_upstream, exchange

PROFILE: Final = """
profile: shelf
title: a shelf
sources: this test
answers:
  accepted: "status == `200` && type(body.kind) == 'string'"
  own_error: "type(body.code) == 'string'"
groups: {main: {}}
overlays:
  notes:
    about: "'notes'"
    items: notes
    item_about: "`null`"
    empty: "`{}`"
    changes: [{record: note, about: "'notes'", same: item.text == request.body.text, add: "{text: request.body.text}"}]
routes:
  - {name: notes, method: GET, path: /notes, policy: read, group: main, overlay: notes}
  - {name: note, method: POST, path: /notes, policy: record, group: main, lane: body.text, natural_key: "[body.text]", content: [text]}
  - {name: thing, method: GET, path: "/things/{id}", policy: read, group: main}
  - {name: list, method: GET, path: /lists, policy: read, group: main, shared: centre}
  - {name: brief, method: GET, path: /briefs, policy: read, group: main, remember: {max_stale: 60s, headers: [x-desk]}}
  - {name: kept, method: GET, path: /kept, policy: read, group: main, remember: {despite: [no-store, must-revalidate]}}
"""

THING: Final = b'{"kind":"thing"}'
OUTAGE: Final = ("hit", "detail=outage")
GONE: Final = (503, 504)


@dataclass(slots=True)
class Shelf:
    """An upstream that answers every GET with what stands here; None: it drops the connection."""

    status: bytes | None = b"200 OK"
    fields: list[bytes] = field(default_factory=lambda: [b'ETag: "one"', b"Content-Type: application/json"])
    body: bytes = THING

    def answer(self, request: bytes) -> bytes:
        if self.status is None:
            return b""
        if b'if-none-match: "one"' in request.lower() and b'ETag: "one"' in self.fields:
            return b'HTTP/1.1 304 Not Modified\r\nETag: "one"\r\nX-Fresh: 1\r\n\r\n'
        body = b"" if request.startswith(b"HEAD") else self.body
        return b"HTTP/1.1 %b\r\n%b\r\nContent-Length: %d\r\n\r\n%b" % (self.status, b"\r\n".join(self.fields), len(self.body), body)


@dataclass(slots=True)
class Scene:
    """A centre before a shelf."""

    centre: Centre
    shelf: Shelf
    upstream: RawUpstream

    async def down(self, path: str = "/things/1", **headers: str) -> Told:
        self.shelf.status = None
        return await self.centre.get(path, **headers)


@asynccontextmanager
async def a_scene(folder: Path, clock: JumpingClock | None = None, **settings: dict[str, Any]) -> AsyncIterator[Scene]:
    (folder / "shelf.yaml").write_text(PROFILE)
    shelf = Shelf()
    async with a_raw_upstream(shelf.answer) as upstream, a_centre(folder, upstream.url, "./shelf.yaml", clock=clock, **settings) as centre:
        yield Scene(centre, shelf, upstream)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with a_scene(tmp_path) as running:
        yield running


def status_of(told: Told) -> set[str]:
    return {part.strip() for part in told.headers.get("Cache-Status", "").split(";")[1:]}


async def test_while_the_server_answers_its_answer_is_passed_on_as_it_is(scene: Scene) -> None:
    scene.shelf.fields.append(b"X-Own: 1")
    first, second = await scene.centre.get("/things/1"), await scene.centre.get("/things/1")
    assert first.body == second.body == THING
    assert {"Age", "Cache-Status"}.isdisjoint(second.headers)
    assert second.headers["X-Own"] == "1"
    assert len(scene.upstream.requests) == 2, "what is remembered is for an outage"


async def test_when_it_does_not_the_remembered_answer_says_how_old_it_is(tmp_path: Path) -> None:
    clock = JumpingClock()
    async with a_scene(tmp_path, clock) as scene:
        scene.shelf.fields += [b"Cache-Control: max-age=60", b"Age: 10"]
        await scene.centre.get("/things/1")
        clock.suspended_s += 100
        clock.ahead_ms -= 86_400_000  # somebody puts the wall clock back by a day: the age is measured
        told = await scene.down()
        assert (told.status, told.body) == (200, THING)
        assert 110 <= int(told.headers["Age"]) < 120
        assert told.headers["Cache-Status"].startswith("dosekeeper; fwd=stale; ttl=-5")
        assert told.headers["Etag"] == '"one"', "as aiohttp's client spells it"


REMEMBERED: Final = {
    "plain": ([], {}, True),
    "fresh for a minute": ([b"Cache-Control: max-age=60"], {}, True),
    "private": ([b"Cache-Control: private"], {}, True),
    "public and long": ([b"Cache-Control: public, max-age=86400"], {}, True),
    "an unknown directive": ([b'Cache-Control: x="no-store, y", max-age=1'], {}, True),
    "no-store": ([b"Cache-Control: no-store"], {}, False),
    "No-Store, in a list": ([b"Cache-Control: max-age=60, No-Store"], {}, False),
    "no-store in a second field": ([b"Cache-Control: max-age=60", b"Cache-Control: no-store"], {}, False),
    "no-cache": ([b"Cache-Control: no-cache"], {}, False),
    "must-revalidate": ([b"Cache-Control: must-revalidate"], {}, False),
    "the client wants none kept": ([], {"Cache-Control": "no-store"}, False),
    "it varies by nobody knows what": ([b"Vary: *"], {}, False),
    "it varies by a field": ([b"Vary: Accept-Language"], {"Accept-Language": "hi"}, True),
    "a day old when it comes": ([b"Age: 86500"], {}, False),
    "an Age that is no number": ([b"Age: old"], {}, True),
}


@pytest.mark.parametrize("case", REMEMBERED)
async def test_what_is_remembered(scene: Scene, case: str) -> None:
    fields, asked, remembered = REMEMBERED[case]
    scene.shelf.fields += fields
    assert (await scene.centre.get("/things/1", **asked)).status == 200
    assert (await scene.down(**asked)).status == (200 if remembered else 504), "nothing else is made up"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (b"200 OK", b'{"portal":"log in"}', "application/json"),
        (b"200 OK", b"<html>log in</html>", "text/html"),
        (b"500 Oops", b'{"kind":"error"}', "application/json"),
        (b"503 Busy", b'{"code":"BUSY_1"}', "application/json"),
        (b"429 Slow", b'{"code":"SLOW_1"}', "application/json"),
        (b"403 No", b"<html>WAF</html>", "text/html"),
        (b"302 Found", b"", "text/html"),
    ],
)
async def test_what_is_not_the_servers_word_is_never_data_and_what_is_remembered_stands_in(
    scene: Scene, status: bytes, body: bytes, kind: str
) -> None:
    await scene.centre.get("/things/1")
    scene.shelf.status, scene.shelf.body = status, body
    scene.shelf.fields = [b"Content-Type: " + kind.encode()]
    told = await scene.centre.get("/things/1")
    assert (told.status, told.body) == (200, THING)
    assert f"fwd-status={status[:3].decode()}" in status_of(told)
    never_read = await scene.centre.get("/things/2")
    assert never_read.status == int(status[:3]), "without a memory the desk has what came"
    assert (await scene.down("/things/2")).status == 504


async def test_a_refusal_goes_to_the_desk_and_ends_what_was_remembered(scene: Scene) -> None:
    await scene.centre.get("/things/1")
    scene.shelf.status, scene.shelf.body = b"404 Gone", b'{"code":"GONE_1"}'
    assert (await scene.centre.get("/things/1")).status == 404
    assert (await scene.down()).status == 504


async def test_an_answer_is_given_to_nobody_else(scene: Scene) -> None:
    asha, ravi = {"Authorization": "Bearer asha"}, {"Authorization": "Bearer ravi"}
    await scene.centre.get("/things/1", **asha)
    assert (await scene.down("/things/1", **ravi)).status == 504
    assert (await scene.down("/things/1")).status == 504
    assert (await scene.down("/things/1", **asha)).body == THING


async def test_whom_nobody_can_vouch_for_is_told_nothing_from_memory(tmp_path: Path) -> None:
    async with a_scene(tmp_path, recording={"loopback_trusted": "false"}) as scene:
        for path in ("/things/1", "/lists"):
            assert (await scene.centre.get(path)).status == 200, "the server itself answers, and vouches"
        assert (await scene.down()).status in GONE
        assert (await scene.down("/lists")).status in GONE


async def test_nor_is_who_is_trusted_no_longer_though_they_ask_in_the_same_words(tmp_path: Path) -> None:
    asha, clock = {"Authorization": "Bearer asha"}, JumpingClock()
    async with a_scene(tmp_path, clock, recording={"loopback_trusted": "false", "trust_for": "60s"}) as scene:
        await scene.centre.post("/notes", {"text": "invented"}, **asha)  # the server takes it
        await scene.centre.get("/things/1", **asha)
        assert [(await scene.down(**asha)).status for _ in range(2)] == [200, 200]
        clock.suspended_s += 61
        assert (await scene.down(**asha)).status in GONE


async def test_a_profile_that_is_read_anew_holds_for_what_was_asked_before(scene: Scene) -> None:
    await scene.centre.get("/things/1")
    assert (await scene.down()).status == 200
    active = scene.centre.sidecar.profile
    forgetful = [
        route.model_copy(update={"remember": route.remember.model_copy(update={"max_stale": -1.0})}) for route in active.profile.routes
    ]
    active.adopt(active.profile.model_copy(update={"routes": tuple(forgetful)}))
    assert (await scene.down()).status in GONE


async def test_but_on_a_shared_route_to_everybody_of_the_centre_unless_it_is_private(scene: Scene) -> None:
    asha, ravi = {"Authorization": "Bearer asha"}, {"Authorization": "Bearer ravi"}
    await scene.centre.get("/lists", **asha)
    assert (await scene.down("/lists", **ravi)).body == THING
    scene.shelf.status = b"200 OK"
    scene.shelf.fields.append(b"Cache-Control: private")
    await scene.centre.get("/lists?page=2", **asha)
    assert (await scene.down("/lists?page=2", **asha)).status == 504


async def test_a_cookie_is_not_remembered(scene: Scene) -> None:
    scene.shelf.fields += [b"Set-Cookie: session=4711", b"Authentication-Info: x"]
    await scene.centre.get("/things/1")
    told = await scene.down()
    assert told.status == 200
    assert {"Set-Cookie", "Authentication-Info"}.isdisjoint(told.headers)


async def test_a_route_may_leave_wishes_aside_by_name_and_only_those(scene: Scene) -> None:
    scene.shelf.fields.append(b"Cache-Control: no-store, must-revalidate")
    await scene.centre.get("/kept")
    assert (await scene.down("/kept")).status == 200
    scene.shelf.status = b"200 OK"
    scene.shelf.fields[-1] += b", no-cache"
    await scene.centre.get("/kept?again")
    assert (await scene.down("/kept?again")).status == 504


async def test_the_question_is_path_and_query_in_any_order_and_the_declared_fields(scene: Scene) -> None:
    await scene.centre.get("/briefs?b=2&a=1&a=0", **{"X-Desk": "7"})
    for path, desk, status in (
        ("/briefs?a=1&b=2&a=0", "7", 200),
        ("/briefs?a=0&b=2&a=1", "7", 504),
        ("/briefs?a=1&a=0&b=2", "8", 504),
        ("/briefs", "7", 504),
    ):
        assert (await scene.down(path, **{"X-Desk": desk})).status == status, path


async def test_each_variant_is_remembered_apart(scene: Scene) -> None:
    scene.shelf.fields.append(b"Vary: Accept-Language")
    for language in ("hi", "en"):
        scene.shelf.body = b'{"kind":"%b"}' % language.encode()
        await scene.centre.get("/things/1", **{"Accept-Language": language})
    assert (await scene.down("/things/1", **{"Accept-Language": "hi"})).body == b'{"kind":"hi"}'
    assert (await scene.down("/things/1", **{"Accept-Language": "en"})).body == b'{"kind":"en"}'
    assert (await scene.down("/things/1", **{"Accept-Language": "ta"})).status == 504


CONDITIONS: Final = [
    ({"If-None-Match": '"one"'}, 304),
    ({"If-None-Match": 'W/"one"'}, 304),
    ({"If-None-Match": '"zero", "one"'}, 304),
    ({"If-None-Match": "*"}, 304),
    ({"If-None-Match": '"two"'}, 200),
    ({"If-None-Match": '"two"', "If-Modified-Since": "Sat, 24 Jul 2021 10:00:00 GMT"}, 200),
    ({"If-Modified-Since": "Sat, 24 Jul 2021 10:00:00 GMT"}, 304),
    ({"If-Modified-Since": "Fri, 23 Jul 2021 09:59:59 GMT"}, 200),
    ({"If-Modified-Since": "yesterday"}, 200),
    ({"Range": "bytes=0-3"}, 200),
]


@pytest.mark.parametrize(("asked", "status"), CONDITIONS)
async def test_a_conditional_request_is_answered_from_memory_too(scene: Scene, asked: dict[str, str], status: int) -> None:
    scene.shelf.fields.append(b"Last-Modified: Fri, 23 Jul 2021 10:00:00 GMT")
    await scene.centre.get("/things/1")
    told = await scene.down(**asked)
    assert (told.status, told.body) == (status, b"" if status == 304 else THING)
    assert told.headers["Etag"] == '"one"', "as aiohttp's client spells it"
    assert "Age" in told.headers


async def test_a_head_is_answered_from_a_get(scene: Scene) -> None:
    await scene.centre.get("/things/1")
    scene.shelf.status = None
    async with scene.centre.desk.head(scene.centre.url + "/things/1") as told:
        assert (told.status, told.headers["Content-Length"], await told.read()) == (200, str(len(THING)), b"")
        assert "Age" in told.headers


@pytest.mark.parametrize(
    ("line", "connection", "told"),
    [
        (b"GET %b/things/1 HTTP/1.1", None, None),
        (b"HEAD %b/things/1 HTTP/1.1", None, None),
        (b"GET %b/things/1 HTTP/1.1", b"close", b"close"),
        (b"GET %b/things/1 HTTP/1.0", b"keep-alive", b"keep-alive"),
        (b"GET %b/things/1 HTTP/1.0", None, None),
    ],
)
async def test_a_remembered_answer_is_the_same_on_every_kind_of_connection(
    scene: Scene, line: bytes, connection: bytes | None, told: bytes | None
) -> None:
    await scene.centre.get("/things/1")
    scene.shelf.status = None
    request = line % scene.centre.sidecar.upstream.prefix.encode() + b"\r\nHost: d\r\n"
    goes_on = connection == b"keep-alive" or (connection is None and b"1.1" in line)
    closing = request.replace(b"HEAD", b"GET") + b"Connection: close\r\n\r\n" if goes_on else b""
    asked = request + (b"" if connection is None else b"Connection: %b\r\n" % connection) + b"\r\n"
    left = await exchange(scene.centre.url, asked + closing)
    expected = {b'ETag: "one"', b"Content-Type: application/json", b"Content-Length: 16"}
    for body, said in [(b"" if b"HEAD" in line else THING, told), (THING, b"close" if b"1.1" in line else None)][: 1 + goes_on]:
        head, _, left = left.partition(b"\r\n\r\n")
        status, *fields = head.split(b"\r\n")
        assert status.endswith(b" 200 OK")
        assert expected | ({b"Connection: %b" % said} if said else set()) == {
            each for each in fields if not each.startswith((b"Age: ", b"Cache-"))
        }
        assert len(fields) == len(expected) + 2 + (said is not None)
        assert left.startswith(body)
        left = left.removeprefix(body)
    assert left == b""


async def test_a_head_is_passed_on_and_nothing_is_learnt_from_it(scene: Scene) -> None:
    async with scene.centre.desk.head(scene.centre.url + "/things/1") as told:
        assert (told.status, told.headers["ETag"]) == (200, '"one"')
    assert (await scene.down()).status == 504


async def test_what_the_client_and_memory_both_have_is_not_sent_again(scene: Scene) -> None:
    await scene.centre.get("/things/1")
    assert (await scene.centre.get("/things/1", **{"If-None-Match": '"one"'})).status == 304
    assert b'If-None-Match: "one"' in scene.upstream.requests[-1]
    told = await scene.down()
    assert (told.body, told.headers["X-Fresh"]) == (THING, "1"), "the 304 made it fresh"


async def test_what_only_the_client_has_is_fetched_whole_so_that_it_can_be_remembered(scene: Scene) -> None:
    assert (await scene.centre.get("/things/1", **{"If-None-Match": '"one"'})).status == 304
    assert b"If-None-Match" not in scene.upstream.requests[-1]
    assert (await scene.down()).body == THING


async def test_what_the_client_has_is_not_enough_when_own_records_are_laid_over_it(scene: Scene) -> None:
    scene.shelf.body = b'{"kind":"notes","notes":[]}'
    await scene.centre.get("/notes")
    scene.centre.sidecar.circuits.hold(held=True)
    assert (await scene.centre.post("/notes", {"text": "invented"})).status == 202
    for told in (await scene.centre.get("/notes", **{"If-None-Match": '"one"'}), await scene.down("/notes", **{"If-None-Match": '"one"'})):
        assert (told.status, told.body) == (200, b'{"kind":"notes","notes":[{"text":"invented"}]}')
        assert (told.headers["Dosekeeper-Overlay"], "Etag" in told.headers) == ("1", False)


async def test_nothing_older_than_max_stale_is_given(tmp_path: Path) -> None:
    clock = JumpingClock()
    async with a_scene(tmp_path, clock, reads={"max_stale": "1h"}) as scene:
        for path, limit_s in (("/things/1", 3600), ("/briefs", 60)):
            scene.shelf.status = b"200 OK"
            await scene.centre.get(path)
            clock.suspended_s += limit_s - 5
            assert (await scene.down(path)).status == 200
            clock.suspended_s += 10
            assert (await scene.down(path)).status == 504


async def test_over_a_restart(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        await scene.centre.get("/things/1")
    async with a_scene(tmp_path) as scene:
        scene.shelf.status = None
        # Another port, so another upstream; the question is the same.
        assert (await scene.centre.get("/things/1")).body == THING


async def test_no_more_than_size_max_and_the_least_used_go_first(tmp_path: Path) -> None:
    async with a_scene(tmp_path, reads={"size_max": "16KiB"}) as scene:
        scene.shelf.body = b'{"kind":"%b"}' % (b"x" * 1000)
        memory, journal = scene.centre.sidecar.memory, scene.centre.sidecar.journal
        await scene.centre.get("/things/0")
        ((question, _),) = memory._waiting
        for number in range(1, 30):
            await scene.centre.get(f"/things/{number}")
            memory.used(question)  # the desks look at it again and again
            await memory.flush()
        total = await journal.remembered()
        assert 8 * 1024 < total.bytes <= 16 * 1024
        assert [(await scene.down(f"/things/{number}")).status for number in (0, 29)] == [200, 200]
        assert (await scene.down("/things/1")).status == 504


async def test_an_overlay_that_goes_by_a_header_is_looked_for_with_each_request(tmp_path: Path) -> None:
    by_header = PROFILE.replace("record: note, about: \"'notes'\"", "record: note, about: request.body.text")
    by_header = by_header.replace("about: \"'notes'\"", "about: 'headers.\"x-about\"'")
    (tmp_path / "shelf.yaml").write_text(by_header)
    shelf = Shelf(body=b'{"kind":"notes","notes":[]}')
    async with a_raw_upstream(shelf.answer) as upstream, a_centre(tmp_path, upstream.url, "./shelf.yaml") as centre:
        await centre.get("/notes")
        await centre.sidecar.memory.flush()
        shelf.status = None
        assert "Dosekeeper-Overlay" not in (await centre.get("/notes", **{"X-About": "one"})).headers
        centre.sidecar.circuits.hold(held=True)
        assert (await centre.post("/notes", {"text": "two"})).status == 202
        told = [await centre.get("/notes", **{"X-About": about}) for about in ("one", "two")]
        assert [each.headers.get("Dosekeeper-Overlay") for each in told] == [None, "1"]


async def test_what_waits_to_be_written_is_bounded(scene: Scene) -> None:
    memory = scene.centre.sidecar.memory
    await scene.centre.get("/things/1")
    one = (await memory.recall(next(iter(memory._waiting))[0]))[0].kept
    for number in range(2 * WAITING_MAX):
        memory.remember(type(one)(**{f: getattr(one, f) for f in one.__slots__} | {"question": number.to_bytes(16)}))
    assert len(memory._waiting) == WAITING_MAX
    assert memory._waiting_bytes == sum(answer.size for answer in memory._waiting.values())


async def test_on_a_short_disk_answers_are_shed_and_records_are_not(
    sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_centre(tmp_path, f"{sim.url}/api") as centre:
        journal, memory = centre.sidecar.journal, centre.sidecar.memory
        await centre.get(GENDERS)
        await centre.vaccinate(people(sim)[0])
        await memory.flush()
        assert (await journal.remembered()).answers == 1
        monkeypatch.setattr(type(journal), "standing", lambda _: Standing(Why.SHORT, 1 << 20))
        await centre.get(GENDERS)
        await memory.step()
        assert await journal.remembered() == type(await journal.remembered())(0, 0)
        assert len(await centre.records()) == 1
        await sim.faults.add("refuse")
        assert (await centre.get(GENDERS)).status >= 500, "nothing new is remembered either"


async def test_in_a_known_outage_nobody_waits_for_the_network(sim: Simulator, centre: Centre) -> None:
    fresh = await centre.get(GENDERS)
    await sim.faults.add("refuse")
    await centre.go_down()
    received = len(sim.ledger.received)
    told = await centre.get(GENDERS)
    assert (told.status, told.body) == (200, fresh.body)
    assert status_of(told) >= set(OUTAGE)
    assert len(sim.ledger.received) == received


async def test_an_answer_that_drips_is_waited_for_only_where_nothing_is_remembered(sim: Simulator, centre: Centre) -> None:
    states = "/v2/admin/location/states"
    await sim.faults.add("bandwidth", rate=120, routes=["/api/v2/admin/**"])  # some two seconds, where a desk is to wait for one
    whole, again = await centre.get(states), await centre.get(states)
    assert (whole.status, status_of(whole)) == (200, set())
    assert (again.status, again.body, "detail=late" in status_of(again)) == (200, whole.body, True)


async def test_a_late_server_is_not_waited_for_and_its_answer_is_remembered_all_the_same(sim: Simulator, centre: Centre) -> None:
    await centre.get(GENDERS)
    await sim.faults.add("slow", latency_s=2.5, routes=["/api/v2/registration/**", "/api/v2/admin/**"])
    told = await centre.get(GENDERS)
    assert told.status == 200
    assert "detail=late" in status_of(told)
    states = "/v2/admin/location/states"
    assert (await centre.get(states)).status == 503, "nothing is remembered, and nothing has come in time"

    async def came() -> bool:
        return (await centre.sidecar.journal.remembered()).answers == 2

    await centre.until(came)
    await sim.faults.clear()
    await sim.faults.add("reset_before")
    assert (await centre.get(states)).status == 200

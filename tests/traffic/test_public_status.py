"""What the data port says of the centre: as JSON, as events, in the reader's language, to pages of other origins."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.rules.telling import PublicStatus, told
from proxy.traffic import listeners, server
from proxy.traffic.connection import Connection
from proxy.traffic.limits import Limits
from simulator import Simulator
from store.records import RecordState
from tests.traffic.centre import GENDERS, VACCINATE, Centre, a_centre, a_dose, people

STATUS = "/.dosekeeper/status"
EVENTS = {"Accept": "text/event-stream"}
PAGE = "http://desk.example.in:3000"


PATIENT = {"answer_within": "10s"}
"""Nobody waits for a server here; a slow machine is not to be told to use paper."""


@pytest.fixture
async def centre(sim: Simulator, tmp_path: Path) -> AsyncIterator[Centre]:
    async with a_centre(tmp_path, f"{sim.url}/api", answering=PATIENT) as running:
        yield running


def at(centre: Centre, path: str) -> str:
    return centre.url.removesuffix("/api") + path


async def status(centre: Centre, query: str = "", **fields: str) -> tuple[dict[str, Any], aiohttp.ClientResponse]:
    async with centre.desk.get(at(centre, STATUS) + query, headers=fields) as answer:
        assert answer.status == 200
        told: dict[str, Any] = await answer.json()
        return told, answer


class Heard:
    """The events of one listener, as they come."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self.id = ""

    async def line(self) -> bytes:
        async with asyncio.timeout(15):
            line = await self.answer.content.readline()
        if line.startswith(b"id: "):
            self.id = line[4:].decode().strip()
        return line

    async def next(self) -> dict[str, Any]:
        """Return the next event, without what comes before it."""
        while (line := await self.line()) and not line.startswith(b"data: "):
            pass
        assert line, "the stream has ended"
        told: dict[str, Any] = json.loads(line[6:])
        return told

    async def until(self, **wanted: object) -> dict[str, Any]:
        while True:
            told = await self.next()
            if wanted.items() <= told.items():
                return told

    async def ended(self) -> bool:
        while await self.line():
            pass
        return True


@asynccontextmanager
async def listening(centre: Centre, query: str = "", **fields: str) -> AsyncIterator[Heard]:
    async with centre.desk.get(at(centre, STATUS) + query, headers={**EVENTS, **fields}) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        yield Heard(answer)


async def test_the_status_through_a_day(sim: Simulator, centre: Centre) -> None:
    up, answer = await status(centre)
    assert (up["state"], up["pending"], up["held"], up["since"], up["language"]) == ("up", 0, 0, None, "en")
    assert (answer.headers["Content-Language"], answer.headers["Vary"], answer.headers["Cache-Control"]) == (
        "en",
        "Accept, Accept-Language",
        "no-store",
    )
    fault = await sim.faults.add("refuse")
    await centre.go_down()
    person = people(sim)[0]
    receipt = await centre.vaccinate(person)

    async def on_record() -> bool:
        return (await status(centre))[0]["since"] is not None

    await centre.until(on_record)  # the row of the outage is written a moment after the circuit has opened
    down, _ = await status(centre)
    assert (down["state"], down["pending"]) == ("down", 1)
    assert down["outage"]["started_at"] == down["since"]
    assert person not in json.dumps(down)
    assert (await status(centre, Accept="application/json, text/event-stream"))[0]["state"] == "down", "who takes either has an end"
    async with centre.desk.put(at(centre, STATUS)) as refused:
        assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD")
    hindi, answer = await status(centre, **{"Accept-Language": "hi-IN,hi;q=0.9,en;q=0.5"})
    assert answer.headers["Content-Language"] == hindi["language"] == "hi"
    assert "राष्ट्रीय सर्वर जवाब नहीं दे रहा है" in hindi["tell"]
    assert (await status(centre, "?lang=hi"))[0]["tell"] == hindi["tell"]
    assert (await status(centre, "?lang=en", **{"Accept-Language": "hi"}))[0]["language"] == "en"
    assert (await status(centre, "?lang=fr", **{"Accept-Language": "hi"}))[0]["language"] == "hi"
    url = at(centre, receipt.headers.get("Location", f"/.dosekeeper/records/{receipt.headers['Dosekeeper-Record']}"))
    async with centre.desk.get(url, headers={"Accept-Language": "hi"}) as record:
        assert "नंबर 1 " in (await record.json())["message"]
    await sim.faults.lift(fault)
    await centre.until_all(RecordState.DELIVERED, 1)
    await centre.until_phase("closed")
    back, _ = await status(centre)
    assert (back["state"], back["pending"], back["all_confirmed"]) == ("up", 0, True)


async def test_a_problem_a_receipt_and_its_warning_are_in_the_readers_language(sim: Simulator, centre: Centre) -> None:
    hindi = {"Accept-Language": "hi"}
    await sim.faults.add("refuse")
    await centre.go_down()
    gone = await centre.get(GENDERS, **hindi)
    problem = json.loads(gone.body)
    assert (gone.status, gone.headers["Content-Language"]) == (503, "hi")
    assert (problem["type"], problem["title"]) == ("urn:dosekeeper:problem:server-down", "राष्ट्रीय सर्वर जवाब नहीं दे रहा है")
    assert int(gone.headers["Content-Length"]) == len(gone.body)
    plain = await centre.get(GENDERS)
    assert (plain.headers["Content-Language"], json.loads(plain.body)["title"]) == ("en", "The national server does not answer")
    receipt = await centre.post(VACCINATE, a_dose(people(sim)[0]), **hindi)
    assert receipt.headers["Content-Language"] == "hi"
    assert json.loads(receipt.body)["record"]["message"].startswith("इस केंद्र पर नंबर 1 से दर्ज हो गया।")


async def test_events_come_at_each_change_and_only_then(sim: Simulator, centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "BEAT_EVERY_S", 0.0)
    async with listening(centre, "?lang=hi") as heard:
        assert await heard.line() == b"retry: 3000\n"
        first = await heard.next()
        assert (first["state"], first["language"], heard.answer.headers["Content-Language"]) == ("up", "hi", "hi")
        known = heard.id
        await sim.faults.add("refuse")
        await heard.until(state="down", pending=0)
        await centre.vaccinate(people(sim)[0])
        while (await heard.until(state="down", pending=1))["outage"] is None:
            pass  # its row is written a moment later
        assert heard.id != known
        async with asyncio.timeout(15):  # that the outage has grown older is no event
            while await heard.line() != b":\n":
                pass
        async with listening(centre, "?lang=hi", **{"Last-Event-ID": heard.id}) as again:
            assert [await again.line() for _ in range(3)] == [b"retry: 3000\n", b"\n", b":\n"], "it knows that already"
    head = await centre.desk.head(at(centre, STATUS), headers=EVENTS)
    assert (head.status, head.content_type) == (200, "text/event-stream")


async def test_too_many_listeners_are_told_so_and_who_leaves_makes_room(sim: Simulator, tmp_path: Path) -> None:
    async with a_centre(tmp_path, f"{sim.url}/api", "cowin-vaccinator", Limits(listeners=1)) as centre:
        async with listening(centre) as heard:
            await heard.next()
            async with centre.desk.get(at(centre, STATUS), headers=EVENTS) as turned_away:
                assert (turned_away.status, turned_away.headers["Retry-After"]) == (503, "15")
                assert (await turned_away.json(content_type=None))["type"] == "urn:dosekeeper:problem:too-many-listeners"
            assert (await status(centre))[0]["state"] == "up", "asking is always possible"
        async with asyncio.timeout(15):
            while (answer := await centre.desk.get(at(centre, STATUS), headers=EVENTS)).status != 200:
                answer.release()
            answer.close()
        timed = centre.sidecar.meters.registry.get_sample_value("dosekeeper_http_request_duration_seconds_count", {"route": "other"})
        assert timed == 1, "the JSON; an answer without an end would count as the slowest request of the day"


async def test_rings_in_a_burst_are_not_a_look_each(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []

    def noted(stands: PublicStatus, language: str) -> dict[str, Any]:
        looks.append(stands)
        return told(stands, language)

    monkeypatch.setattr(listeners, "told", noted)
    monkeypatch.setattr(listeners, "RINGS_APART_S", 3600.0)
    monkeypatch.setattr(listeners, "LOOK_EVERY_S", 3600.0)
    async with listening(centre) as heard:
        await heard.next()
        for _ in range(20):
            centre.sidecar.circuits.hold(held=not centre.sidecar.circuits.held)
            await status(centre)
        assert len(looks) == 1


@pytest.fixture
def deafened(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Let whoever does not read be noticed at once; returns the connections for which we wait."""
    waiting: set[int] = set()
    pause, resume = Connection.pause_writing, Connection.resume_writing

    def paused(one: Connection) -> None:
        waiting.add(id(one))
        pause(one)

    def resumed(one: Connection) -> None:
        waiting.discard(id(one))
        resume(one)

    monkeypatch.setattr(Connection, "pause_writing", paused)
    monkeypatch.setattr(Connection, "resume_writing", resumed)
    monkeypatch.setattr(listeners, "UNSENT_MAX", 1)
    monkeypatch.setattr(listeners, "RINGS_APART_S", 0.0)
    monkeypatch.setattr(listeners, "_name", lambda _: str(asyncio.get_running_loop().time()))  # every look is news
    return waiting


@contextmanager
def not_reading(centre: Centre) -> Iterator[None]:
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        host, _, port = centre.url.split("/")[2].partition(":")
        deaf.connect((host, int(port)))
        deaf.sendall(f"GET {STATUS} HTTP/1.1\r\nHost: d\r\nAccept: text/event-stream\r\n\r\n".encode())
        yield


async def news(centre: Centre, heard: Heard) -> None:
    centre.sidecar.circuits.hold(held=not centre.sidecar.circuits.held)  # rings
    await heard.next()


async def test_one_who_does_not_read_is_cut_off_and_the_others_hear_on(sim: Simulator, tmp_path: Path, deafened: set[int]) -> None:
    async with (
        a_centre(tmp_path, f"{sim.url}/api", "cowin-vaccinator", Limits(listeners=2, stalled_s=0.3)) as centre,
        listening(centre) as heard,
    ):
        with not_reading(centre):
            async with asyncio.timeout(30):
                while not deafened:
                    await news(centre, heard)
                while (answer := await centre.desk.get(at(centre, STATUS), headers=EVENTS)).status != 200:
                    answer.release()  # until one of the two places is free again
                    await news(centre, heard)
                answer.close()
        await heard.next()


async def test_a_stop_does_not_wait_for_those_who_do_not_read(
    sim: Simulator, tmp_path: Path, deafened: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "CLOSING_S", 3600.0)
    monkeypatch.setattr(listeners, "_name", lambda _: "." * 1_000_000)  # more than the system takes for one that does not read
    with ExitStack() as deaf:
        async with asyncio.timeout(30) as within, a_centre(tmp_path, f"{sim.url}/api") as centre:
            for _ in range(3):
                deaf.enter_context(not_reading(centre))
            while len(deafened) < 3:
                await status(centre)
        assert not within.expired()  # aiohttp takes the timeout for its own, and goes on


async def test_a_stop_does_not_wait_for_those_who_listen(sim: Simulator, tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as desk:
        async with a_centre(tmp_path, f"{sim.url}/api") as centre:
            answers = [await desk.get(at(centre, STATUS), headers=EVENTS) for _ in range(3)]
            heard = [Heard(answer) for answer in answers]
            for each in heard:
                await each.next()
        assert [await each.ended() for each in heard] == [True] * 3, "ended properly, not broken off when their time was up"


async def test_pages_of_a_named_origin_work_up_and_down(sim: Simulator, tmp_path: Path) -> None:
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,idempotency-key"}
    async with a_centre(tmp_path, f"{sim.url}/api", answering=PATIENT, listen={"cors_origins": f"[{PAGE}]"}) as centre:

        async def preflights(origin: str) -> list[tuple[int, str | None]]:
            found = []
            for url in (centre.url + VACCINATE, at(centre, STATUS)):
                async with centre.desk.options(url, headers=asked | {"Origin": origin}) as answer:
                    assert "Origin" in answer.headers["Vary"]
                    found.append((answer.status, answer.headers.get("Access-Control-Allow-Headers")))
            return found

        async def exchange(origin: str, told: int) -> list[dict[str, str]]:
            dose = await centre.vaccinate(people(sim)[0])
            again = await centre.post(VACCINATE, a_dose(people(sim)[0]), Origin=origin)
            assert (dose.status, again.status) == (200, told)
            looked_up = await centre.get(GENDERS, Origin=origin)
            assert looked_up.status == told
            return [again.headers, looked_up.headers, dict((await status(centre, Origin=origin))[1].headers)]

        allowed = (204, "content-type,idempotency-key")
        assert await preflights(PAGE) == [allowed, allowed]
        received = len(sim.ledger.received)
        assert await preflights(PAGE) == [allowed, allowed]
        assert len(sim.ledger.received) == received, "the server has nothing to do with it"
        (theirs, own) = await preflights("http://elsewhere.example")
        assert len(sim.ledger.received) == received + 1, "anybody else's is the server's to answer"
        assert (theirs[1], own) == (None, (405, None))
        for _ in ("up", "down"):
            for fields in await exchange(PAGE, 200):
                assert fields["Access-Control-Allow-Origin"] == PAGE
                assert "Dosekeeper-State" in fields["Access-Control-Expose-Headers"]
            for fields in await exchange("http://elsewhere.example", 401):
                assert not {name for name in fields if name.startswith("Access-Control")}
                assert "Origin" in fields["Vary"]
            await sim.faults.add("refuse")
            await centre.go_down()
        assert await preflights(PAGE) == [allowed, allowed]


async def test_as_shipped_no_field_is_added_for_pages_of_anywhere(centre: Centre) -> None:
    for fields in ((await status(centre, Origin=PAGE))[1].headers, (await centre.get(GENDERS, Origin=PAGE)).headers):
        assert not {name for name in fields if name.startswith("Access-Control")}

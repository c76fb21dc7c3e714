"""The ledger tells what came and what was done, to the byte; the summary counts it right."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from dataclasses import replace
from io import BytesIO
from urllib.parse import urlsplit

import pytest

from simulator import Simulator
from simulator.clock import Moment
from simulator.exchange import Effect, EffectKind, json_reply
from simulator.ledger import Ledger, Received
from simulator.summary import summarise
from tests.simulator.desk import VACCINATE, Desk, until


async def test_a_request_is_entered_as_it_came(sim: Simulator) -> None:
    await _send(sim, b"POST /api/v2/a%2Fb?x=1&x=%20 HTTP/1.1\r\nHoSt: h\r\nX-Odd:  \xff \r\nContent-Length: 3\r\n\r\n\x00\xff{")
    (entry,) = sim.ledger.received
    assert (entry.sequence, entry.method, entry.target, entry.body) == (1, "POST", b"/api/v2/a%2Fb?x=1&x=%20", b"\x00\xff{")
    assert entry.fields == ((b"HoSt", b"h"), (b"X-Odd", b"\xff"), (b"Content-Length", b"3"))


async def test_bytes_survive_the_control_port(desk: Desk, sim: Simulator) -> None:
    await _send(sim, b"POST /api/v2/x HTTP/1.1\r\nHost: h\r\nX-Odd: \xff\r\nContent-Length: 2\r\n\r\n\x00\xff")
    (entry,) = (await desk.control("GET", "/_sim/ledger")).json["received"]
    assert b64decode(entry["body_base64"]) == b"\x00\xff"
    assert ["X-Odd", "\xff"] in entry["headers"]
    assert (entry["status"], entry["answer"]) == (404, '{"message":"Not Found"}')


async def test_a_gzip_body_is_kept_as_it_came(sim: Simulator) -> None:
    await _send(sim, b"POST /api/v2/x HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00")
    assert sim.ledger.received[0].body == b"\x1f\x8b\x08\x00"


async def test_a_client_who_waits_for_100_continue_is_told_to_go_on(desk: Desk, sim: Simulator) -> None:
    async with desk.http.post(sim.url + "/api/v2" + VACCINATE, data=b"{}", expect100=True) as answer:
        assert answer.status == 401
    assert sim.ledger.received[0].body == b"{}"


async def test_a_body_that_breaks_off_is_no_body(sim: Simulator) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", urlsplit(sim.url).port)
    writer.write(b"POST /api/v2/x HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc")
    await until(lambda: len(sim.ledger.received) == 1)
    writer.close()
    await writer.wait_closed()
    await until(lambda: not sim.connections)
    assert (sim.ledger.received[0].body, sim.ledger.received[0].reply) == (None, None)


async def test_a_body_over_the_limit_is_not_worked_on(desk: Desk, sim: Simulator) -> None:
    headers = {"x-api-key": "demo-key"}
    async with desk.http.post(sim.url + "/api/v2" + VACCINATE, data=BytesIO(b" " * (10 * 1024 * 1024 + 1)), headers=headers) as answer:
        assert (answer.status, await answer.json()) == (413, {"message": "Request Too Long"})


async def test_requests_of_one_connection_share_its_number(sim: Simulator) -> None:
    await _send(sim, b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n" * 2, answers=2)
    await _send(sim, b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
    assert [entry.connection for entry in sim.ledger.received] == [1, 1, 2]


async def test_what_was_applied_names_the_request_that_did_it(desk: Desk) -> None:
    person = desk.anybody()
    await desk.call("GET", "/registration/beneficiary/genders")
    await desk.vaccinate(person, order=7)
    for path in ("/_sim/ledger?applied=1", "/ledger?applied=1"):
        (entry,) = (await desk.control("GET", path)).json["applied"]
        del entry["applied_at"], entry["monotonic_s"]
        assert entry == {"sequence": 1, "received": 2, "order": 7, "kind": "dose", "person": person, "key": f"{person}/1", "dose": 1}


async def test_entries_after_one_that_is_known(desk: Desk) -> None:
    for nth in range(3):
        await desk.vaccinate(desk.anybody(nth=nth))
    received = (await desk.control("GET", "/_sim/ledger?since=1")).json["received"]
    applied = (await desk.control("GET", "/_sim/ledger?since=2&applied=1")).json["applied"]
    assert ([entry["sequence"] for entry in received], [entry["sequence"] for entry in applied]) == ([2, 3], [3])
    assert (await desk.control("GET", "/_sim/ledger?since=x")).status == 400


async def test_a_good_day_in_figures(desk: Desk) -> None:
    person = desk.anybody()
    new = (await desk.register()).json["beneficiary_reference_id"]
    await desk.vaccinate(person, order=1)
    await desk.vaccinate(person, 2, order=2)
    await desk.vaccinate(new, order=1)
    summary = (await desk.control("GET", "/_sim/summary")).json
    assert (summary["received"], summary["answered"], summary["applied_doses"], summary["distinct_doses"]) == (4, 4, 3, 3)
    assert (summary["doses_twice"], summary["registrations"], summary["registrations_twice"], summary["out_of_order"]) == (0, 1, 0, 0)


async def test_double_entries_show(desk: Desk) -> None:
    person = desk.anybody()
    for _ in range(3):
        await desk.vaccinate(person)
    await desk.register(name="Asha Rawat")
    await desk.register(name="ASHA RAWAT")
    summary = (await desk.control("GET", "/_sim/summary")).json
    assert (summary["applied_doses"], summary["distinct_doses"], summary["doses_twice"]) == (3, 1, 1)
    assert (summary["registrations"], summary["registrations_twice"]) == (2, 1)


@pytest.mark.parametrize(
    ("applied", "out_of_order"),
    [
        ([("a", 1, None), ("a", 2, None)], 0),
        ([("a", 2, None), ("a", 1, None)], 1),
        ([("a", 2, None), ("b", 1, None)], 0),
        ([("a", 1, None), ("a", 2, None), ("a", 1, None)], 0),  # twice, which is another figure
        ([("a", 1, 5), ("a", 2, 4)], 1),
        ([("a", 1, 5), ("b", 1, 4)], 0),
        ([("a", 2, 5), ("a", 1, 4)], 1),
    ],
)
def test_writes_that_overtook_show(applied: list[tuple[str, int, int | None]], out_of_order: int) -> None:
    ledger = Ledger()
    for person, dose, order in applied:
        fields = () if order is None else ((b"Desk-Sequence", str(order).encode()),)
        entry = ledger.receive(1, "POST", b"/", fields, Moment(0, 0.0))
        ledger.apply(entry, (Effect(EffectKind.DOSE, person, f"{person}/{dose}", dose),), Moment(0, 0.0))
    assert summarise(ledger).out_of_order == out_of_order


@pytest.mark.parametrize(("times", "most"), [([], 0), ([0.0], 1), ([0.0, 0.9, 1.0], 2), ([0.5, 1.4, 1.45], 3), ([0.0, 5.0, 5.1, 9.0], 2)])
def test_the_busiest_second(times: list[float], most: int) -> None:
    ledger = Ledger()
    for monotonic_s in times:
        ledger.receive(1, "GET", b"/", (), Moment(0, monotonic_s))
    assert summarise(ledger).requests_per_second_max == most


@pytest.mark.parametrize("value", [b"", b"-1", b"x", b"9" * 5000])
def test_an_order_that_is_no_number_is_none(value: bytes) -> None:
    entry = Received(1, Moment(0, 0.0), 1, "POST", b"/", ((b"Desk-Sequence", value),))
    assert entry.order is None
    assert replace(entry, reply=json_reply(200, {})).as_json()["answer"] == "{}"


async def _send(sim: Simulator, raw: bytes, answers: int = 1) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(sim.url).port)
    writer.write(raw)
    async with asyncio.timeout(5):
        for _ in range(answers):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.split(b"\r\n") if line.startswith(b"Content-Length: "))
            await reader.readexactly(int(length.split()[1]))
    writer.close()
    await writer.wait_closed()

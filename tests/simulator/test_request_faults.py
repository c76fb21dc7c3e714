"""Each fault that strikes requests: what the client sees, and whether the dose was applied."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
import pytest

from simulator import Simulator, clock, wire
from simulator.faults.capacity import Capacity
from simulator.faults.catalogue import FAULTS
from simulator.faults.scope import Scope
from tests.simulator.desk import Desk, until

GENDERS = "/registration/beneficiary/genders"

ANSWERED = {
    # fault: status, content type, part of the text, whether the dose was applied
    "error_500": (500, "text/plain", "Internal Server Error", False),
    "unavailable_503": (503, "application/json", "GERR001", False),
    "portal_200": (200, "text/html", "Wi-Fi log-in", False),
    "throttle_429": (429, "application/json", "Too Many Requests", False),
    "waf_403": (403, "text/html", "could not be satisfied", False),
    "gateway_504": (504, "application/json", "Endpoint request timed out", False),
    "commit_then_504": (504, "application/json", "Endpoint request timed out", True),
    "auth_401": (401, "text/plain", "Unauthenticated access!", False),
    "bad_gateway_502": (502, "text/html", "Bad Gateway", False),
    "nginx_405": (405, "text/html", "nginx", False),
    "redirect_302": (302, "text/html", "log in", False),
    "content_type": (200, "application/octet-stream", '{"success":true}', True),
    "wrong_shape_200": (200, "application/json", "null", False),
    "wrong_date": (200, "application/json", '{"success":true}', True),
    "slicer": (200, "application/json", '{"success":true}', True),
    "bandwidth": (200, "application/json", '{"success":true}', True),
    "slow_close": (200, "application/json", '{"success":true}', True),
}

QUICKLY: dict[str, dict[str, object]] = {"slicer": {"delay_s": 0}, "bandwidth": {"rate": 10_000}, "slow_close": {"delay_s": 0.05}}

BROKEN_OFF = {
    # fault: what aiohttp's client raises, whether the body was read, whether the dose was applied
    "reset_before": (aiohttp.ClientOSError, False, False),
    "reset_after": (aiohttp.ClientOSError, True, False),
    "commit_then_drop": (aiohttp.ServerDisconnectedError, True, True),
    "truncated": (aiohttp.ClientPayloadError, True, True),
    "limit_data": (aiohttp.ServerDisconnectedError, True, True),
    "not_http": (aiohttp.ClientResponseError, True, False),
}

LINE = {"refuse", "blackhole", "reset_peer", "tls_expired", "tls_untrusted", "tls_wrong_host"}


def test_every_fault_is_told_of_here() -> None:
    assert {*ANSWERED, *BROKEN_OFF, *LINE, "hang", "slow", "capacity", "token_dies"} == set(FAULTS)


@pytest.mark.parametrize("fault", ANSWERED)
async def test_answers(desk: Desk, sim: Simulator, fault: str) -> None:
    status, content_type, text, applied = ANSWERED[fault]
    await sim.faults.raise_fault(fault, Scope(), QUICKLY.get(fault, {}))
    answer = await desk.vaccinate(desk.anybody())
    assert (answer.status, answer.content_type) == (status, content_type)
    assert text in answer.text
    entry = sim.ledger.received[-1]
    await until(lambda: entry.reply is not None)
    assert entry.reply is not None
    assert (entry.faults, entry.reply.status, bool(sim.ledger.applied)) == ([fault], status, applied)


@pytest.mark.parametrize("fault", BROKEN_OFF)
async def test_breaks_off(desk: Desk, sim: Simulator, fault: str) -> None:
    error, read, applied = BROKEN_OFF[fault]
    await sim.faults.add(fault)
    with pytest.raises(error) as caught:
        await desk.vaccinate(desk.anybody())
    assert isinstance(caught.value.__cause__, ConnectionResetError) is fault.startswith("reset")
    entry = sim.ledger.received[-1]
    assert (entry.body is not None, bool(sim.ledger.applied), entry.reply) == (read, applied, None)


async def test_the_server_is_well_again_once_a_fault_is_lifted(desk: Desk, sim: Simulator) -> None:
    fault = await sim.faults.add("error_500")
    assert (await desk.vaccinate(desk.anybody())).status == 500
    assert await sim.faults.lift(fault)
    assert (await desk.vaccinate(desk.anybody())).status == 200
    assert not await sim.faults.lift(fault)


@pytest.mark.parametrize(("options", "retry_after"), [({}, "30"), ({"retry_after_s": 7}, "7"), ({"retry_after_s": None}, None)])
async def test_503_says_when_to_come_back(desk: Desk, sim: Simulator, options: dict[str, object], retry_after: str | None) -> None:
    await sim.faults.raise_fault("unavailable_503", Scope(), options)
    assert (await desk.vaccinate(desk.anybody())).headers.get("Retry-After") == retry_after


async def test_503_in_the_words_of_a_balancer(desk: Desk, sim: Simulator) -> None:
    await sim.faults.add("unavailable_503", own=False)
    answer = await desk.vaccinate(desk.anybody())
    assert (answer.status, answer.content_type) == (503, "text/html")


async def test_429_says_when_to_come_back_if_told_so(desk: Desk, sim: Simulator) -> None:
    await sim.faults.add("throttle_429", retry_after_s=60)
    assert (await desk.vaccinate(desk.anybody())).headers["Retry-After"] == "60"


async def test_hang_answers_who_still_waits_when_it_is_lifted(desk: Desk, sim: Simulator) -> None:
    await sim.faults.add("hang")
    waiting = asyncio.create_task(desk.vaccinate(desk.anybody()))
    await until(lambda: _read(sim) == 1)
    assert (waiting.done(), sim.ledger.applied) == (False, [])
    await sim.faults.clear()
    assert (await waiting).status == 200
    assert len(sim.ledger.applied) == 1


async def test_hang_never_does_what_a_client_who_left_had_asked(desk: Desk, sim: Simulator) -> None:
    await sim.faults.add("hang")
    await _ask_and_leave(desk, sim)
    await sim.faults.clear()
    assert (await desk.vaccinate(desk.anybody(nth=1))).status == 200
    assert [entry.received for entry in sim.ledger.applied] == [2]


async def test_slow_works_after_its_latency(desk: Desk, sim: Simulator) -> None:
    await sim.faults.add("slow", latency_s=0.05)
    assert (await desk.vaccinate(desk.anybody())).status == 200
    assert sim.ledger.applied[0].moment.monotonic_s - sim.ledger.received[0].moment.monotonic_s >= 0.05


async def test_slow_works_for_a_client_who_left_too(desk: Desk, sim: Simulator) -> None:
    await sim.faults.add("slow", latency_s=3600)
    await _ask_and_leave(desk, sim)
    assert not sim.ledger.applied
    await sim.faults.clear()
    await until(lambda: len(sim.ledger.applied) == 1)


@pytest.mark.parametrize(("options", "seconds"), [({}, 86_400), ({"ahead_s": -172_800}, -172_800)])
async def test_a_wrong_date_is_ahead_or_behind(desk: Desk, sim: Simulator, options: dict[str, object], seconds: int) -> None:
    await sim.faults.raise_fault("wrong_date", Scope(), options)
    (dated,) = [value for name, value in (await desk.vaccinate(desk.anybody())).headers.items() if name == "Date"]
    assert abs((parsedate_to_datetime(dated) - datetime.now(UTC)).total_seconds() - seconds) < 60


async def test_a_wrong_date_may_be_no_date_at_all(desk: Desk, sim: Simulator) -> None:
    await sim.faults.add("wrong_date", text="yesterday")
    assert (await desk.vaccinate(desk.anybody())).headers["Date"] == "yesterday"


async def test_a_redirect_names_another_host(desk: Desk, sim: Simulator) -> None:
    await sim.faults.add("redirect_302")
    assert (await desk.vaccinate(desk.anybody())).headers["Location"].startswith("https://login.portal.invalid/")


@pytest.mark.parametrize(("size", "error"), [(0, aiohttp.ServerDisconnectedError), (120, aiohttp.ClientPayloadError)])
async def test_limit_data_breaks_off_in_the_head_or_in_the_body(desk: Desk, sim: Simulator, size: int, error: type[Exception]) -> None:
    await sim.faults.add("limit_data", size=size)
    with pytest.raises(error):
        await desk.vaccinate(desk.anybody())


@pytest.mark.parametrize(("fault", "options"), [("slicer", {"size": 1, "delay_s": 3600}), ("bandwidth", {"rate": 300}), ("slow_close", {})])
async def test_a_slow_answer_is_under_way_while_the_client_waits(
    desk: Desk, sim: Simulator, fault: str, options: dict[str, object]
) -> None:
    await sim.faults.raise_fault(fault, Scope(), options)
    waiting = asyncio.create_task(desk.vaccinate(desk.anybody()))
    await until(lambda: len(sim.ledger.applied) == 1)
    assert (waiting.done(), sim.ledger.received[0].reply) == (False, None)
    await sim.faults.clear()
    assert (await waiting).json == {"success": True}
    await until(lambda: sim.ledger.received[0].reply is not None)


async def test_bandwidth_takes_as_long_as_the_bytes_take(desk: Desk, sim: Simulator) -> None:
    await sim.faults.add("bandwidth", rate=2_000)
    began = clock.now().monotonic_s
    await desk.vaccinate(desk.anybody())
    took_s = clock.now().monotonic_s - began
    (entry,) = sim.ledger.received
    await until(lambda: entry.reply is not None)
    assert entry.body is not None
    assert entry.reply is not None
    up_s = len(entry.body) / 2_000
    down_s = (len(wire.head(entry.reply)) - 100) / 2_000  # behind the last twentieth of a second nobody waits
    assert sim.ledger.applied[0].moment.monotonic_s - entry.moment.monotonic_s >= up_s
    assert took_s >= up_s + down_s


async def test_only_the_close_says_where_a_slow_close_ends(desk: Desk, sim: Simulator) -> None:
    await sim.faults.add("slow_close", delay_s=0)
    assert "Content-Length" not in (await desk.vaccinate(desk.anybody())).headers


async def test_capacity_serves_so_many_then_falls_over(desk: Desk, sim: Simulator) -> None:
    await sim.faults.add("capacity", per_second=2, recovery_s=3600)
    statuses = [(await desk.call("GET", GENDERS)).status for _ in range(4)]
    assert statuses == [200, 200, 503, 503]


async def test_capacity_may_answer_late_instead(desk: Desk, sim: Simulator) -> None:
    await sim.faults.add("capacity", per_second=1, recovery_s=3600, timeout_s=0)
    assert [(await desk.call("GET", GENDERS)).status for _ in range(2)] == [200, 504]


def test_capacity_gets_up_when_it_is_left_alone_and_stays_down_while_it_is_not() -> None:
    left_alone, knocked = Capacity(per_second=2, recovery_s=5), Capacity(per_second=2, recovery_s=5)
    for fault in (left_alone, knocked):
        assert [fault.overrun(at) for at in (10.0, 10.1, 10.2)] == [False, False, True]
    assert left_alone.overrun(15.1)
    assert not left_alone.overrun(15.3)
    assert all(knocked.overrun(10.2 + tick / 5) for tick in range(100)), "five a second keep it down"


async def test_a_token_dies_in_mid_session_and_a_new_one_helps(desk: Desk, sim: Simulator) -> None:
    citizen = "/registration/beneficiary/new"
    token = await desk.log_in("9000000001")
    await sim.faults.add("token_dies", routes=[f"/api/v2{citizen}"], life_s=0)
    assert (await desk.call("POST", citizen, {}, Authorization=token)).status == 401
    await sim.faults.clear()
    await sim.faults.add("token_dies", life_s=60)
    assert (await desk.call("POST", citizen, {}, Authorization=await desk.log_in("9000000001"))).status == 400
    assert (await desk.vaccinate(desk.anybody())).status == 200


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer x.y.z", "Bearer x.bnVsbA.z", "Bearer x.é.z"])
async def test_what_is_no_token_cannot_die(desk: Desk, sim: Simulator, value: str) -> None:
    await sim.faults.add("token_dies", life_s=0)
    assert (await desk.call("GET", GENDERS, Authorization=value)).status == 200


async def test_faults_combine_the_first_raised_outermost(desk: Desk, sim: Simulator) -> None:
    await sim.faults.add("slow", latency_s=0)
    await sim.faults.add("commit_then_504")
    assert (await desk.vaccinate(desk.anybody())).status == 504
    assert sim.ledger.received[0].faults == ["slow", "commit_then_504"]
    assert len(sim.ledger.applied) == 1


async def test_stopping_leaves_nobody_hanging(desk: Desk, sim: Simulator) -> None:
    await sim.faults.add("hang")
    waiting = asyncio.create_task(desk.vaccinate(desk.anybody()))
    await until(lambda: _read(sim) == 1)
    await sim.__aexit__(None, None, None)
    with pytest.raises(aiohttp.ClientConnectionError):
        await waiting
    assert not sim.ledger.applied


async def _ask_and_leave(desk: Desk, sim: Simulator) -> None:
    leaving = asyncio.create_task(desk.vaccinate(desk.anybody()))
    await until(lambda: _read(sim) == 1)
    leaving.cancel()
    await until(lambda: not sim.connections)


def _read(sim: Simulator) -> int:
    return sum(entry.body is not None for entry in sim.ledger.received)

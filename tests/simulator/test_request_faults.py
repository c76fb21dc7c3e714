"""Each fault that strikes requests: what the client sees, and whether the dose was applied."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from simulator import Simulator
from simulator.faults.catalogue import FAULTS
from simulator.faults.scope import Scope
from tests.simulator.desk import Desk, until

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
}

BROKEN_OFF = {
    # fault: what aiohttp's client raises, whether the body was read, whether the dose was applied
    "reset_before": (aiohttp.ClientOSError, False, False),
    "reset_after": (aiohttp.ClientOSError, True, False),
    "commit_then_drop": (aiohttp.ServerDisconnectedError, True, True),
    "truncated": (aiohttp.ClientPayloadError, True, True),
}


def test_every_fault_is_told_of_here() -> None:
    assert {*ANSWERED, *BROKEN_OFF, "hang", "slow", "refuse"} == set(FAULTS)


@pytest.mark.parametrize("fault", ANSWERED)
async def test_answers(desk: Desk, sim: Simulator, fault: str) -> None:
    status, content_type, text, applied = ANSWERED[fault]
    await sim.faults.add(fault)
    answer = await desk.vaccinate(desk.anybody())
    assert (answer.status, answer.content_type) == (status, content_type)
    assert text in answer.text
    entry = sim.ledger.received[-1]
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

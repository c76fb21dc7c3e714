"""A record for which the server cannot be asked: its look-up fails for ever, and stops nobody else (G5, G6)."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.rules.look_up import Finding, Found
from proxy.rules.outcome import Outcome, OutcomeKind
from proxy.rules.pace import Limit
from proxy.traffic import look_ups
from proxy.traffic.circuits import Circuits, Permit
from proxy.traffic.look_ups import LookUps
from simulator import Simulator
from store.records import Record, RecordState
from tests.traffic.centre import VACCINATE, Centre, a_centre, doses_applied, people
from tests.traffic.upstreams import Cowin

MINUTE_MS = 60_000
BY_ID = "/api/v2/vaccinator/beneficiaries/findByReferenceId"
BY_MOBILE = "/api/v2/vaccinator/beneficiaries/findByMobile"


def permit_of(centre: Centre, lane: bytes) -> Permit:
    return Permit("vaccinator", centre.sidecar.circuits.watched("vaccinator").circuit.generation, 0.0, lane, single=False)


async def asked(centre: Centre) -> Finding:
    """Look record 1 up, now."""
    record = (await centre.records())[0]
    return await centre.sidecar.look_ups.attempt(record, permit_of(centre, record.id))


async def failing(sim: Simulator, centre: Centre) -> None:
    """Let record 1 be one that may have got through, and its look-up fail; replay stands still from then on."""
    person = people(sim)[0]
    await sim.faults.add("error_500", routes=[BY_ID], match=person)
    await sim.faults.add("reset_after", routes=[f"/api{VACCINATE}"], times=1)
    await centre.vaccinate(person)
    await centre.until_all(RecordState.UNKNOWN, 1)
    centre.sidecar.circuits.hold(held=True)
    while not centre.sidecar.look_ups._failed:
        assert (await asked(centre)).found is Found.FAILED


async def test_those_whose_look_up_fails_keep_nobody_else_waiting(sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look_ups, "delay_s", lambda *_: 0.0)  # due again before the next call may be made, as at CoWIN's pace
    monkeypatch.setattr(look_ups, "AGAIN_AFTER_S", 0.0)
    async with a_centre(tmp_path, f"{sim.url}/api", replay={"calls_per_minute": 1_200}) as centre:
        down = await sim.faults.add("refuse")
        await centre.go_down()
        for last in range(3):
            path, body = Cowin().walk_in(f"Walk-in {last}")
            await centre.post(path, body | {"mobile_number": f"900000090{last}"})
        persons = people(sim)[:4]
        for person in persons:
            await centre.vaccinate(person)
        await sim.faults.add("error_500", routes=[BY_MOBILE], match="90000009")
        budget = centre.sidecar.replayer.budget
        budget.bucket = replace(budget.bucket, shared=0.0, reserved=0.0)  # each call has to wait for its token
        await sim.faults.lift(down)
        await centre.until_all(RecordState.DELIVERED, 4)
        assert sorted(doses_applied(sim)) == sorted((person, 1) for person in persons)
        assert (await centre.states())[:3] == ["pending"] * 3


async def test_the_back_off_of_a_look_up_grows_and_is_taken_for_no_clock_that_jumped(
    sim: Simulator, centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "random", lambda: 0.999)
    sidecar, waits_s = centre.sidecar, []
    await failing(sim, centre)
    for _ in range(10):
        (record,) = await centre.records()
        now = sidecar.clock.wall()
        waits_s.append(round((record.due_at - now) / 1000))
        assert await sidecar.replayer._heads(("vaccinator",), 5, now) == []
        await asked(centre)
    assert (waits_s, waits_s[0] <= 10, waits_s[-1]) == (sorted(waits_s), True, 899)
    assert (record.attempt, record.failures, record.state) == (1, 0, RecordState.UNKNOWN)
    early = await sidecar.replayer._heads(("vaccinator",), 5, now - MINUTE_MS)
    assert [head.number for head in early] == [1], "further ahead than its cap: the clock jumped"

    await sim.faults.clear()
    assert (await asked(centre)).found is Found.NOT_THERE
    assert sidecar.look_ups.failing() == frozenset()
    assert sidecar.look_ups.wait_max_s() == look_ups.AGAIN_AFTER_S


async def test_what_fails_in_an_outage_does_not_keep_the_record_waiting_when_it_is_over(sim: Simulator, centre: Centre) -> None:
    await failing(sim, centre)
    before = dict(centre.sidecar.look_ups._failed)
    await sim.faults.add("refuse")
    await centre.go_down()
    await sim.faults.clear()
    await sim.faults.add("error_500")
    for _ in range(5):
        assert (await asked(centre)).found is Found.FAILED
    assert centre.sidecar.look_ups._failed == before


async def test_what_always_fails_is_no_outage_for_everybody(sim: Simulator, centre: Centre) -> None:
    await failing(sim, centre)
    for _ in range(look_ups.TOLD_AFTER):
        await asked(centre)
    circuits = centre.sidecar.circuits
    circuits.observe(permit_of(centre, b"another"), Outcome(OutcomeKind.ACCEPTED, "http_200", maybe_applied=True))
    assert circuits.watched("vaccinator").circuit.row == ()
    assert (await asked(centre)).found is Found.FAILED
    assert circuits.watched("vaccinator").circuit.row == ()


async def test_what_always_fails_is_a_canary_like_any_other_while_the_server_is_down(
    sim: Simulator, centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or it would be asked every five seconds, all through an outage of a group without a probe."""
    await failing(sim, centre)
    for _ in range(look_ups.TOLD_AFTER):
        await asked(centre)
    await sim.faults.add("refuse")
    await centre.go_down()
    await sim.faults.clear()
    await sim.faults.add("error_500")
    circuits, observed = type(centre.sidecar.circuits), list[Permit]()
    observe = circuits.observe

    def noted(self: Circuits, permit: Permit, *rest: Any) -> None:
        observed.append(permit)
        observe(self, permit, *rest)

    monkeypatch.setattr(circuits, "observe", noted)
    permit = permit_of(centre, b"canary")
    (record,) = await centre.records()
    assert (await centre.sidecar.look_ups.attempt(record, permit)).own
    assert permit in observed


async def test_one_whose_look_up_breaks_by_an_error_of_ours_waits_its_minute(
    sim: Simulator, centre: Centre, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL")

    async def broken(_: LookUps, record: Record, __: Permit) -> Finding:
        raise LookupError(record.number)

    monkeypatch.setattr(LookUps, "attempt", broken)
    await sim.faults.add("reset_after", routes=[f"/api{VACCINATE}"], times=1)
    await centre.vaccinate(people(sim)[0])

    async def put_off() -> bool:
        return (await centre.records())[0].due_at > 0

    await centre.until(put_off)
    now, far_ms = centre.sidecar.clock.wall(), centre.sidecar.replayer._unknown_far_ms()
    assert await centre.sidecar.journal.heads(["vaccinator"], now, 5, (), far_ms) == [], "no clock that jumped has put it off"


async def test_one_record_whose_look_up_fails_slows_nobody_and_a_second_does(centre: Centre) -> None:
    replayer = centre.sidecar.replayer
    own, slower = Finding(Found.FAILED, "", own=True), Finding(Found.FAILED, "")

    def limit_after(*found: tuple[int, Finding]) -> int:
        replayer.limit, replayer._failed = Limit(8), None
        for number, finding in found:
            replayer._found(number, finding)
        return replayer.limit.value

    assert limit_after((1, own), (1, own), (1, own)) == 8
    assert limit_after((1, own), (2, own)) == 4
    assert limit_after((1, own), (3, Finding(Found.THERE, "")), (2, own)) == 8
    assert limit_after((1, slower)) == 4, "the line, or a throttle"

"""A dose survives an outage: judged by the server's own ledger."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from proxy.rules.circuit import resumed
from simulator import Simulator
from store.outage_ledger import OutageFilter
from store.records import RecordState
from tests.traffic.centre import GENDERS, VACCINATE, Centre, a_centre, doses_applied, people


async def test_while_the_server_is_up_the_desk_has_its_own_answer_and_the_record_is_delivered(sim: Simulator, centre: Centre) -> None:
    person = people(sim)[0]
    told = await centre.vaccinate(person)
    assert told.status == 200
    assert told.state is None, "no receipt: this is the server's own answer"
    assert "Dosekeeper-Record" in told.headers
    await centre.until_all(RecordState.DELIVERED, 1)
    assert doses_applied(sim) == [(person, 1)]


async def test_while_it_is_down_doses_are_kept_and_afterwards_each_takes_effect_once_in_order(sim: Simulator, centre: Centre) -> None:
    persons = people(sim)[:12]
    down = await sim.faults.add("refuse")
    told = [await centre.vaccinate(person, dose) for dose in (1, 2) for person in persons]
    assert {(answer.status, answer.state is not None) for answer in told} == {(200, True)}
    assert doses_applied(sim) == []

    await sim.faults.add("unavailable_503", routes=[f"/api{VACCINATE}"], times=1)  # the first waits, its second behind it
    await sim.faults.lift(down)
    await centre.until_all(RecordState.DELIVERED, 24)

    applied = doses_applied(sim)
    assert sorted(applied) == sorted((person, dose) for dose in (1, 2) for person in persons)
    assert all(applied.index((person, 1)) < applied.index((person, 2)) for person in persons)


async def test_once_the_outage_is_known_no_desk_waits_for_the_network(sim: Simulator, centre: Centre) -> None:
    await sim.faults.add("refuse")
    await centre.go_down()
    received = len(sim.ledger.received)
    await asyncio.gather(*(centre.vaccinate(person) for person in people(sim)[:20]))
    assert await centre.states() == ["pending"] * 20
    assert len(sim.ledger.received) == received
    refused = await centre.get(GENDERS)
    assert (refused.status, refused.headers["Content-Type"]) == (503, "application/problem+json")
    assert int(refused.headers["Retry-After"]) >= 1


async def test_a_dose_in_an_outage_sends_nobody_to_look_for_what_could_be_sent(
    sim: Simulator, centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It took two commits more and two reads, for which the next desk waited."""
    await sim.faults.add("refuse")
    await centre.go_down()
    rung: list[None] = []
    monkeypatch.setattr(centre.sidecar.replayer.wake, "ring", lambda: rung.append(None))
    await centre.vaccinate(people(sim)[0])
    assert (await centre.states(), rung) == (["pending"], [])

    circuits, now_s = centre.sidecar.circuits, centre.sidecar.clock.monotonic()
    circuits.resume("registration", resumed("refused", now_s, now_s))
    assert not circuits.out("registration"), "it has no probe: what is recorded may be the canary"


async def test_with_nothing_to_send_the_probes_alone_end_it(sim: Simulator, centre: Centre) -> None:
    await sim.faults.add("refuse")
    await centre.go_down()
    await sim.faults.clear()
    await centre.until_phase("closed")


async def drained(centre: Centre) -> bool:
    rows = await centre.sidecar.journal.outages(OutageFilter(groups=("vaccinator",)))
    return bool(rows) and rows[0].drained_at is not None


async def test_what_is_drained_is_noted_once(sim: Simulator, centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    await sim.faults.add("refuse")
    await centre.go_down()
    await sim.faults.clear()
    await centre.until(partial(drained, centre))
    noted: list[str] = []

    async def note(group: str, _: int) -> bool:
        noted.append(group)
        return False

    await centre.sidecar.replayer._note_drained()
    monkeypatch.setattr(centre.sidecar.journal, "mark_drained", note)
    await centre.sidecar.replayer._note_drained()
    assert noted == []


async def test_the_outage_is_one_row_with_its_true_start_and_end(sim: Simulator, centre: Centre) -> None:
    fault = await sim.faults.add("refuse")
    await centre.go_down()
    for person in people(sim)[:3]:
        await centre.vaccinate(person)
    await sim.faults.clear()
    await centre.until_all(RecordState.DELIVERED, 3)
    await centre.until(partial(drained, centre))
    (row,) = await centre.sidecar.journal.outages(OutageFilter(groups=("vaccinator",)))
    true = next(entry for entry in sim.faults.history if entry.id == fault)
    assert true.lifted_at is not None
    assert row.ended_at is not None
    assert row.cause == "refused"
    assert row.recorded == 3
    assert true.raised_at - 500 <= row.started_at <= true.raised_at + 2_000
    assert true.lifted_at - 500 <= row.ended_at <= true.lifted_at + 2_000


async def test_an_outage_that_ended_in_the_last_moment_is_over_on_record_too(sim: Simulator, tmp_path: Path) -> None:
    await sim.faults.add("refuse")
    async with a_centre(tmp_path, f"{sim.url}/api") as centre:
        await centre.go_down()
        journal = centre.sidecar.journal

        async def begun() -> bool:
            return bool(await journal.running_outages())

        await centre.until(begun)
        centre.sidecar.circuits.bells.remove(centre.sidecar.keeper.wake.ring)  # it does not hear of the end any more
        await sim.faults.clear()
        await centre.until_phase("closed")
    async with a_centre(tmp_path, f"{sim.url}/api") as centre:
        assert await centre.sidecar.journal.running_outages() == []


async def test_a_running_outage_goes_on_over_a_restart_as_the_same_row(sim: Simulator, tmp_path: Path) -> None:
    await sim.faults.add("refuse")
    async with a_centre(tmp_path, f"{sim.url}/api") as centre:
        await centre.go_down()
        await centre.vaccinate(people(sim)[0])

        async def begun() -> bool:
            return bool(await centre.sidecar.journal.running_outages())

        await centre.until(begun)
    async with a_centre(tmp_path, f"{sim.url}/api") as centre:
        assert centre.sidecar.circuits.watched("vaccinator").circuit.phase == "open"
        assert (await centre.vaccinate(people(sim)[1])).state == "pending"
        await sim.faults.clear()
        await centre.until_all(RecordState.DELIVERED, 2)
        rows = await centre.sidecar.journal.outages(OutageFilter(groups=("vaccinator",)))
        assert len(rows) == 1


async def test_a_partial_outage_stops_its_own_group_only(sim: Simulator, centre: Centre) -> None:
    await sim.faults.add("error_500", routes=["/api/v2/auth/**"])
    for _ in range(12):
        await centre.post("/v2/auth/generateMobileOTP", {"mobile": "9000000001"})
    assert (await centre.vaccinate(people(sim)[0])).state is None
    assert centre.sidecar.circuits.watched("vaccinator").circuit.phase == "closed"


async def test_a_slow_server_hands_the_desk_a_receipt_in_time_and_the_send_goes_on(sim: Simulator, centre: Centre) -> None:
    await sim.faults.add("slow", routes=[f"/api{VACCINATE}"], latency_s=2.5)
    told = await centre.vaccinate(people(sim)[0])
    assert told.state == "sending"
    await centre.until_all(RecordState.DELIVERED, 1)
    assert len(doses_applied(sim)) == 1

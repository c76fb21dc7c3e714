"""Clocks that are wrong, jump, or stand still in a suspended computer: no dose is lost, doubled or late for it, and no figure lies."""

from __future__ import annotations

import json
import time
from asyncio import Event
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from proxy.operations.holding import HoldKeeper
from proxy.rules.clock_doubt import Why
from proxy.rules.outcome import OutcomeKind
from proxy.rules.wire import Answer, Exchange, Failure, FailureKind
from proxy.traffic.clock_watch import ClockWatch
from proxy.traffic.purger import UNSURE_S
from proxy.traffic.sweeper import LATER_S
from simulator import Simulator
from store.outage_ledger import OutageFilter
from store.outages import Outage
from store.records import RecordState
from tests.traffic.centre import VACCINATE, Centre, JumpingClock, a_centre, a_dose, doses_applied, people

DAY_MS = 86_400_000
JUMPS = [pytest.param(DAY_MS, id="+1 d"), pytest.param(-2 * DAY_MS, id="-2 d"), pytest.param(365 * DAY_MS, id="+1 y")]
SETTLE_S = 1


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock()


async def the_outage(centre: Centre) -> Outage | None:
    rows = await centre.sidecar.journal.outages(OutageFilter(groups=("vaccinator",)))
    assert len(rows) <= 1, "one outage is one row"
    return rows[0] if rows else None


async def until_begun(centre: Centre) -> Outage:
    async def begun() -> bool:
        return await the_outage(centre) is not None

    await centre.until(begun)
    row = await the_outage(centre)
    assert row is not None
    return row


async def until_ended(centre: Centre) -> Outage:
    async def ended() -> bool:
        row = await the_outage(centre)
        return row is not None and row.ended_at is not None

    await centre.until(ended)
    row = await the_outage(centre)
    assert row is not None
    assert row.ended_at is not None
    return row


def lasted_s(row: Outage) -> float:
    assert row.ended_at is not None
    return (row.ended_at - row.started_at) / 1000


async def seconds_total(centre: Centre) -> float:
    return (await centre.sidecar.journal.snapshot(0, lambda _: False)).outages["vaccinator"].seconds_total


@pytest.mark.parametrize("jump_ms", JUMPS)
async def test_a_jump_in_an_outage_changes_neither_its_length_nor_what_becomes_of_the_doses(
    sim: Simulator, tmp_path: Path, clock: JumpingClock, jump_ms: int
) -> None:
    persons = people(sim)[:4]
    async with a_centre(tmp_path, f"{sim.url}/api", clock=clock) as centre:
        began_s = clock.monotonic()
        await sim.faults.add("refuse")
        await centre.go_down()
        await until_begun(centre)
        for person in persons[:2]:
            await centre.vaccinate(person)
        counted = await seconds_total(centre)
        clock.ahead_ms = jump_ms
        for person in persons[2:]:
            await centre.vaccinate(person)
        await sim.faults.clear()
        await centre.until_all(RecordState.DELIVERED, 4)
        row = await until_ended(centre)
        assert 0 < lasted_s(row) <= clock.monotonic() - began_s
        assert (row.recorded, row.clock_doubtful, row.unobserved_ms) == (4, True, 0)
        assert await seconds_total(centre) >= counted
        assert sorted(doses_applied(sim)) == sorted((person, 1) for person in persons)

        async def drained() -> bool:
            return (row := await the_outage(centre)) is not None and row.drained_at is not None

        await centre.until(drained)


@pytest.mark.parametrize("jump_ms", JUMPS)
async def test_a_jump_between_two_processes_of_one_boot_changes_no_outage(
    sim: Simulator, tmp_path: Path, clock: JumpingClock, jump_ms: int
) -> None:
    began_s = clock.monotonic()
    await sim.faults.add("refuse")
    async with a_centre(tmp_path, f"{sim.url}/api", clock=clock) as centre:
        await centre.go_down()
        await until_begun(centre)
    clock.ahead_ms = jump_ms
    async with a_centre(tmp_path, f"{sim.url}/api", clock=clock) as centre:
        resumed = await until_begun(centre)
        assert 0 < resumed.unobserved_ms <= (clock.monotonic() - began_s) * 1000
        await centre.vaccinate(people(sim)[0])
        await sim.faults.clear()
        await centre.until_all(RecordState.DELIVERED, 1)
        row = await until_ended(centre)
        assert row.unobserved_ms / 1000 <= lasted_s(row) <= clock.monotonic() - began_s
        assert row.clock_doubtful


async def test_time_in_suspend_is_part_of_the_outage_and_nobody_watched_it(sim: Simulator, tmp_path: Path, clock: JumpingClock) -> None:
    await sim.faults.add("refuse")
    async with a_centre(tmp_path, f"{sim.url}/api", clock=clock) as centre:
        await centre.go_down()
        await until_begun(centre)
        clock.suspended_s = 8 * 3600.0
        centre.sidecar.keeper.wake.ring()
        await sim.faults.clear()
        await centre.vaccinate(people(sim)[0])
        await centre.until_all(RecordState.DELIVERED, 1)
        row = await until_ended(centre)
        assert 28_800 <= row.unobserved_ms / 1000 <= lasted_s(row) <= 28_800 + 15


@pytest.mark.parametrize("jump_ms", [*JUMPS, pytest.param(-600_000, id="-10 min")])
async def test_a_jump_right_after_a_lost_answer_makes_settle_neither_shorter_nor_endless(
    sim: Simulator, tmp_path: Path, clock: JumpingClock, jump_ms: int
) -> None:
    person = people(sim)[0]
    async with a_centre(tmp_path, f"{sim.url}/api", clock=clock, replay={"settle": f"{SETTLE_S}s"}) as centre:
        await sim.faults.add("reset_after", routes=[f"/api{VACCINATE}"], times=1)
        await centre.vaccinate(person)
        await centre.until_all(RecordState.UNKNOWN, 1)
        clock.ahead_ms = jump_ms
        centre.sidecar.replayer.wake.ring()
        await centre.until_all(RecordState.DELIVERED, 1)
    first, second = (entry.moment for entry in sim.ledger.received if entry.method == "POST")
    assert second.monotonic_s - first.monotonic_s >= SETTLE_S
    assert doses_applied(sim) == [(person, 1)]


@pytest.mark.parametrize("jump_ms", JUMPS)
async def test_after_a_restart_settle_is_waited_out_anew_whatever_the_clock_says(
    sim: Simulator, tmp_path: Path, clock: JumpingClock, jump_ms: int
) -> None:
    person = people(sim)[0]
    async with a_centre(tmp_path, f"{sim.url}/api", clock=clock, replay={"settle": "2m"}) as centre:
        await sim.faults.add("reset_after", routes=[f"/api{VACCINATE}"], times=1)
        await centre.vaccinate(person)
        await centre.until_all(RecordState.UNKNOWN, 1)
    clock.ahead_ms = jump_ms
    began_s = time.monotonic()
    async with a_centre(tmp_path, f"{sim.url}/api", clock=clock, replay={"settle": f"{SETTLE_S}s"}) as centre:
        await centre.until_all(RecordState.DELIVERED, 1)
    assert time.monotonic() - began_s >= SETTLE_S
    assert doses_applied(sim) == [(person, 1)]


async def test_a_back_off_is_over_when_the_clock_is_put_back(sim: Simulator, tmp_path: Path, clock: JumpingClock) -> None:
    person = people(sim)[0]
    async with a_centre(tmp_path, f"{sim.url}/api", clock=clock) as centre:
        await sim.faults.add("unavailable_503", routes=[f"/api{VACCINATE}"], times=1, retry_after_s=800)
        await centre.vaccinate(person)
        await centre.until_all(RecordState.PENDING, 1)
        clock.ahead_ms = -2 * DAY_MS
        centre.sidecar.replayer.wake.ring()
        await centre.until_all(RecordState.DELIVERED, 1)
        assert doses_applied(sim) == [(person, 1)]


@pytest.mark.parametrize("jump_ms", JUMPS)
async def test_a_record_taken_under_a_clock_that_is_off_is_marked_and_goes_up_as_it_came(
    sim: Simulator, tmp_path: Path, clock: JumpingClock, jump_ms: int
) -> None:
    one, two, three = people(sim)[:3]
    async with a_centre(tmp_path, f"{sim.url}/api", clock=clock) as centre:
        await centre.vaccinate(one)
        clock.ahead_ms = jump_ms
        await centre.vaccinate(two)
        clock.ahead_ms = 0
        await centre.vaccinate(three)
        await centre.until_all(RecordState.DELIVERED, 3)
        before, under, after = await centre.records()
    way = "ahead of" if jump_ms > 0 else "behind"
    assert (before.clock_doubt, under.clock_doubt, after.clock_doubt) == (None, f"{abs(jump_ms) // 1000} s {way} the server", None)
    assert under.recorded_at - before.recorded_at >= jump_ms
    assert under.deadline_at == before.deadline_at, "the days are the server's: its clock counts them"
    bodies = [entry.body for entry in sim.ledger.received if entry.method == "POST"]
    assert bodies == [json.dumps(a_dose(person)).encode() for person in (one, two, three)]


@pytest.mark.parametrize(("when_recorded", "when_sent"), [(0, 7_200_000), (7_200_000, 0)])
async def test_what_waits_is_looked_up_before_it_is_sent_where_nobody_can_tell_its_age(
    sim: Simulator, tmp_path: Path, clock: JumpingClock, when_recorded: int, when_sent: int
) -> None:
    one, two = people(sim)[:2]
    async with a_centre(tmp_path, f"{sim.url}/api", clock=clock) as centre:
        await centre.vaccinate(one)
        await sim.faults.add("refuse")
        await centre.go_down()
        clock.ahead_ms = when_recorded
        await centre.vaccinate(two)
        clock.ahead_ms = when_sent
        received = len(sim.ledger.received)
        await sim.faults.clear()
        await centre.until_all(RecordState.DELIVERED, 2)
    about_two = [entry.method for entry in sim.ledger.received[received:] if two.encode() in entry.target + (entry.body or b"")]
    assert about_two == ["GET", "POST"]


async def test_a_clock_that_is_wrong_at_start_is_in_doubt_until_the_server_is_heard(
    sim: Simulator, tmp_path: Path, clock: JumpingClock
) -> None:
    async with a_centre(tmp_path, f"{sim.url}/api", clock=clock) as centre:
        await centre.vaccinate(people(sim)[0])
        await centre.until_all(RecordState.DELIVERED, 1)
    clock.ahead_ms = -2 * DAY_MS
    await sim.faults.add("refuse")
    async with a_centre(tmp_path, f"{sim.url}/api", clock=clock) as centre:
        doubt = centre.sidecar.watch.doubt()
        assert doubt is not None
        assert doubt.why is Why.BEHIND
        assert centre.sidecar.watch.offset_s() is None
        assert not centre.sidecar.watch.confirmed()
        await centre.vaccinate(people(sim)[1])
        clock.ahead_ms = 0
        await sim.faults.clear()
        await centre.until_all(RecordState.DELIVERED, 2)
        assert centre.sidecar.watch.confirmed()
        (_, marked) = await centre.records()
        assert marked.clock_doubt == "172800 s behind the journal's latest record"


@pytest.mark.parametrize("server", ["refuse", None], ids=["nobody to ask", "the server knows better"])
async def test_a_clock_a_year_ahead_purges_nothing(sim: Simulator, tmp_path: Path, clock: JumpingClock, server: str | None) -> None:
    async with a_centre(tmp_path, f"{sim.url}/api", clock=clock) as centre:
        await centre.vaccinate(people(sim)[0])
        await centre.until_all(RecordState.DELIVERED, 1)
    clock.ahead_ms = 365 * DAY_MS
    if server is not None:
        await sim.faults.add(server)
    async with a_centre(tmp_path, f"{sim.url}/api", clock=clock) as centre:
        if server is None:
            await centre.vaccinate(people(sim)[1])
            await centre.until_all(RecordState.DELIVERED, 2)
        assert await centre.sidecar.purger.step() == UNSURE_S
        assert all(record.body for record in await centre.records())
        clock.ahead_ms = 0
        await sim.faults.clear()
        await centre.vaccinate(people(sim)[2])

        async def heard() -> bool:
            return centre.sidecar.watch.confirmed()

        await centre.until(heard)
        assert await centre.sidecar.purger.step() != UNSURE_S


ANSWER = Answer(200, "OK", ((b"Date", b"Thu, 30 Jul 2026 08:00:00 GMT"),), b"")


@pytest.mark.parametrize(
    ("exchange", "kind"),
    [
        pytest.param(ANSWER, OutcomeKind.IMPOSTOR, id="a captive portal"),
        pytest.param(ANSWER, OutcomeKind.UNKNOWN, id="a gateway"),
        pytest.param(ANSWER, OutcomeKind.THROTTLED, id="a firewall"),
        pytest.param(Failure(FailureKind.RESET, sent=True), OutcomeKind.UNKNOWN, id="nobody"),
    ],
)
def test_only_the_upstreams_own_answers_tell_the_time(clock: JumpingClock, exchange: Exchange, kind: OutcomeKind) -> None:
    watch = ClockWatch(clock)
    watch.hear(exchange, kind, clock.monotonic())
    assert watch.offset_s() is None
    assert not watch.confirmed()


def test_an_upstream_that_sends_no_date_confirms_what_is_not_in_doubt(clock: JumpingClock) -> None:
    watch = ClockWatch(clock)
    watch.hear(replace(ANSWER, fields=()), OutcomeKind.REFUSED, clock.monotonic())
    assert watch.confirmed()
    clock.ahead_ms = DAY_MS
    assert not watch.confirmed()


async def test_a_jump_rings_the_bells_and_is_said_once(clock: JumpingClock, caplog: pytest.LogCaptureFixture) -> None:
    watch, rung = ClockWatch(clock), Event()
    watch.bells.append(rung.set)
    await watch.step()
    assert not rung.is_set()
    clock.ahead_ms = DAY_MS
    await watch.step()
    assert rung.is_set()
    rung.clear()
    await watch.step()
    assert not rung.is_set()
    clock.suspended_s = 3600.0
    await watch.step()
    assert rung.is_set()
    clock.ahead_ms = 0
    await watch.step()
    said = [record.action for record in caplog.records]  # type: ignore[attr-defined]
    assert said == ["clock_jumped", "clock_doubtful", "unwatched", "clock_jumped", "clock_right"]


@pytest.mark.parametrize("jump_ms", [-2 * DAY_MS, -600_000, DAY_MS])
async def test_a_hold_lasts_no_longer_for_a_clock_that_was_set(centre: Centre, clock: JumpingClock, jump_ms: int) -> None:
    journal, circuits = centre.sidecar.journal, centre.sidecar.circuits
    keeper = HoldKeeper(journal, circuits, clock)
    await journal.hold(clock.wall() + 3_600_000, "maintenance", "asha", clock.wall())
    left_s = await keeper.step()
    assert left_s == pytest.approx(3600, abs=5)
    clock.ahead_ms = jump_ms
    clock.suspended_s = 3599.0 if jump_ms < 0 else 0.0
    await keeper.step()
    assert circuits.held is (jump_ms < 0)
    clock.suspended_s = 3601.0
    await keeper.step()
    assert not circuits.held
    assert await journal.operator_hold() is None


async def test_quiet_hours_are_not_believed_of_a_clock_in_doubt(sim: Simulator, tmp_path: Path, clock: JumpingClock) -> None:
    async with a_centre(tmp_path, f"{sim.url}/api", clock=clock) as centre:
        await centre.vaccinate(people(sim)[0])
        await centre.until_all(RecordState.DELIVERED, 1)
        to_night_ms = round((datetime.now(UTC).replace(hour=18, minute=30) - datetime.now(UTC)).total_seconds() * 1000)
        clock.ahead_ms = to_night_ms + DAY_MS
        received = len(sim.ledger.received)
        assert await centre.sidecar.sweeper.step() == LATER_S
        assert [entry for entry in sim.ledger.received[received:] if b"findBy" in entry.target] == []

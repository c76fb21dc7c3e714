"""Checking afterwards: what the server said it has is asked for once more, in quiet hours; what is missing waits for a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from proxy.traffic.clock import Clock
from proxy.traffic.purger import Purger
from proxy.traffic.sweeper import LATER_S, Sweeper
from simulator import Simulator
from store.decisions import Act, Decided
from store.records import RecordState
from tests.traffic.centre import VACCINATE, Centre, a_dose, doses_applied, people

INDIA = ZoneInfo("Asia/Kolkata")


class At(Clock):
    """A clock that stands at the next time of day *hour* in India, at most a day from now."""

    def __init__(self, hour: int) -> None:
        now = datetime.now(INDIA)
        then = now.replace(hour=hour, minute=30)
        self._wall = int((then if then > now else then + timedelta(days=1)).timestamp() * 1000)

    def wall(self) -> int:
        return self._wall


def at_night(centre: Centre) -> Sweeper:
    return replace(centre.sidecar.sweeper, clock=At(22))


async def test_what_the_server_lost_is_held_and_never_sent_again_by_itself(sim: Simulator, centre: Centre) -> None:
    kept, lost = people(sim)[:2]
    for person in (kept, lost):
        await centre.vaccinate(person)
    await centre.until_all(RecordState.DELIVERED, 2)
    sim.register.people[lost].doses.clear()

    sweeper = at_night(centre)
    assert [await sweeper.step() for _ in range(3)] == [0.0, 0.0, LATER_S], "each record once"
    assert await centre.states() == ["delivered", "held"]
    record = (await centre.records())[1]
    assert (record.reason, record.maybe_applied) == ("swept: missing", True)
    assert centre.sidecar.meters.registry.get_sample_value("dosekeeper_sweep_missing_total") == 1
    assert doses_applied(sim) == [(kept, 1), (lost, 1)]


async def test_what_was_entered_by_hand_and_then_lost_is_looked_up_once_when_it_is_retried(sim: Simulator, centre: Centre) -> None:
    """No send of ours was made, so it waits as `pending`; each look-up took the turn of somebody else's dose."""
    by_hand, other = people(sim)[:2]
    sidecar = centre.sidecar
    sidecar.circuits.hold(held=True)
    await centre.vaccinate(by_hand)
    await sidecar.journal.mark_exported([1], sidecar.clock.wall())
    async with centre.desk.post(f"{sim.url}/api{VACCINATE}", json=a_dose(by_hand), headers={"x-api-key": "demo-key"}) as entered:
        assert entered.status == 200
    sidecar.circuits.hold(held=False)
    await centre.until_all(RecordState.DELIVERED, 1)
    sim.register.people[by_hand].doses.clear()
    assert await at_night(centre).step() == 0.0
    (record,) = await centre.records()
    assert (record.state, record.reason, record.attempt) == (RecordState.HELD, "swept: missing", 0)
    sidecar.circuits.hold(held=True)
    await centre.vaccinate(other)
    received = len(sim.ledger.received)
    assert isinstance(await sidecar.journal.retry(record, Act("asha", "as suggested"), sidecar.clock.wall()), Decided)
    sidecar.circuits.hold(held=False)
    await centre.until_all(RecordState.DELIVERED, 2)
    assert len([entry for entry in sim.ledger.received[received:] if b"findBy" in entry.target]) == 1
    assert sorted(doses_applied(sim)) == sorted([(by_hand, 1), (by_hand, 1), (other, 1)]), "the register, which forgot one, has it again"


async def test_one_that_cannot_be_asked_for_is_come_back_to_after_the_others(sim: Simulator, centre: Centre) -> None:
    persons = people(sim)[:4]
    for count, person in enumerate(persons, 1):
        await centre.vaccinate(person)
        await centre.until_all(RecordState.DELIVERED, count)
    path = "/api/v2/vaccinator/beneficiaries/findByReferenceId"
    for person in persons[::2]:
        await sim.faults.add("error_500", routes=[path], match=person)
    received, sweeper = len(sim.ledger.received), at_night(centre)

    assert [await sweeper.step() for _ in range(6)] == [LATER_S, 0.0, LATER_S, 0.0, LATER_S, LATER_S]
    asked = [entry.target.decode().rpartition("=")[2] for entry in sim.ledger.received[received:] if b"findBy" in entry.target]
    assert [persons.index(person) for person in asked] == [0, 1, 2, 3, 0, 2]
    await sim.faults.clear()
    assert [await sweeper.step() for _ in range(3)] == [0.0, 0.0, LATER_S]


async def test_it_is_asked_in_quiet_hours_only_and_not_while_the_server_is_down(sim: Simulator, centre: Centre) -> None:
    await centre.vaccinate(people(sim)[0])
    await centre.until_all(RecordState.DELIVERED, 1)
    received = len(sim.ledger.received)
    assert await replace(centre.sidecar.sweeper, clock=At(11)).step() == LATER_S
    await sim.faults.add("refuse")
    await centre.go_down()
    assert await at_night(centre).step() == LATER_S
    assert [entry for entry in sim.ledger.received[received:] if b"findBy" in entry.target] == []


async def test_delivered_requests_are_purged_and_a_second_tap_is_still_the_same_record(sim: Simulator, centre: Centre) -> None:
    person = people(sim)[0]
    first = await centre.vaccinate(person)
    await centre.until_all(RecordState.DELIVERED, 1)
    await Purger(centre.sidecar.journal, At(22), centre.sidecar.watch, keep_delivered_s=0).step()
    assert [record.body for record in await centre.records()] == [b""]
    again = await centre.vaccinate(person)
    assert (again.status, again.headers["Dosekeeper-Record"]) == (200, first.headers["Dosekeeper-Record"])
    assert doses_applied(sim) == [(person, 1)]

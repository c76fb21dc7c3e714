"""
What the field's systems got wrong, each once, against the real sidecar: a test is named after who it happened to.

Those that are held elsewhere:

| mistake, and in whom | held by |
|---|---|
| acknowledged before fsync: nats-server#7564, fluent-bit#6995 | store/test_opening: it_is_opened_as_durable_as_promised; store/test_crash |
| everything stops at a damaged buffer: vector#17644 | store/test_opening: a_damaged_page_is_an_error_and_not_an_altered_dose |
| disk full: prometheus#13027, iotedge#835 | store/test_group_commit: a_full_disk_is_told_and_survived |
| 403 and 404 dropped: vector#10870 | test_each_fault: what_was_surely_not_processed_waits_and_is_sent_by_itself |
| an edit after an unknown outcome: getodk/collect#4589 | store/test_decisions: an_edit_of_what_may_have_got_through_needs_a_word |
| a token frozen in the queue, 401 for ever: swift-sdk PR#1085 | test_never_stuck: one_that_the_server_turns_away_again_and_again_… |
| "sending" for ever after a kill: procrastinate#1446 | store/test_record_ledger: a_stop_leaves_sends_unknown; system/test_kill |
| does not resume when the server is back: fluent-bit#3581 | test_outage: while_it_is_down_doses_are_kept_and_afterwards_… |
| all meet at the cap of the back-off: streamlit PR#15902 | rules/test_backoff; rules/test_probing: centres_at_the_cap_do_not_meet_there |
| a metric counted on the wrong branch: Teleport auditqueue | store/test_record_ledger: counts_follow_every_change |
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from simulator import Simulator
from simulator.people import Person
from store.decisions import Act, Decided, Edited
from store.records import Record, RecordState
from tests.traffic.centre import VACCINATE, Centre, JumpingClock, a_centre, a_dose, doses_applied, people

STRANGER = "11111111111111"
ASHA = Act("asha", "telephoned the centre")
DAY_MS = 86_400_000


def taken_off(sim: Simulator, count: int) -> dict[str, Person]:
    """Take people off the server's register, to be put back: a dose of theirs is refused until then."""
    return {id_: sim.register.people.pop(id_) for id_ in people(sim)[:count]}


async def held_one(centre: Centre) -> Record:
    await centre.until_all(RecordState.HELD, 1)
    return next(record for record in await centre.records() if record.state is RecordState.HELD)


async def test_huey_and_openhim_a_row_is_gone_before_what_replaces_it_is_there(sim: Simulator, centre: Centre) -> None:
    persons = people(sim)[:12]
    await sim.faults.add("refuse")
    for person in persons:
        await centre.vaccinate(person)
    await sim.faults.clear()
    seen: list[int] = []

    async def delivered() -> bool:
        counts = await centre.sidecar.journal.counts()
        seen.append(sum(counts.values()))
        return counts[RecordState.DELIVERED] == len(persons)

    await centre.until(delivered)
    assert set(seen) == {len(persons)}, "looked at with every commit, all are there"


async def test_simple_android_what_is_added_during_a_push_is_marked_done_with_it(sim: Simulator, centre: Centre) -> None:
    person = people(sim)[0]
    await sim.faults.add("hang", routes=[f"/api{VACCINATE}"])
    await centre.vaccinate(person, 1)
    await centre.vaccinate(person, 2)
    await sim.faults.clear()
    await centre.until_all(RecordState.DELIVERED, 2)
    assert doses_applied(sim) == [(person, 1), (person, 2)]


async def test_opentelemetry_interrupted_work_goes_to_the_tail(sim: Simulator, tmp_path: Path) -> None:
    person = people(sim)[0]
    async with a_centre(tmp_path, f"{sim.url}/api", upstream={"read_timeout": "500ms"}) as centre:
        await sim.faults.add("hang", routes=[f"/api{VACCINATE}"])
        assert (await centre.vaccinate(person, 1)).state == "sending"
        assert (await centre.vaccinate(person, 2)).state == "pending"
    await sim.faults.clear()
    async with a_centre(tmp_path, f"{sim.url}/api") as centre:
        await centre.until_all(RecordState.DELIVERED, 2)
    assert doses_applied(sim) == [(person, 1), (person, 2)]


async def test_mirth_one_bad_patient_blocks_his_bucket_and_buckets_move_at_a_restart(sim: Simulator, tmp_path: Path) -> None:
    persons = people(sim)[:24]
    await sim.faults.add("refuse")
    async with a_centre(tmp_path, f"{sim.url}/api") as centre:
        for person in (STRANGER, *persons):
            await centre.vaccinate(person, 1)
            await centre.vaccinate(person, 2)
    await sim.faults.clear()
    async with a_centre(tmp_path, f"{sim.url}/api") as centre:
        await centre.until_all(RecordState.DELIVERED, 2 * len(persons))
        assert (await centre.states())[:2] == ["held", "pending"]
    applied = doses_applied(sim)
    assert all(applied.index((person, 1)) < applied.index((person, 2)) for person in persons)


async def test_river_a_bulk_retry_breaks_the_order(sim: Simulator, centre: Centre) -> None:
    persons = taken_off(sim, 4)
    await sim.faults.add("refuse")
    for person in persons:
        await centre.vaccinate(person, 1)
        await centre.vaccinate(person, 2)
    await sim.faults.clear()
    await centre.until_all(RecordState.HELD, 4)
    sim.register.people |= persons
    held = [record for record in await centre.records() if record.state is RecordState.HELD]
    for record in reversed(held):
        assert isinstance(await centre.sidecar.journal.retry(record, ASHA, centre.sidecar.clock.wall()), Decided)
    centre.sidecar.replayer.wake.ring()
    await centre.until_all(RecordState.DELIVERED, 8)
    applied = doses_applied(sim)
    assert sorted(applied) == sorted((person, dose) for person in persons for dose in (1, 2))
    assert all(applied.index((person, 1)) < applied.index((person, 2)) for person in persons)


async def test_teleport_the_outage_itself_uses_up_the_retries(sim: Simulator, centre: Centre) -> None:
    person = people(sim)[0]
    await sim.faults.add("refuse")
    await centre.go_down()
    await centre.vaccinate(person)
    for _ in range(12):  # more canaries than anybody grants a message
        await sim.faults.clear()
        await sim.faults.add("throttle_429", routes=[f"/api{VACCINATE}"], retry_after_s=0, times=1)
        await centre.until(lambda: _no_fault_left(sim))
    await sim.faults.clear()
    await centre.until_all(RecordState.DELIVERED, 1)
    (record,) = await centre.records()
    assert (record.attempt, record.failures) == (13, 0)
    assert doses_applied(sim) == [(person, 1)]


async def _no_fault_left(sim: Simulator) -> bool:
    return all(entry.hits for entry in sim.faults.raised)


async def test_opentelemetry_and_workbox_unsent_data_expires(sim: Simulator, tmp_path: Path) -> None:
    clock, persons = JumpingClock(), people(sim)[:3]
    await sim.faults.add("refuse")
    async with a_centre(tmp_path, f"{sim.url}/api", clock=clock) as centre:
        for person in persons:
            await centre.vaccinate(person)
        clock.ahead_ms = 90 * DAY_MS
        await centre.sidecar.purger.step()
        assert await centre.sidecar.journal.purge(clock.wall(), clock.wall()) == 0, "nor would it by a clock that is borne out"
        assert await centre.states() == ["pending"] * 3
    async with a_centre(tmp_path, f"{sim.url}/api", clock=clock) as centre:
        await sim.faults.clear()
        await centre.until_all(RecordState.DELIVERED, 3)
    assert sorted(doses_applied(sim)) == sorted((person, 1) for person in persons)


async def test_workbox_a_portal_page_counts_as_sent(sim: Simulator, centre: Centre) -> None:
    person = people(sim)[0]
    await sim.faults.add("portal_200")
    told = await centre.vaccinate(person)
    assert (told.status, told.state) == (200, "sending")
    assert b"html" not in told.body.lower()
    await centre.go_down()
    assert await centre.states() == ["unknown"]
    await sim.faults.clear()
    await centre.until_all(RecordState.DELIVERED, 1)
    assert doses_applied(sim) == [(person, 1)]


async def test_mirth_a_refusal_is_sent_again_for_ever(sim: Simulator, centre: Centre) -> None:
    await sim.faults.add("refuse")
    await centre.vaccinate(STRANGER)
    await sim.faults.clear()
    await held_one(centre)
    await centre.vaccinate(people(sim)[0])
    centre.sidecar.replayer.wake.ring()
    await centre.until_all(RecordState.DELIVERED, 1)
    assert len([entry for entry in sim.ledger.received if STRANGER.encode() in (entry.body or b"")]) == 1


@pytest.mark.parametrize("done", [True, False], ids=["the server had it", "the server had it not"])
async def test_opencrvs_a_duplicate_after_a_timeout(sim: Simulator, centre: Centre, done: bool) -> None:
    person = people(sim)[0]
    await sim.faults.add("commit_then_504" if done else "gateway_504", routes=[f"/api{VACCINATE}"], times=1)
    await asyncio.gather(centre.vaccinate(person), centre.vaccinate(person))
    await centre.until_all(RecordState.DELIVERED, 1)
    assert (await centre.vaccinate(person)).status == 200, "and whoever taps again is told that it is recorded"
    assert doses_applied(sim) == [(person, 1)]


async def test_flipper_a_credential_frozen_in_the_queue_goes_up_with_it(sim: Simulator, centre: Centre) -> None:
    await sim.faults.add("refuse")
    await centre.post(VACCINATE, a_dose(people(sim)[0]), **{"X-Api-Key": "of-yesterday"})
    await sim.faults.clear()
    await centre.until_all(RecordState.DELIVERED, 1)
    (record,) = await centre.records()
    sent = [value for entry in sim.ledger.received for name, value in entry.fields if name.lower() == b"x-api-key"]
    assert b"of-yesterday" not in record.headers
    assert set(sent) == {b"demo-key"}


async def test_openhim_a_failed_message_cannot_be_edited_and_sent_again(sim: Simulator, centre: Centre) -> None:
    person = people(sim)[0]
    await sim.faults.add("refuse")
    await centre.vaccinate(person, center_id=999999999)
    await centre.vaccinate(person, 2)
    await sim.faults.clear()
    held = await held_one(centre)
    mended = replace(held, body=held.body.replace(b"999999999", b"563048"))
    keyed = centre.sidecar.persons.rekey(mended, lambda _: None)
    assert keyed is not None
    assert keyed.content is not None
    edited = Edited(mended.target, mended.headers, mended.body, keyed.lanes, keyed.natural_key, keyed.content)
    assert isinstance(await centre.sidecar.journal.edit(held, edited, ASHA, centre.sidecar.clock.wall()), Decided)
    centre.sidecar.replayer.wake.ring()
    await centre.until_all(RecordState.DELIVERED, 2)
    assert doses_applied(sim) == [(person, 1), (person, 2)]
    assert [original.body for original in await centre.sidecar.journal.revisions(held.number)] == [held.body]


async def test_cht_core_a_refusal_that_nobody_sees(sim: Simulator, centre: Centre) -> None:
    await sim.faults.add("refuse")
    await centre.vaccinate(STRANGER)
    await sim.faults.clear()
    held = await held_one(centre)
    groups = await centre.sidecar.journal.held_groups()
    assert [(group.route, group.reason, group.count) for group in groups] == [("vaccinate", held.reason, 1)]
    assert (await centre.vaccinate(STRANGER)).status == 409, "the desk is told, too"

"""Whatever goes wrong, nothing waits for ever: no record, no lane, no circuit (G5, G6)."""

from __future__ import annotations

import asyncio
import re
from importlib.resources import files
from itertools import chain, repeat
from pathlib import Path
from random import Random
from typing import Any

import pytest

from proxy.traffic.clock import Clock
from proxy.traffic.look_ups import LookUps
from proxy.traffic.persons import Persons
from proxy.traffic.sender import Sender
from proxy.traffic.strays import Strays
from proxy.traffic.sweeper import LATER_S
from simulator import Simulator
from store.outage_ledger import OutageFilter
from store.records import Record, RecordState
from tests.store.helpers import seen_at
from tests.traffic.centre import VACCINATE, Centre, a_centre, doses_applied, people
from tests.traffic.test_sweep import at_night
from tests.traffic.upstreams import Cowin

SURELY_NOT_PROCESSED: list[tuple[str, dict[str, Any]]] = [("refuse", {}), ("throttle_429", {"retry_after_s": 0}), ("auth_401", {})]


def parts_with_steps() -> set[str]:
    """The classes of proxy.traffic that have a step."""
    with_step = re.compile(r"^class (\w+)\b(?:(?!^class ).)*?^    async def step\(", re.MULTILINE | re.DOTALL)
    sources = Path(str(files("proxy.traffic"))).glob("*.py")
    return {found[1] for source in sources for found in with_step.finditer(source.read_text("utf-8"))}


@pytest.mark.usefixtures("centre")
async def test_every_part_that_has_steps_is_run() -> None:
    running: list[Any] = [task.get_coro() for task in asyncio.all_tasks()]
    steps = {loop.cr_frame.f_locals["step"].__qualname__ for loop in running if loop.__qualname__ == "keep_running"}
    # A token's is there only where one is fetched; `_stay` is the composition root's own.
    assert steps == {f"{part}.step" for part in parts_with_steps() - {"TokenSource"}} | {"Sidecar._stay"}


@pytest.mark.parametrize("left", [None, "one line\nand another"], ids=["gone", "two lines"])
async def test_a_credential_file_that_cannot_be_used_leaves_the_last_one_in_use(sim: Simulator, tmp_path: Path, left: str | None) -> None:
    key = tmp_path / "api.key"
    key.write_text("demo-key\n")
    async with a_centre(tmp_path, f"{sim.url}/api", upstream={"headers": f"{{x-api-key: {{file: {key}}}}}"}) as centre:
        first, second = people(sim)[:2]
        await centre.vaccinate(first)
        key.unlink() if left is None else key.write_text(left)
        told = await centre.vaccinate(second)
        assert (told.status, told.state) == (200, None)
        await centre.until_all(RecordState.DELIVERED, 2)


@pytest.mark.parametrize(("fault", "options"), SURELY_NOT_PROCESSED[1:])
async def test_one_that_the_server_turns_away_again_and_again_does_not_keep_the_others_waiting(
    sim: Simulator, centre: Centre, fault: str, options: dict[str, Any]
) -> None:
    first, *others = people(sim)[:4]
    await sim.faults.add("refuse")
    await centre.go_down()
    for person in (first, *others):
        await centre.vaccinate(person)
    await sim.faults.clear()
    await sim.faults.add(fault, routes=[f"/api{VACCINATE}"], match=first, **options)
    await centre.until_all(RecordState.DELIVERED, 3)
    await centre.until_phase("closed")
    assert (await centre.states())[1:] == ["delivered"] * 3


class DueMeanwhile(Clock):
    """A wall clock that reaches a moment after it was asked once: between two questions of one step."""

    def __init__(self, due_at: int) -> None:
        self.times = chain([due_at - 1], repeat(due_at))

    def wall(self) -> int:
        return next(self.times)


async def test_one_that_becomes_due_in_the_middle_of_a_step_does_not_wait_for_the_next_minute(sim: Simulator, tmp_path: Path) -> None:
    async with a_centre(tmp_path, f"{sim.url}/api", replay={"settle": "1m"}) as centre:
        await sim.faults.add("reset_after", routes=[f"/api{VACCINATE}"], times=1)
        await centre.vaccinate(people(sim)[0])

        async def put_off() -> bool:
            return (await centre.records())[0].due_at > 0

        await centre.until(put_off)
        (record,) = await centre.records()
        centre.sidecar.replayer.clock = DueMeanwhile(record.due_at)
        wait_s = await centre.sidecar.replayer.step()
        assert wait_s is not None
        assert wait_s < 1


async def test_the_one_permit_that_comes_back_unused_is_taken_up(sim: Simulator, centre: Centre) -> None:
    """A desk's, whose dose turned out to be known already: it is no evidence, so no bell rings."""
    circuits, taken = centre.sidecar.circuits, []

    def take() -> None:
        if circuits.watched("vaccinator").circuit.phase == "half-open" and (permit := circuits.permit("vaccinator")):
            taken.append(permit)

    await sim.faults.add("refuse")
    await centre.vaccinate(people(sim)[0])
    await centre.go_down()
    circuits.bells.insert(0, take)
    await sim.faults.clear()
    await centre.until_phase("half-open")
    assert taken
    for group in circuits.groups():
        circuits.watched(group).start_at = 0.0
    wait_s = await centre.sidecar.replayer.step()
    assert wait_s is not None
    assert wait_s < 1
    circuits.bells.remove(take)
    circuits.unused(taken[0])
    await centre.until_all(RecordState.DELIVERED, 1, within_s=10)


async def test_many_turned_away_at_once_wait_as_long_as_one(sim: Simulator, centre: Centre) -> None:
    await sim.faults.add("throttle_429", routes=[f"/api{VACCINATE}"])
    await asyncio.gather(*map(centre.vaccinate, people(sim)[:10]))
    wait_s = centre.sidecar.circuits.next_change_s()
    assert wait_s is not None
    assert wait_s <= 5


async def test_the_longest_wait_that_the_server_asked_for_is_kept(sim: Simulator, centre: Centre) -> None:
    first, second = people(sim)[:2]
    await sim.faults.add("slow", routes=[f"/api{VACCINATE}"], match=second, latency_s=0.2)
    await sim.faults.add("throttle_429", routes=[f"/api{VACCINATE}"], match=first, retry_after_s=60)
    await sim.faults.add("throttle_429", routes=[f"/api{VACCINATE}"], match=second, retry_after_s=1)
    await asyncio.gather(centre.vaccinate(first), centre.vaccinate(second))
    wait_s = centre.sidecar.circuits.next_change_s()
    assert wait_s is not None
    assert wait_s > 50


@pytest.mark.parametrize("first", ["live", "in replay"])
async def test_a_journal_that_is_mended_between_the_claim_and_the_send_leaves_nothing_behind(
    sim: Simulator, centre: Centre, first: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL")
    persons, journal = type(centre.sidecar.persons), centre.sidecar.journal
    going_up, begun = persons.going_up, asyncio.Event()

    async def damaged_just_now(self: Persons, record: Record) -> tuple[str, bytes] | None:
        if record.attempt and person.encode() in record.body and not begun.is_set():
            begun.set()
            journal._engine.mend()
        return await going_up(self, record)

    await sim.faults.add("refuse")
    await centre.vaccinate(people(sim)[0])
    await centre.go_down()
    path, body = Cowin().walk_in("Asha Rao (invented)")
    person = Cowin().issued((await centre.post(path, body)).body)
    if first == "live":
        await sim.faults.clear()
        await centre.until_all(RecordState.DELIVERED, 2)
    monkeypatch.setattr(persons, "going_up", damaged_just_now)
    assert (await centre.vaccinate(person)).status == 200
    await sim.faults.clear()
    async with asyncio.timeout(15):
        await begun.wait()
    await journal._engine.mended()
    assert (await centre.vaccinate(person, 2)).status == 200
    await centre.until_all(RecordState.DELIVERED, 4, within_s=30)
    assert [dose for _, dose in doses_applied(sim)] == [1, 1, 2]


async def test_what_breaks_before_its_send_waits_for_a_next_turn_of_its_own(
    centre: Centre, sim: Simulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL")

    async def broken(*_: object) -> None:
        raise LookupError

    monkeypatch.setattr("proxy.traffic.sender.delay_s", lambda failures, *_: 600.0 * failures)
    with monkeypatch.context() as patch:
        patch.setattr(type(centre.sidecar.sender), "_outgoing", broken)
        assert (await centre.vaccinate(people(sim)[0])).status == 200
        await centre.until_all(RecordState.PENDING, 1)
    (record,) = await centre.records()
    assert (record.failures, record.maybe_applied) == (1, False)
    assert record.due_at > centre.sidecar.clock.wall() + 500_000


async def test_a_send_that_ends_without_a_word_is_looked_up_and_not_left_under_way(
    sim: Simulator, centre: Centre, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL")
    person, sender = people(sim)[0], type(centre.sidecar.sender)
    settle = sender._settle

    async def broken_once(self: Sender, *_: object) -> None:
        monkeypatch.setattr(sender, "_settle", settle)
        raise LookupError(self)

    monkeypatch.setattr(sender, "_settle", broken_once)
    assert [(await centre.vaccinate(person, dose)).status for dose in (1, 2)] == [200, 200]
    assert await centre.states() == ["sending", "pending"]
    strays = Strays(
        centre.sidecar.journal, centre.sidecar.sender, centre.sidecar.look_ups, centre.sidecar.clock, centre.sidecar.replayer.wake
    )
    await strays.step()
    assert await centre.states() == ["sending", "pending"], "it may be about to be sent"
    before_s = centre.sidecar.clock.monotonic()
    await strays.step()
    assert centre.sidecar.sender.sends.last_s(1) >= before_s, "the server may still be working it off"
    await centre.until_all(RecordState.DELIVERED, 2)
    assert doses_applied(sim) == [(person, 1), (person, 2)]


async def test_a_stray_that_is_on_paper_is_left_to_the_next_start(
    sim: Simulator, centre: Centre, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL")
    sidecar = centre.sidecar

    async def broken(*_: object) -> None:
        raise LookupError

    monkeypatch.setattr(type(sidecar.sender), "_settle", broken)
    await centre.vaccinate(people(sim)[0])
    (record,) = await centre.records()
    monkeypatch.setattr(type(sidecar.journal), "on_paper", lambda _: frozenset({record.id}))
    strays = Strays(sidecar.journal, sidecar.sender, sidecar.look_ups, sidecar.clock, sidecar.replayer.wake)
    for _ in range(3):
        await strays.step()
    assert await centre.states() == ["sending"]


async def test_what_is_on_paper_is_not_replayed(sim: Simulator, centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    on_paper, other = people(sim)[:2]
    await sim.faults.add("refuse")
    await centre.go_down()
    for person in (on_paper, other):
        await centre.vaccinate(person)
    (record, _) = await centre.records()
    monkeypatch.setattr(type(centre.sidecar.journal), "on_paper", lambda _: frozenset({record.id}))
    await sim.faults.clear()
    await centre.until_all(RecordState.DELIVERED, 1)
    await centre.until_phase("closed")
    assert (await centre.states(), doses_applied(sim)) == (["pending", "delivered"], [(other, 1)])


async def test_what_is_being_sent_is_no_stray(sim: Simulator, centre: Centre) -> None:
    await sim.faults.add("slow", routes=[f"/api{VACCINATE}"], latency_s=1.5)
    await centre.vaccinate(people(sim)[0])
    sidecar = centre.sidecar
    strays = Strays(sidecar.journal, sidecar.sender, sidecar.look_ups, sidecar.clock, sidecar.replayer.wake)
    for _ in range(3):
        await strays.step()
    assert await centre.states() == ["sending"]
    await centre.until_all(RecordState.DELIVERED, 1)


async def test_a_record_at_which_something_of_ours_fails_keeps_no_other_waiting(
    sim: Simulator, centre: Centre, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL")
    first, *others = people(sim)[:4]
    look_ups, tries = type(centre.sidecar.look_ups), list[int]()
    needed = look_ups.needed

    async def broken(self: LookUps, record: Record) -> bool:
        if first.encode() in record.body:
            tries.append(record.number)
            raise LookupError(first)
        return await needed(self, record)

    monkeypatch.setattr(look_ups, "needed", broken)
    await sim.faults.add("refuse")
    await centre.go_down()
    for person in (first, *others):
        await centre.vaccinate(person)
    await sim.faults.clear()
    await centre.until_all(RecordState.DELIVERED, 3)
    await centre.until_phase("closed")
    assert len(tries) == 1, "its next turn is in a minute"


def in_another_group(tmp_path: Path, **names: str) -> None:
    """Change the profile: its group `vaccinator` is called `desk`, and routes have other *names*."""
    profile = tmp_path / "profile.yaml"
    changed = re.sub(r"^  vaccinator:$", "  desk:", profile.read_text("utf-8"), flags=re.MULTILINE).replace(
        "group: vaccinator", "group: desk"
    )
    for before, after in names.items():
        changed = changed.replace(f"name: {before}\n", f"name: {after}\n").replace(f"record: {before}\n", f"record: {after}\n")
    profile.write_text(changed)


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    path = tmp_path / "profile.yaml"
    path.write_text(files("proxy.profiles").joinpath("cowin-vaccinator.yaml").read_text("utf-8"))
    return path


@pytest.mark.parametrize("gone", ["the group", "the route and the group"])
async def test_what_was_recorded_in_a_group_that_the_profile_has_no_longer_goes_up_all_the_same(
    sim: Simulator, tmp_path: Path, profile: Path, gone: str
) -> None:
    persons = people(sim)[:3]
    raised = await sim.faults.add("refuse")
    async with a_centre(tmp_path, f"{sim.url}/api", profile) as centre:
        await centre.go_down()
        for person in persons:
            await centre.vaccinate(person)
    in_another_group(tmp_path, **({"vaccinate": "give"} if gone == "the route and the group" else {}))
    await sim.faults.lift(raised)
    async with a_centre(tmp_path, f"{sim.url}/api", profile) as centre:
        assert {"desk", "vaccinator"} < set(centre.sidecar.circuits.groups())
        await centre.until_all(RecordState.DELIVERED, 3)
        await centre.until_phase("closed")
        assert sorted(doses_applied(sim)) == sorted((person, 1) for person in persons)

        async def over() -> bool:
            return not await centre.sidecar.journal.running_outages()

        await centre.until(over)
    async with a_centre(tmp_path, f"{sim.url}/api", profile) as centre:
        assert "vaccinator" not in centre.sidecar.circuits.groups()


async def test_an_outage_of_a_group_that_is_gone_ends_although_a_person_has_still_to_decide_of_a_record(
    sim: Simulator, tmp_path: Path, profile: Path
) -> None:
    sim.register.rules = sim.register.rules.model_copy(update={"refused_batches": frozenset({"BAD"})})
    async with a_centre(tmp_path, f"{sim.url}/api", profile) as centre:
        await sim.faults.add("refuse")
        await centre.go_down()
        await centre.vaccinate(people(sim)[0], vaccine_batch="BAD")
        await sim.faults.clear()
        await centre.until_all(RecordState.HELD, 1)
        await centre.until_phase("closed")
        await sim.faults.add("refuse")
        await centre.go_down()

        async def noted() -> bool:
            return bool(await centre.sidecar.journal.running_outages())

        await centre.until(noted)
    in_another_group(tmp_path)
    async with a_centre(tmp_path, f"{sim.url}/api", profile) as centre:
        assert [row.group for row in await centre.sidecar.journal.running_outages()] == []
        assert centre.sidecar.circuits.watched("vaccinator").circuit.phase == "closed"


@pytest.mark.parametrize("gone", ["the group", "the route and the group"])
async def test_what_was_delivered_in_a_group_that_is_gone_keeps_the_sweep_from_nothing(
    sim: Simulator, tmp_path: Path, profile: Path, gone: str
) -> None:
    first, second = people(sim)[:2]
    async with a_centre(tmp_path, f"{sim.url}/api", profile) as centre:
        await centre.vaccinate(first)
        await centre.until_all(RecordState.DELIVERED, 1)
    in_another_group(tmp_path, **({"vaccinate": "give"} if gone == "the route and the group" else {}))
    async with a_centre(tmp_path, f"{sim.url}/api", profile) as centre:
        await centre.vaccinate(second)
        await centre.until_all(RecordState.DELIVERED, 2)
        sweeper = at_night(centre)
        assert [await sweeper.step() for _ in range(3)] == [0.0, 0.0, LATER_S]
        asked = [entry for entry in sim.ledger.received if b"findByReferenceId" in entry.target]
        assert len(asked) == (1 if gone == "the route and the group" else 2)


async def test_an_outage_of_a_group_that_is_gone_and_has_nothing_to_send_ends_with_its_last_failure(sim: Simulator, tmp_path: Path) -> None:
    async with a_centre(tmp_path, f"{sim.url}/api") as centre:
        now = centre.sidecar.clock.wall()
        row = await centre.sidecar.journal.open_outage("gone", now, now, "refused", "upstream", seen_at(now))
    async with a_centre(tmp_path, f"{sim.url}/api") as centre:
        (found,) = await centre.sidecar.journal.outages(OutageFilter())
        assert (found.id, found.ended_at) == (row.id, found.last_bad_at)


class TickingClock(Clock):
    """Later at each look."""

    def __init__(self, *times: float) -> None:
        self._times = list(times)

    def monotonic(self) -> float:
        return self._times.pop(0) if len(self._times) > 1 else self._times[0]


async def test_a_start_slot_that_begins_while_replay_looks_is_not_slept_through(centre: Centre) -> None:
    circuits = centre.sidecar.circuits
    for group in circuits.groups():
        circuits.watched(group).start_at = 10.0
    circuits._clock = TickingClock(9.99, 10.01)
    assert await centre.sidecar.replayer.step() is not None


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_came_and_went_in_the_end_all_is_delivered_once_and_in_order(sim: Simulator, centre: Centre, seed: int) -> None:
    draw = Random(seed)
    persons = people(sim)[:12]

    async def doses_of(person: str) -> None:
        for dose in (1, 2):
            told = await centre.vaccinate(person, dose)
            assert told.status == 200

    for some in (persons[:4], persons[4:8], persons[8:]):
        fault, options = draw.choice(SURELY_NOT_PROCESSED)
        raised = await sim.faults.add(fault, **options)
        await asyncio.gather(*map(doses_of, some))
        if draw.random() < 0.5:
            await sim.faults.lift(raised)
    await sim.faults.clear()

    await centre.until_all(RecordState.DELIVERED, 24)
    await centre.until_phase("closed")
    applied = doses_applied(sim)
    assert sorted(applied) == sorted((person, dose) for dose in (1, 2) for person in persons)
    assert all(applied.index((person, 1)) < applied.index((person, 2)) for person in persons)

"""The guarantees, the same for every upstream that has a profile: judged by its own ledger."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from simulator import Simulator
from store.records import RecordState
from tests.traffic.centre import Centre, Told, a_centre, doses_applied
from tests.traffic.upstreams import KINDS, NAMES, Kind


@pytest.fixture(params=KINDS, ids=NAMES)
def kind(request: pytest.FixtureRequest) -> Kind:
    kind: Kind = request.param
    return kind


@pytest.fixture
async def server(kind: Kind) -> AsyncIterator[Simulator]:
    async with Simulator(seed=7, people=30, api=kind.api) as running:
        yield running


Opened = Callable[[], AbstractAsyncContextManager[Centre]]


@pytest.fixture
def opened(kind: Kind, server: Simulator, tmp_path: Path) -> Opened:
    """Open the centre; a second time, after the first was closed, is a restart."""
    return lambda: a_centre(tmp_path, server.url + kind.base, kind.profile)


async def dose(kind: Kind, centre: Centre, person: str, number: int = 1, batch: str = "4121Z012") -> Told:
    return await centre.post(*kind.dose(person, number, batch))


async def down(kind: Kind, centre: Centre, server: Simulator) -> None:
    await server.faults.add("refuse")
    await centre.until_phase("open", kind.group)


def sent(server: Simulator) -> bytes:
    return b"\n".join(
        b"\n".join((entry.target, *(name + value for name, value in entry.fields), entry.body or b"")) for entry in server.ledger.received
    )


def registered(server: Simulator) -> list[str]:
    return [entry.effect.person for entry in server.ledger.applied if entry.effect.kind == "registration"]


async def test_up_the_desk_has_the_servers_own_answer(kind: Kind, server: Simulator, opened: Opened) -> None:
    person = kind.people(server)[0]
    async with opened() as centre:
        told = await dose(kind, centre, person)
        assert told.status in (200, 201)
        assert told.state is None
        assert told.headers["Dosekeeper-Record"]
        await centre.until_all(RecordState.DELIVERED, 1)
    assert doses_applied(server) == [(person, 1)]


async def test_through_an_outage_each_dose_takes_effect_once_and_in_order(kind: Kind, server: Simulator, opened: Opened) -> None:
    persons = kind.people(server)[:6]
    async with opened() as centre:
        await down(kind, centre, server)
        told = [await dose(kind, centre, person, number) for number in (1, 2) for person in persons]
        assert {answer.status for answer in told} <= {200, 201}
        assert all(answer.state for answer in told)
        await server.faults.clear()
        await centre.until_all(RecordState.DELIVERED, 12)
    applied = doses_applied(server)
    assert sorted(applied) == sorted((person, number) for person in persons for number in (1, 2))
    assert all(applied.index((person, 1)) < applied.index((person, 2)) for person in persons)


@pytest.mark.parametrize("fault", ["commit_then_drop", "commit_then_504", "reset_after"])
async def test_a_lost_answer_makes_no_second_dose(kind: Kind, server: Simulator, opened: Opened, fault: str) -> None:
    person = kind.people(server)[0]
    async with opened() as centre:
        await server.faults.add(fault, routes=[kind.dose_path()], times=1)
        assert (await dose(kind, centre, person)).state is not None
        await centre.until_all(RecordState.DELIVERED, 1)
    assert doses_applied(server) == [(person, 1)]


async def test_a_double_tap_is_one_record_up_and_down(kind: Kind, server: Simulator, opened: Opened) -> None:
    one, other = kind.people(server)[:2]
    async with opened() as centre:
        first, second = await asyncio.gather(dose(kind, centre, one), dose(kind, centre, one))
        assert first.headers["Dosekeeper-Record"] == second.headers["Dosekeeper-Record"]
        await down(kind, centre, server)
        first, second = await asyncio.gather(dose(kind, centre, other), dose(kind, centre, other))
        assert first.headers["Dosekeeper-Record"] == second.headers["Dosekeeper-Record"]
        assert first.body == second.body
        await server.faults.clear()
        await centre.until_all(RecordState.DELIVERED, 2)
    assert doses_applied(server) == [(one, 1), (other, 1)]


async def test_the_same_dose_with_another_batch_is_a_conflict(kind: Kind, server: Simulator, opened: Opened) -> None:
    person = kind.people(server)[0]
    async with opened() as centre:
        await down(kind, centre, server)
        await dose(kind, centre, person)
        assert (await dose(kind, centre, person, batch="4121Z099")).status == 409
        await server.faults.clear()
        await centre.until_all(RecordState.DELIVERED, 1)
    assert doses_applied(server) == [(person, 1)]


async def test_a_walk_in_registered_and_dosed_while_down_is_one_person_with_both_doses(
    kind: Kind, server: Simulator, opened: Opened
) -> None:
    async with opened() as centre:
        await down(kind, centre, server)
        told = await centre.post(*kind.walk_in("Lakshmi Nair"))
        provisional = kind.issued(told.body)
        for number in (1, 2):
            assert (await dose(kind, centre, provisional, number)).state == "pending"
        await server.faults.clear()
        await centre.until_all(RecordState.DELIVERED, 3)
    (real,) = registered(server)
    assert doses_applied(server) == [(real, 1), (real, 2)]
    assert provisional.encode() not in sent(server)


async def test_a_lost_answer_to_a_walk_in_makes_no_second_person(kind: Kind, server: Simulator, opened: Opened) -> None:
    async with opened() as centre:
        await server.faults.add("commit_then_drop", routes=[kind.walk_in_path()], times=1)
        provisional = kind.issued((await centre.post(*kind.walk_in("Lakshmi Nair"))).body)
        await dose(kind, centre, provisional)
        await centre.until_all(RecordState.DELIVERED, 2)
        assert (await dose(kind, centre, provisional, 2)).state is None, "known by the old id, live"
        await centre.until_all(RecordState.DELIVERED, 3)
    (real,) = registered(server)
    assert doses_applied(server) == [(real, 1), (real, 2)]
    assert provisional.encode() not in sent(server)


async def test_a_dose_behind_a_refused_walk_in_waits_for_a_person(kind: Kind, server: Simulator, opened: Opened) -> None:
    async with opened() as centre:
        await down(kind, centre, server)
        provisional = kind.issued((await centre.post(*kind.walk_in("Lakshmi Nair", wrong=True))).body)
        await dose(kind, centre, provisional)
        await server.faults.clear()
        await centre.until_all(RecordState.HELD, 1)
        assert await centre.states() == ["held", "pending"]
    assert doses_applied(server) == []
    assert provisional.encode() not in sent(server)


async def test_poison_stops_its_own_lane_only(kind: Kind, server: Simulator, opened: Opened) -> None:
    bad, *others = kind.people(server)[:6]
    async with opened() as centre:
        kind.refuse(server, "BAD0001")
        await down(kind, centre, server)
        await dose(kind, centre, bad, batch="BAD0001")
        await dose(kind, centre, bad, 2)
        for person in others:
            await dose(kind, centre, person)
        await server.faults.clear()
        await centre.until_all(RecordState.DELIVERED, len(others))
        await centre.until_all(RecordState.HELD, 1)
        assert (await centre.states())[:2] == ["held", "pending"]
        told = await dose(kind, centre, bad, batch="BAD0001")
        assert told.status == 409, "the desk is told that it waits for correction"
    assert sorted(doses_applied(server)) == sorted((person, 1) for person in others)


async def test_what_was_kept_goes_up_after_a_restart(kind: Kind, server: Simulator, opened: Opened) -> None:
    persons = kind.people(server)[:3]
    async with opened() as centre:
        await down(kind, centre, server)
        provisional = kind.issued((await centre.post(*kind.walk_in("Lakshmi Nair"))).body)
        for number in (1, 2):
            await dose(kind, centre, provisional, number)
            for person in persons:
                await dose(kind, centre, person, number)
    async with opened() as centre:
        assert await centre.states() == ["pending"] * 9
        await server.faults.clear()
        await centre.until_all(RecordState.DELIVERED, 9)
    (real,) = registered(server)
    applied = doses_applied(server)
    assert sorted(applied) == sorted((person, number) for person in (real, *persons) for number in (1, 2))
    assert all(applied.index((person, 1)) < applied.index((person, 2)) for person in (real, *persons))


async def test_a_send_cut_off_by_a_stop_is_looked_up_after_it(kind: Kind, server: Simulator, opened: Opened) -> None:
    person = kind.people(server)[0]
    async with opened() as centre:
        await server.faults.add("reset_after", routes=[kind.dose_path()], times=1)
        await dose(kind, centre, person)
        await server.faults.add("refuse")
    await server.faults.clear()
    async with opened() as centre:
        await centre.until_all(RecordState.DELIVERED, 1)
    assert doses_applied(server) == [(person, 1)]

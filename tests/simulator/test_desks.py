"""The desks of the demo: they ask until they are told that it is recorded, and give no dose before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from random import Random

import aiohttp
import pytest

from simulator import Simulator, clock
from simulator.cowin.desk import COWIN, FIND, VACCINATE, identity
from simulator.desks import NOT_THEM, Coming, DayBook, Desk, Hours, staffed
from simulator.faults.scope import Scope
from simulator.forms import Due
from simulator.people import population

WITHIN_S = 10
ONE, TWO = population(2, Random(1), date(2021, 7, 30))
WALK_IN = Due(identity(ONE), "", (1,), "30-07-2021", ONE)
OTHER = Due(identity(TWO), "", (1,), "30-07-2021", TWO)


async def worked(sim: Simulator, *dues: Due, hours: Hours | None = None, double_taps: bool = True) -> DayBook:
    """Let one desk serve *dues* at the server itself, and return its book."""
    book, open_ = DayBook(first=100), hours or opened()

    def desk(http: aiohttp.ClientSession, draw: Random) -> Desk:
        return Desk(f"{sim.url}/api", COWIN, http, book, draw, open_, double_taps)

    async with asyncio.timeout(WITHIN_S):
        await staffed(desk, 1, "seed", iter([Coming(0.0, due) for due in dues]))
    return book


def opened() -> Hours:
    return Hours(clock.now().monotonic_s, (0.0, 0.0), again_s=0.01)


def entries(sim: Simulator) -> list[int]:
    """Return the desks' own numbers in what the server received; a look-up has none."""
    return [one.order for one in sim.ledger.received if one.order is not None]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not condition():  # noqa: ASYNC110 - what is awaited shows in a list only
            await asyncio.sleep(0.005)


async def test_a_walk_in_is_registered_and_given_the_dose_under_the_id_that_came_of_it() -> None:
    async with Simulator(people=0) as sim:
        book = await worked(sim, WALK_IN)
    registered, dose = book.entered
    assert (book.served, book.given, registered.is_given, dose.is_given) == (1, 1, False, True)
    assert [(one.order, one.effect.person, one.effect.dose) for one in sim.ledger.applied] == [
        (101, registered.issued, None),
        (102, registered.issued, 1),
    ]
    assert book.meant == {101: WALK_IN.who, 102: WALK_IN.who}


async def test_a_person_is_looked_up_before_each_dose_and_who_is_expected_before_they_come() -> None:
    async with Simulator(people=2) as sim:
        other = next(id_ for id_, person in sim.register.people.items() if not person.doses)
        due = Due(other, other, (1, 2), "01-05-2021")
        book, hours = DayBook(), opened()
        async with asyncio.timeout(WITHIN_S):
            await staffed(lambda http, draw: Desk(f"{sim.url}/api", COWIN, http, book, draw, hours), 1, "seed", iter([]), [due], 0.0)
        (first,) = book.looked
        await sim.faults.raise_fault("commit_then_504", Scope(routes=(f"/api{VACCINATE}",), times=1), {})
        walk_in = await worked(sim, WALK_IN, due)
    assert (first.shown, first.age_s, book.had[other]) == (frozenset(), None, frozenset())
    none, one_dose = frozenset[int](), frozenset({1})
    assert [(one.shown, one.tried) for one in walk_in.looked] == [(none, None), (one_dose, 1), (none, None), (one_dose, None)]
    assert first.at <= first.told_at


@pytest.mark.parametrize(
    ("fault", "why"), [("unavailable_503", "status 503"), ("reset_before", "no answer (ClientOSError)"), ("portal_200", "a web page")]
)
async def test_a_look_up_without_an_answer_is_noted_and_holds_up_nothing(fault: str, why: str) -> None:
    async with Simulator(people=0) as sim:
        await sim.faults.raise_fault(fault, Scope(routes=(f"/api{FIND}",)), {})
        book = await worked(sim, WALK_IN)
    assert ([(one.shown, one.why) for one in book.looked], book.given) == ([(None, why)], 1)


async def test_an_answer_that_shows_somebody_else_is_not_taken_for_theirs() -> None:
    async with Simulator(people=2) as sim:
        unknown = Due("nobody", "99999999999999", (2,), "01-05-2021")
        book, hours = DayBook(), opened()
        async with asyncio.timeout(WITHIN_S):
            await staffed(lambda http, draw: Desk(f"{sim.url}/api", COWIN, http, book, draw, hours), 1, "seed", iter([]), [unknown], 0.0)
    assert [one.shown for one in book.looked] == [NOT_THEM]


@pytest.mark.parametrize("fault", ["gateway_504", "reset_before", "portal_200"])
async def test_a_desk_that_was_told_nothing_asks_again_under_the_same_number(fault: str) -> None:
    async with Simulator(people=0) as sim:
        await sim.faults.raise_fault(fault, Scope(times=2), {})
        book = await worked(sim, WALK_IN)
    assert entries(sim) == [101, 101, 101, 102]
    assert (len(book.in_vain), book.given, book.served) == (2, 1, 1)
    assert book.longest_wait_s >= 0.02


async def test_a_misread_batch_is_put_right_at_the_desk_when_the_server_says_so_at_once() -> None:
    async with Simulator(people=0) as sim:
        sim.register.rules = sim.register.rules.model_copy(update={"refused_batches": frozenset({"4121Z0I2"})})
        book = await worked(sim, replace(WALK_IN, batch="4121Z0I2"))
        (person,) = sim.register.people.values()
    assert (book.put_right, [one.why for one in book.in_vain]) == (1, ["status 400"])
    assert person.doses[1].batch == "4121Z012"


async def test_at_closing_time_nobody_new_is_served_and_who_waits_gives_up() -> None:
    hours = opened()
    async with Simulator(people=0) as sim:
        await sim.faults.raise_fault("refuse", Scope(), {})
        working = asyncio.create_task(worked(sim, WALK_IN, OTHER, hours=hours))
        asked = clock.now().monotonic_s
        await until(lambda: clock.now().monotonic_s - asked > 0.1)
        hours.closed.set()
        book = await working
    assert (book.served, book.given, book.entered) == (0, 0, [])
    assert set(book.meant.values()) == {WALK_IN.who}, "the second was never asked for"
    assert book.longest_wait_s > 0.1


async def test_nobody_is_served_before_coming() -> None:
    hours = opened()
    async with Simulator(people=0) as sim, aiohttp.ClientSession() as http:
        book = DayBook()
        desk = Desk(f"{sim.url}/api", COWIN, http, book, Random(1), hours)
        async with asyncio.timeout(WITHIN_S):
            await desk.work(iter([Coming(0.2, WALK_IN)]))
    assert sim.ledger.received[0].moment.monotonic_s >= hours.opened_s + 0.2
    assert book.served == 1


async def test_two_taps_are_two_requests_only_where_the_software_lets_them_be() -> None:
    async with Simulator(people=0) as sim:
        book = await worked(sim, replace(WALK_IN, taps_twice=True))
        assert len(entries(sim)) == 4
    async with Simulator(people=0) as other:
        careful = await worked(other, replace(WALK_IN, taps_twice=True), double_taps=False)
    assert len(entries(other)) == 2
    assert (book.double_taps, careful.double_taps) == (2, 0)


async def test_the_dose_on_a_card_is_entered_and_not_counted_as_given() -> None:
    async with Simulator(people=2) as sim:
        person = next(id_ for id_, person in sim.register.people.items() if not person.doses)
        book = await worked(sim, Due(person, person, (1, 2), "01-05-2021", vaccine="COVAXIN", batch="37F21042A", center_id=563051))
        doses = sim.register.people[person].doses
    assert [one.is_given for one in book.entered] == [False, True]
    assert {(dose.vaccine, dose.batch, dose.center_id) for dose in doses.values()} == {("COVAXIN", "37F21042A", 563051)}

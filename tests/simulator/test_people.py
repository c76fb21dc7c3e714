"""The people are invented, and the same for the same seed."""

from __future__ import annotations

import re
from datetime import date
from random import Random

from simulator.people import Person, new_id, population
from tests.simulator.desk import Desk

TODAY = date(2021, 7, 30)


def people(seed: int) -> list[Person]:
    return list(population(500, Random(seed), TODAY))


def test_the_same_seed_gives_the_same_people() -> None:
    assert people(1) == people(1)
    assert people(1) != people(2)


def test_ids_and_mobiles_are_of_the_right_form() -> None:
    everybody = people(1)
    assert len({person.id for person in everybody}) == 500
    assert all(re.fullmatch(r"(?!99)[1-9]\d{13}", person.id) for person in everybody)
    assert all(re.fullmatch(r"90000\d{5}", person.mobile) for person in everybody)


def test_some_come_for_their_second_dose() -> None:
    assert {dose.day for person in people(1) for dose in person.doses.values()} == {"01-05-2021"}
    assert {len(person.doses) for person in people(1)} == {0, 1}


def test_an_id_that_is_taken_is_not_given_again() -> None:
    first = new_id(Random(1), set())
    assert new_id(Random(1), {first}) != first


async def test_the_control_port_shows_them(desk: Desk) -> None:
    shown = (await desk.control("GET", "/_sim/people")).json
    assert len(shown) == 30
    halfway = next(person for person in shown if person["id"] == desk.anybody(doses=1))
    assert halfway["doses"]["1"]["vaccine"] == "COVISHIELD"

"""Invented people: names from two small lists, mobiles of a series that is nobody's, ids in CoWIN's format."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Final

FIRST_NAMES: Final = (
    *("Lakshmi", "Asha", "Meena", "Kavita", "Sunita", "Fatima", "Gurpreet", "Anjali", "Rekha", "Zainab"),
    *("Ramesh", "Suresh", "Mohan", "Imran", "Harjit", "Vijay", "Anil", "Joseph", "Deepak", "Karan"),
)
FAMILY_NAMES: Final = ("Nair", "Devi", "Joshi", "Bisht", "Rawat", "Khan", "Singh", "Negi", "Pant", "Das", "Arya", "Thomas")

HALFWAY_EVERY: Final = 3
"""One in so many has had the first dose."""

LATE_FOR_SECOND_DAYS: Final = 90
"""Age in days of the first dose of those who come for their second: past the longest interval any vaccine asked for."""


@dataclass(frozen=True, slots=True)
class Dose:
    """A dose as the server holds it; `day` is as it was sent, DD-MM-YYYY."""

    day: str
    vaccine: str
    batch: str
    center_id: int


@dataclass(slots=True)
class Person:
    """A beneficiary; `doses` by number."""

    id: str
    name: str
    birth_year: str
    gender_id: int
    mobile: str
    photo_id_type: int
    photo_id_number: str
    doses: dict[int, Dose] = field(default_factory=dict)


def new_id(draw: Random, taken: Container[str]) -> str:
    """
    Return a free beneficiary id: 14 digits, no leading 0.

    Ids with 99 in front are left out: there the sidecar makes its provisional ids, and one that leaked must show in the ledger.
    """
    while True:
        candidate = str(draw.randrange(10**13, 99 * 10**12))
        if candidate not in taken:
            return candidate


def population(count: int, draw: Random, today: date) -> Iterator[Person]:
    """Yield *count* registered people, some of whom have had the first dose and may have the second."""
    taken: set[str] = set()
    first_day = (today - timedelta(days=LATE_FOR_SECOND_DAYS)).strftime("%d-%m-%Y")
    for index in range(count):
        person = _person(draw, taken)
        taken.add(person.id)
        if index % HALFWAY_EVERY == 0:
            person.doses[1] = Dose(first_day, "COVISHIELD", "4121Z012", 563048)
        yield person


def _person(draw: Random, taken: Container[str]) -> Person:
    return Person(
        id=new_id(draw, taken),
        name=f"{draw.choice(FIRST_NAMES)} {draw.choice(FAMILY_NAMES)}",
        birth_year=str(draw.randint(1935, 2002)),
        gender_id=draw.randint(1, 3),
        mobile=f"90000{draw.randrange(10**5):05}",
        photo_id_type=draw.choice((1, 2, 6, 8, 12)),
        photo_id_number=f"{draw.randrange(10**4):04}",
    )

"""Who comes to a desk, and how the desk's software writes to a server; no sockets, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Any, Final

from simulator.cowin.form import india_day
from simulator.people import LATE_FOR_SECOND_DAYS, Person, population

BATCH: Final = "4121Z012"

WALK_INS: Final = 0.75
"""Share of those in the queue who are not on the register: three in four of India's people came so."""

SAME_MOBILE: Final = 0.25
"""Share of the walk-ins who give the mobile of the one before: families come together."""

DOUBLE_TAPS: Final = 0.125
"""Share of the people for whom the desk taps twice."""

WALK_INS_MAX: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Due:
    """
    A person in the queue: the numbers of the doses to be entered, in order, and the day of the first one, DD-MM-YYYY.

    `who` is what the server's ledger knows the person by: the id of one on the register, the key of the registration of a walk-in.
    """

    who: str
    id: str
    doses: tuple[int, ...]
    first_day: str
    walk_in: Person | None = None
    batch: str = BATCH
    taps_twice: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A request; `path` is below the API's."""

    path: str
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Dialect:
    """
    How desks write to one kind of server, and what is asked for before the demo.

    `api` is the simulator's name for it, `base` the path of its API, `recorded` the routes of what is entered, `batch` the member of a
    dose that is its batch. `identity` is what the server's ledger knows a registration by, `issued` the id in the answer to one.
    """

    api: str
    base: str
    recorded: tuple[str, ...]
    batch: str
    registration: Callable[[Person], Form]
    vaccination: Callable[[Due, str, int, int], Form]
    identity: Callable[[Person], str]
    issued: Callable[[Any], str]


def queue_of(people: Iterable[Mapping[str, Any]], identity: Callable[[Person], str], draw: Random, at: int) -> Iterator[Due]:
    """
    Yield a queue without end of walk-ins, with the *people* of a register between them; the same draw gives the same queue.

    Who is on the register without a first dose brings it on the card of an earlier camp: the desk enters that one, then today's.
    """
    registered, new = iter(people), _walk_ins(Random(draw.random()), india_day(at))
    camp_day = written(india_day(at) - timedelta(days=LATE_FOR_SECOND_DAYS))
    for walk_in in new:
        while draw.random() >= WALK_INS and (person := next(registered, None)) is not None:
            yield replace(_on_register(person, camp_day), taps_twice=draw.random() < DOUBLE_TAPS)
        yield Due(identity(walk_in), "", (1,), written(india_day(at)), walk_in, taps_twice=draw.random() < DOUBLE_TAPS)


def _on_register(person: Mapping[str, Any], camp_day: str) -> Due:
    first = person["doses"].get("1")
    return Due(person["id"], person["id"], *(((2,), first["day"]) if first else ((1, 2), camp_day)))


def _walk_ins(draw: Random, today: date) -> Iterator[Person]:
    mobile = None
    for person in population(WALK_INS_MAX, draw, today):
        mobile = mobile if mobile is not None and draw.random() < SAME_MOBILE else person.mobile
        yield replace(person, mobile=mobile)


def written(day: date) -> str:
    """Return *day* as cards have it, DD-MM-YYYY."""
    return day.strftime("%d-%m-%Y")

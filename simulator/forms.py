"""Who comes to a desk, and how the desk's software writes to a server; no sockets, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Any, Final

from simulator.cowin.form import india_day
from simulator.people import LATE_FOR_SECOND_DAYS, Person, population

BATCHES: Final[Mapping[str, str]] = {"COVISHIELD": "4121Z012", "COVAXIN": "37F21042A"}
"""What is on the vials of each vaccine."""

WALK_INS: Final = 0.77
"""Share of those in the queue who are not on the register: 77 % of India's doses to July 2021 were given to people who came so."""

COVAXIN: Final = 0.12
"""Share of those who begin now, or bring a card, whose vaccine it is; who is on the register with a first dose had the other one."""

SAME_MOBILE: Final = 0.25
"""Share of the walk-ins who give the mobile of the one before: families come together."""

DOUBLE_TAPS: Final = 0.125
"""Share of the people for whom the desk taps twice."""

WALK_INS_MAX: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Due:
    """
    A person in the queue: the numbers of the doses to be entered, in order, and the day of the first one, DD-MM-YYYY.

    The last one is given now, those before it stand on a card. `who` is what the server's ledger knows the person by: the id of one on
    the register, the key of the registration of a walk-in.
    """

    who: str
    id: str
    doses: tuple[int, ...]
    first_day: str
    walk_in: Person | None = None
    vaccine: str = "COVISHIELD"
    batch: str = BATCHES["COVISHIELD"]
    center_id: int = 563048
    taps_twice: bool = False

    @property
    def had(self) -> frozenset[int]:
        """The doses that the server knows of before the day."""
        return frozenset(range(1, self.doses[0]))


@dataclass(frozen=True, slots=True)
class Form:
    """A request; `path` is below the API's."""

    path: str
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Shown:
    """A person as a look-up shows them: id, name, and the numbers of the doses they have had."""

    id: str
    name: str
    doses: frozenset[int]


@dataclass(frozen=True, slots=True)
class LookUp:
    """How a desk looks a person up: `target` of an id, below the API's, and everybody whom an answer shows."""

    target: Callable[[str], str]
    shown: Callable[[Any], Sequence[Shown]]


@dataclass(frozen=True, slots=True)
class Dialect:
    """
    How desks write to one kind of server, and what is asked for before the demo.

    `api` is the simulator's name for it, `base` the path of its API, `recorded` the routes of what is entered, `batch` the member of a
    dose that is its batch. `identity` is what the server's ledger knows a registration by, `issued` the id in the answer to one. `look_up`
    is None where its desks look nobody up.
    """

    api: str
    base: str
    recorded: tuple[str, ...]
    batch: str
    registration: Callable[[Person], Form]
    vaccination: Callable[[Due, str, int, int], Form]
    identity: Callable[[Person], str]
    issued: Callable[[Any], str]
    look_up: LookUp | None = None


def queue_of(people: Iterable[Mapping[str, Any]], identity: Callable[[Person], str], draw: Random, at: int) -> Iterator[Due]:
    """
    Yield a queue without end of walk-ins, with the *people* of a register between them; the same draw gives the same queue.

    Who is on the register without a first dose brings it on the card of an earlier camp: the desk enters that one, then today's.
    """
    registered, new = iter(people), _walk_ins(Random(draw.random()), india_day(at))
    camp_day = written(india_day(at) - timedelta(days=LATE_FOR_SECOND_DAYS))
    for walk_in in new:
        while draw.random() >= WALK_INS and (person := next(registered, None)) is not None:
            yield _tapped(_on_register(person, camp_day, draw), draw)
        yield _tapped(_of_some_vaccine(Due(identity(walk_in), "", (1,), written(india_day(at)), walk_in), draw), draw)


def _on_register(person: Mapping[str, Any], camp_day: str, draw: Random) -> Due:
    first = person["doses"].get("1")
    if first is not None:
        return Due(person["id"], person["id"], (2,), first["day"])
    return _of_some_vaccine(Due(person["id"], person["id"], (1, 2), camp_day), draw)


def _of_some_vaccine(due: Due, draw: Random) -> Due:
    vaccine = "COVAXIN" if draw.random() < COVAXIN else "COVISHIELD"
    return replace(due, vaccine=vaccine, batch=BATCHES[vaccine])


def _tapped(due: Due, draw: Random) -> Due:
    return replace(due, taps_twice=draw.random() < DOUBLE_TAPS)


def _walk_ins(draw: Random, today: date) -> Iterator[Person]:
    mobile = None
    for person in population(WALK_INS_MAX, draw, today):
        mobile = mobile if mobile is not None and draw.random() < SAME_MOBILE else person.mobile
        yield replace(person, mobile=mobile)


def written(day: date) -> str:
    """Return *day* as cards have it, DD-MM-YYYY."""
    return day.strftime("%d-%m-%Y")

"""
The desks of a centre: each takes one person after the other, and gives a dose only when it was told that the dose is recorded.

Who is new is registered first, and has the doses entered under the id that the desk was given for them. Before each dose the person is
looked up; that is no condition. A desk that is not told that a dose is recorded asks again until it is, or until it closes: it does not
send the person home.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from http import HTTPStatus
from itertools import count
from random import Random
from typing import Final

import aiohttp

from simulator import clock
from simulator.forms import BATCHES, Dialect, Due, Form, LookUp

PATIENCE_S: Final = 30.0
"""Seconds after which the desk's software gives up a request."""

KEY: Final = "demo-key"

REFUSALS: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})
"""With which a server says that it read an entry and will not have it."""

REGISTRATION: Final = 0
"""Stands where a dose has its number: being registered comes before the first."""


@dataclass(frozen=True, slots=True)
class Entry:
    """
    What a desk asks to be recorded: who, and which dose.

    `number` is the desks' own of this entry, the same however often it is asked; `from_card` says that the dose was given elsewhere.
    """

    number: int
    who: str
    dose: int
    from_card: bool = False

    @property
    def fact(self) -> tuple[str, int]:
        """What the server is to know."""
        return self.who, self.dose


@dataclass(frozen=True, slots=True)
class Entered:
    """
    An entry of which the desk was told that it is recorded.

    `asked_at` is when the desk asked that time, `at` when it was told, wall-clock milliseconds UTC; `record` the sidecar's name for it,
    empty if it gave none; `confirmed` says that the desk was told the server's own verdict, not only that the entry is kept; `issued` is
    the id that a registration brought, a provisional one if it is not confirmed.
    """

    entry: Entry
    record: str
    asked_at: int
    at: int
    confirmed: bool
    issued: str = ""

    @property
    def is_dose(self) -> bool:
        """Tell a dose from a registration."""
        return self.entry.dose != REGISTRATION

    @property
    def is_given(self) -> bool:
        """Tell a dose that was given when it was entered from all else."""
        return self.is_dose and not self.entry.from_card


@dataclass(frozen=True, slots=True)
class Looked:
    """
    A desk looked *who* up; `at` and `told_at` are wall-clock milliseconds UTC.

    `shown` are the doses that the answer showed: None if there was no answer, and then `why`; `NOT_THEM` if it did not show this person and
    nobody else. `tried` is the dose that the desk has asked for without being told: the answer may have it or not. `age_s` is how old the
    answer said it is, None where it came from the server just then, or is made of what was recorded here.
    """

    who: str
    at: int
    told_at: int
    shown: frozenset[int] | None
    tried: int | None = None
    age_s: int | None = None
    why: str = ""


NOT_THEM: Final = frozenset({-1})


class Told(Enum):
    """What a desk was told that asked in vain."""

    NOTHING = "nothing that decides it"
    REFUSED = "that the server will not have it so"


@dataclass(frozen=True, slots=True)
class InVain:
    """A desk asked, and was not told that the entry is recorded; `at` is when that was clear, wall-clock milliseconds UTC."""

    at: int
    why: str


@dataclass(frozen=True, slots=True)
class Coming:
    """Somebody in the queue, from *at_s* on: seconds since the desks opened."""

    at_s: float
    due: Due


@dataclass(slots=True)
class DayBook:
    """
    What the desks of a centre have seen, in the order in which it happened.

    `meant` is whom each entry asked for is about; the entries' numbers begin after `first`. `longest_wait_s` is from the first time
    of asking for an entry to being told that it is recorded, or to closing. `had` are the doses that the server knew of when the people
    came.
    """

    first: int = 0
    entered: list[Entered] = field(default_factory=list)
    in_vain: list[InVain] = field(default_factory=list)
    meant: dict[int, str] = field(default_factory=dict)
    looked: list[Looked] = field(default_factory=list)
    had: dict[str, frozenset[int]] = field(default_factory=dict)
    served: int = 0
    double_taps: int = 0
    put_right: int = 0
    longest_wait_s: float = 0.0
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def given(self) -> int:
        """How many doses were given."""
        return sum(entered.is_given for entered in self.entered)

    def begin(self, who: str) -> int:
        """Return the number of a new entry about *who*."""
        number = self.first + next(self._numbers)
        self.meant[number] = who
        return number


@dataclass(frozen=True, slots=True)
class Hours:
    """When the desks work, on the monotonic clock, and their pace: a person takes `handling_s`, from the least to the most."""

    opened_s: float
    handling_s: tuple[float, float]
    again_s: float
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self, seconds: float) -> None:
        """Wait so long, or until the desks close."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.closed.wait(), seconds)

    async def reach(self, at_s: float) -> None:
        """Wait until so many seconds after the opening, or until the desks close."""
        if (left_s := self.opened_s + at_s - clock.now().monotonic_s) > 0:
            await self.wait(left_s)


@dataclass(frozen=True, slots=True)
class Desk:
    """
    One desk; `url` is the API's, with its path, at the sidecar or at the server itself: the desk cannot tell.

    `double_taps` is whether its software lets an impatient hand ask twice at once.
    """

    url: str
    dialect: Dialect
    http: aiohttp.ClientSession
    book: DayBook
    draw: Random
    hours: Hours
    double_taps: bool = True

    async def work(self, queue: Iterator[Coming]) -> None:
        """Serve *queue* until it is empty or the desk has closed."""
        for coming in queue:
            await self.hours.reach(coming.at_s)
            if self.hours.closed.is_set():
                return
            if await self._serve(coming.due):
                self.book.served += 1

    async def go_through(self, expected: Sequence[Due], within_s: float) -> None:
        """Look up those who are *expected* and have not come yet: so that they are known whatever happens to the server."""
        for due in expected:
            if self.hours.closed.is_set():
                return
            if due.who not in self.book.had:
                self.book.had[due.who] = due.had
                await self._look_up(due, due.id)
            await self.hours.wait(within_s / len(expected))

    async def _serve(self, due: Due) -> bool:
        """Enter what is due, and tell whether all of it was."""
        person = due.id
        self.book.had[due.who] = due.had
        turn_s = self.draw.uniform(*self.hours.handling_s) / (len(due.doses) + (due.walk_in is not None))
        if due.walk_in is not None:
            registered = await self._enter(due, person, REGISTRATION)
            if registered is None:
                return False
            person = registered.issued
            await self.hours.wait(turn_s)
        for dose in due.doses:
            if await self._enter(due, person, dose) is None:
                return False
            await self.hours.wait(turn_s)
        return True

    async def _enter(self, due: Due, person: str, dose: int) -> Entered | None:
        """Ask for one entry until it is recorded, with what the server refuses put right; None if the desk closed before."""
        entry = Entry(self.book.begin(due.who), due.who, dose, from_card=dose in due.doses[:-1])
        if dose != REGISTRATION:
            await self._look_up(due, person)
        asked_s = clock.now().monotonic_s
        while not isinstance(told := await self._asked(entry, due, person), Entered) and not self.hours.closed.is_set():
            if told is Told.REFUSED and due.batch != BATCHES[due.vaccine]:
                due = replace(due, batch=BATCHES[due.vaccine])
                self.book.put_right += 1
            await self.hours.wait(self.hours.again_s)
            if dose != REGISTRATION:
                await self._look_up(due, person, tried=dose)
        self.book.longest_wait_s = max(self.book.longest_wait_s, clock.now().monotonic_s - asked_s)
        if not isinstance(told, Entered):
            return None
        self.book.entered.append(told)
        return told

    async def _asked(self, entry: Entry, due: Due, person: str) -> Entered | Told:
        """Ask by one tap or by two at once; the answer to the first counts."""
        form = self._form(due, person, entry.dose)
        twice = self.double_taps and due.taps_twice
        self.book.double_taps += twice
        told, *_ = await asyncio.gather(*(self._tap(entry, form) for _ in range(1 + twice)))
        return told

    def _form(self, due: Due, person: str, dose: int) -> Form:
        if dose == REGISTRATION:
            assert due.walk_in is not None, "only who is new is registered"
            return self.dialect.registration(due.walk_in)
        return self.dialect.vaccination(due, person, dose, clock.now().at)

    async def _tap(self, entry: Entry, form: Form) -> Entered | Told:
        fields, asked_at = {"x-api-key": KEY, "Desk-Sequence": str(entry.number)}, clock.now().at
        try:
            async with self.http.post(self.url + form.path, json=form.body, headers=fields) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            return self._in_vain(f"no answer ({type(error).__name__})", Told.NOTHING)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            return self._in_vain(f"status {answer.status}", Told.REFUSED if answer.status in REFUSALS else Told.NOTHING)
        if "json" not in answer.content_type:
            return self._in_vain("a web page", Told.NOTHING)
        confirmed = "Dosekeeper-State" not in answer.headers
        issued = self.dialect.issued(json.loads(body)) if entry.dose == REGISTRATION else ""
        return Entered(entry, answer.headers.get("Dosekeeper-Record", ""), asked_at, clock.now().at, confirmed, issued)

    async def _look_up(self, due: Due, person: str, tried: int | None = None) -> None:
        """Look *person*, the id of who is *due*, up, and note what came of it."""
        how = self.dialect.look_up
        if how is None:
            return
        began = clock.now()
        looked = Looked(due.who, began.at, began.at, None, tried)
        try:
            async with self.http.get(self.url + how.target(person), headers={"x-api-key": KEY}) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            looked = replace(looked, why=f"no answer ({type(error).__name__})")
        else:
            if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                looked = replace(looked, why=f"status {answer.status}")
            elif "json" not in answer.content_type:
                looked = replace(looked, why="a web page")
            else:
                age = answer.headers.get("Age")
                looked = replace(
                    looked, shown=self._recognised(how, due, person, answer.status, body), age_s=None if age is None else int(age)
                )
        ended = clock.now()
        self.book.looked.append(replace(looked, told_at=ended.at))
        self.book.longest_wait_s = max(self.book.longest_wait_s, ended.monotonic_s - began.monotonic_s)

    def _recognised(self, how: LookUp, due: Due, person: str, status: int, body: bytes) -> frozenset[int]:
        """Return the doses of *person* in an answer. Who was given a provisional id has another in it once the server has given theirs."""
        shown = how.shown(json.loads(body)) if status == HTTPStatus.OK else ()
        if len(shown) == 1 and (shown[0].id == person or (due.walk_in is not None and shown[0].name == due.walk_in.name)):
            return shown[0].doses
        return NOT_THEM

    def _in_vain(self, why: str, told: Told) -> Told:
        self.book.in_vain.append(InVain(clock.now().at, why))
        return told


async def staffed(
    desk: Callable[[aiohttp.ClientSession, Random], Desk],
    desks: int,
    seed: str,
    queue: Iterator[Coming],
    expected: Sequence[Due] = (),
    within_s: float = 0.0,
) -> None:
    """
    Run so many desks that share one queue, until they have closed; the same seed gives the same pace.

    Meanwhile somebody looks up those who are *expected*, all of them *within_s* of the opening.
    """
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as http, asyncio.TaskGroup() as group:
        for number in range(desks):
            group.create_task(desk(http, Random(f"{seed}/{number}")).work(queue))
        group.create_task(desk(http, Random(seed)).go_through(expected, within_s))

"""
The desks of a centre: each takes one person after the other, and gives a dose only when it was told that the dose is recorded.

Who is new is registered first, and has the doses entered under the id that the desk was given for them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from random import Random
from typing import Final

import aiohttp

from simulator import clock
from simulator.forms import Dialect, Due, Form

PATIENCE_S: Final = 30.0
"""Seconds after which the desk's software gives up a request."""

PAUSE_S: Final = (0.1, 0.5)
"""Between two entries at one desk: a season's rush, not a person's pace."""

KEY: Final = "demo-key"

REGISTRATION: Final = 0
"""Stands where a dose has its number: being registered comes before the first."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a desk asks to be recorded: who, and which dose; `number` is the desks' own of this entry, the same for both taps."""

    number: int
    who: str
    dose: int

    @property
    def fact(self) -> tuple[str, int]:
        """What the server is to know."""
        return self.who, self.dose


@dataclass(frozen=True, slots=True)
class Entered:
    """
    An entry of which the desk was told that it is recorded; if it is a dose, it was given.

    `at` is when the desk was told, wall-clock milliseconds UTC; `record` the sidecar's name for it, empty if it gave none; `confirmed`
    says that the desk was told the server's own verdict, not only that the entry is kept; `issued` is the id that a registration
    brought, a provisional one if it is not confirmed.
    """

    entry: Entry
    record: str
    at: int
    confirmed: bool
    issued: str = ""

    @property
    def is_dose(self) -> bool:
        """Tell a dose from a registration."""
        return self.entry.dose != REGISTRATION


@dataclass(slots=True)
class DayBook:
    """What all desks have seen, in the order in which it happened; waits in seconds; `meant` is whom each entry asked for is about."""

    entered: list[Entered] = field(default_factory=list)
    not_recorded: list[str] = field(default_factory=list)
    meant: dict[int, str] = field(default_factory=dict)
    double_taps: int = 0
    longest_wait_s: float = 0.0
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def doses(self) -> int:
        """How many doses were given."""
        return sum(entered.is_dose for entered in self.entered)

    def begin(self, who: str) -> int:
        """Return the number of a new entry about *who*."""
        number = next(self._numbers)
        self.meant[number] = who
        return number

    def waited(self, seconds: float) -> None:
        """Note a wait for an answer, or for none."""
        self.longest_wait_s = max(self.longest_wait_s, seconds)


@dataclass(frozen=True, slots=True)
class Desk:
    """One desk; `url` is the API's, with its path, at the sidecar or at the server itself: the desk cannot tell."""

    url: str
    dialect: Dialect
    http: aiohttp.ClientSession
    book: DayBook
    draw: Random

    async def work(self, queue: Iterator[Due], closed: asyncio.Event) -> None:
        """Serve *queue* until it is empty or the desk has *closed*; who is being served then is served."""
        for due in queue:
            await self._serve(due, closed)
            if closed.is_set():
                return

    async def _serve(self, due: Due, closed: asyncio.Event) -> None:
        """Enter what is due; after an entry that fails the person is sent home: the next would only be refused."""
        person = due.id
        if due.walk_in is not None:
            registered = await self._enter(due, REGISTRATION, self.dialect.registration(due.walk_in))
            if registered is None:
                return
            person = registered.issued
            await self._pause(closed)
        for dose in due.doses:
            if await self._enter(due, dose, self.dialect.vaccination(due, person, dose, clock.now().at)) is None:
                return
            await self._pause(closed)

    async def _pause(self, closed: asyncio.Event) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(closed.wait(), self.draw.uniform(*PAUSE_S))

    async def _enter(self, due: Due, dose: int, form: Form) -> Entered | None:
        """Ask for one entry, by one tap or by two at once; the answer to the first counts."""
        entry = Entry(self.book.begin(due.who), due.who, dose)
        self.book.double_taps += due.taps_twice
        told, *_ = await asyncio.gather(*(self._tap(entry, form) for _ in range(1 + due.taps_twice)))
        if told is not None:
            self.book.entered.append(told)
        return told

    async def _tap(self, entry: Entry, form: Form) -> Entered | None:
        asked = clock.now()
        try:
            return await self._asked(entry, form)
        except (aiohttp.ClientError, TimeoutError) as error:
            self.book.not_recorded.append(f"no answer ({type(error).__name__})")
            return None
        finally:
            self.book.waited(clock.now().monotonic_s - asked.monotonic_s)

    async def _asked(self, entry: Entry, form: Form) -> Entered | None:
        fields = {"x-api-key": KEY, "Desk-Sequence": str(entry.number)}
        async with self.http.post(self.url + form.path, json=form.body, headers=fields) as answer:
            body = await answer.read()
        if answer.status >= HTTPStatus.BAD_REQUEST:
            self.book.not_recorded.append(f"status {answer.status}")
            return None
        confirmed = "Dosekeeper-State" not in answer.headers
        issued = self.dialect.issued(json.loads(body)) if entry.dose == REGISTRATION else ""
        return Entered(entry, answer.headers.get("Dosekeeper-Record", ""), clock.now().at, confirmed, issued)


async def staffed(
    desk: Callable[[aiohttp.ClientSession, Random], Desk], desks: int, seed: int, queue: Iterator[Due], closed: asyncio.Event
) -> None:
    """Run so many desks that share one queue, until they have closed; the same seed gives the same pauses."""
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as http, asyncio.TaskGroup() as group:
        for number in range(desks):
            group.create_task(desk(http, Random(f"{seed}/{number}")).work(queue, closed))

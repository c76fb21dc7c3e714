"""The desks of a centre: each takes one person after the other, and gives a dose only when it was told that the dose is recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from http import HTTPStatus
from random import Random
from typing import Any, Final

import aiohttp

from simulator import clock
from simulator.cowin.form import india_day
from simulator.people import LATE_FOR_SECOND_DAYS

VACCINATE: Final = "/v2/vaccinator/beneficiaries/vaccinate"
PATIENCE_S: Final = 30.0
"""Seconds after which the desk's software gives up a request."""

PAUSE_S: Final = (0.1, 0.5)
"""Between two doses at one desk: a season's rush, not a person's pace."""

KEY: Final = "demo-key"


@dataclass(frozen=True, slots=True)
class Due:
    """A person in the queue: the numbers of the doses to be entered, in order, and the day of the first one, DD-MM-YYYY."""

    person: str
    doses: tuple[int, ...]
    first_day: str


@dataclass(frozen=True, slots=True)
class Given:
    """
    A dose that was given, because the desk was told that it is recorded.

    `at` is when the desk was told, wall-clock milliseconds UTC; `record` the sidecar's name for it, empty if it gave none; `confirmed`
    says that the desk was told the server's own verdict, not only that the dose is kept.
    """

    person: str
    dose: int
    record: str
    at: int
    confirmed: bool

    @property
    def fact(self) -> tuple[str, int]:
        """What the server is to know: person and number of the dose."""
        return self.person, self.dose


@dataclass(slots=True)
class DayBook:
    """What all desks have seen, in the order in which it happened; waits in seconds."""

    given: list[Given] = field(default_factory=list)
    not_recorded: list[str] = field(default_factory=list)
    longest_wait_s: float = 0.0

    def waited(self, seconds: float) -> None:
        """Note a wait for an answer, or for none."""
        self.longest_wait_s = max(self.longest_wait_s, seconds)


@dataclass(frozen=True, slots=True)
class Desk:
    """One desk; `url` is the API's, with its path, at the sidecar or at the server itself: the desk cannot tell."""

    url: str
    http: aiohttp.ClientSession
    book: DayBook
    draw: Random

    async def work(self, queue: Iterator[Due], closed: asyncio.Event) -> None:
        """Serve *queue* until it is empty or the desk has *closed*; who is being served then is served."""
        for due in queue:
            for number in due.doses:
                if not await self._enter(due, number):
                    break  # the person is sent home: the next dose would only be refused
                with suppress(TimeoutError):
                    await asyncio.wait_for(closed.wait(), self.draw.uniform(*PAUSE_S))
            if closed.is_set():
                return

    async def _enter(self, due: Due, number: int) -> bool:
        asked = clock.now()
        try:
            given = await self._asked(due, number)
        except (aiohttp.ClientError, TimeoutError) as error:
            given = None
            self.book.not_recorded.append(f"no answer ({type(error).__name__})")
        self.book.waited(clock.now().monotonic_s - asked.monotonic_s)
        if given is not None:
            self.book.given.append(given)
        return given is not None

    async def _asked(self, due: Due, number: int) -> Given | None:
        async with self.http.post(self.url + VACCINATE, json=entry(due, number, clock.now().at), headers={"x-api-key": KEY}) as answer:
            await answer.read()
        if answer.status >= HTTPStatus.BAD_REQUEST:
            self.book.not_recorded.append(f"status {answer.status}")
            return None
        confirmed = "Dosekeeper-State" not in answer.headers
        return Given(due.person, number, answer.headers.get("Dosekeeper-Record", ""), clock.now().at, confirmed)


def entry(due: Due, number: int, at: int) -> dict[str, object]:
    """Return the body with which a desk marks a person vaccinated *at* that time, wall-clock milliseconds UTC."""
    today = _written(india_day(at))
    days = {"dose1_date": due.first_day} if number == 1 else {"dose1_date": due.first_day, f"dose{number}_date": today}
    return {
        "beneficiary_reference_id": due.person,
        "center_id": 563048,
        "vaccine": "COVISHIELD",
        "vaccine_batch": "4121Z012",
        "dose": number,
        **days,
        "vaccinator_name": "Prabha Devi",
    }


def queue_of(people: Iterable[Mapping[str, Any]], at: int) -> Iterator[Due]:
    """
    Yield the people of a register as a queue.

    Who has no first dose on the register brings it on the card of an earlier camp: the desk enters that one, then today's. So most
    people have two entries whose order matters.
    """
    camp_day = _written(india_day(at) - timedelta(days=LATE_FOR_SECOND_DAYS))
    for person in people:
        first = person["doses"].get("1")
        yield Due(person["id"], (2,), first["day"]) if first else Due(person["id"], (1, 2), camp_day)


async def staffed(url: str, count: int, seed: int, queue: Iterator[Due], book: DayBook, closed: asyncio.Event) -> None:
    """Run *count* desks that share one queue, until they have closed; the same seed gives the same pauses."""
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as http, asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(Desk(url, http, book, Random(f"{seed}/{number}")).work(queue, closed))


def _written(day: date) -> str:
    return day.strftime("%d-%m-%Y")

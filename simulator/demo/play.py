"""The course of the day: the same people, desks and faults twice at the same time, with a sidecar at each centre and without."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Final

from aiohttp import ClientSession

from simulator import clock
from simulator.cowin.register import Rules
from simulator.demo.crowd import crowds
from simulator.demo.district import Centre
from simulator.demo.judge import missing, still_waiting
from simulator.demo.national import National
from simulator.demo.plan import AGAIN_MIN, CLOSES_S, KILLED_S, LISTED_S, OPENS_S, REFUSED_BATCH, SCENARIO, Plan
from simulator.demo.repair import held_for_their_batch, repair, try_again
from simulator.demo.screen import Row, Screen, View
from simulator.demo.seen import Desks, Seen, seen_at, seen_beside
from simulator.demo.set_up import Stage
from simulator.demo.sidecar import Sidecar
from simulator.desks import Coming, DayBook, Desk, Hours, staffed
from simulator.scenario.player import Player
from simulator.scenario.reading import load_scenario

LOOK_EVERY_S: Final = 0.5

DRAIN_S: Final = 60.0
"""Longest time for the backlog to be sent after the desks have closed; what waits then counts as not drained."""

NUMBERS: Final = 100_000
"""Numbers of entries that each centre has to itself."""


@dataclass(slots=True)
class Play:
    """One run; `books` and `plain` are the desks' own of each centre, with the sidecar and without."""

    plan: Plan
    stage: Stage
    screen: Screen
    said: str = "The desks open"
    books: list[DayBook] = field(default_factory=list)
    plain: list[DayBook] = field(default_factory=list)
    repaired: set[str] = field(default_factory=set)
    hours: Hours = field(init=False)

    async def seen(self) -> tuple[Seen, Seen]:
        """Play the day, and return what was seen of it with the sidecars, and without."""
        queues = list(crowds(self.plan, await self.stage.server.people(), clock.now().at))
        self.books, self.plain = ([DayBook(first=place * NUMBERS) for place in range(len(queues))] for _ in range(2))
        for server in (self.stage.server, self.stage.plain):
            await server.refuse(REFUSED_BATCH)
        opened = clock.now()
        self.hours = Hours(opened.monotonic_s, self.plan.handling_s, AGAIN_MIN * 60 / self.plan.speed)
        async with _beside(self._watch()):
            async with asyncio.TaskGroup() as group:
                for work in self._work(queues):
                    group.create_task(work)
            self._turn("The desks have closed; what waits is sent")
            await self._drain()
            await self._repair(queues)
            await self._drain()
        beside, alone = Desks(opened.at, queues, self.books), Desks(opened.at, queues, self.plain)
        return await seen_beside(beside, self.stage.server, self.stage.sidecars, self.repaired), await seen_at(alone, self.stage.plain)

    def _work(self, queues: list[list[Coming]]) -> list[Coroutine[None, None, None]]:
        """Return all that goes on from nine to five."""
        sidecars, plain = self.stage.sidecars, self.stage.plain
        beside = [self._desks(one.centre, queue, one.api, book) for one, queue, book in zip(sidecars, queues, self.books, strict=True)]
        # That their software lets nobody tap twice is to the advantage of the day without: what CoWIN makes of two is not known.
        alone = [
            self._desks(one.centre, queue, plain.api, book, double_taps=False)
            for one, queue, book in zip(sidecars, queues, self.plain, strict=True)
        ]
        weather = [self._weather(self.stage.server, self._tell), self._weather(plain, lambda _: None)]
        return [*beside, *alone, *weather, self._kill(), self._close()]

    async def _desks(self, centre: Centre, queue: list[Coming], url: str, book: DayBook, *, double_taps: bool = True) -> None:
        def desk(http: ClientSession, draw: Random) -> Desk:
            return Desk(url, self.plan.dialect, http, book, draw, self.hours, double_taps)

        expected = [coming.due for coming in queue if coming.due.walk_in is None]
        seed, listed_s = f"{self.plan.seed}/{centre.number}", LISTED_S / self.plan.speed
        await staffed(desk, centre.desks(self.plan.one_in), seed, iter(queue), expected, listed_s)

    async def _weather(self, server: National, tell: Callable[[str], None]) -> None:
        """Let happen to *server* what happened that day."""
        scenario = load_scenario(SCENARIO)
        begins_s = self.plan.after_opening_s(scenario.starts_s or OPENS_S)

        async def reach(at_s: float) -> None:
            await _until_s(self.hours.opened_s + begins_s + at_s / self.plan.speed)

        await Player(server, _no_rules, tell).play(scenario, reach)

    async def _kill(self) -> None:
        await _until_s(self.hours.opened_s + self.plan.after_opening_s(KILLED_S))
        victim = self.stage.sidecars[-1]
        self._turn(f"{victim.centre.name}: the sidecar is killed (kill -9), with {victim.seen.waiting} records waiting, and started again")
        await victim.kill()

    async def _close(self) -> None:
        await _until_s(self.hours.opened_s + self.plan.after_opening_s(CLOSES_S))
        self.hours.closed.set()

    async def _drain(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                while not await self._drained():  # noqa: ASYNC110 - what is awaited happens in other processes
                    await asyncio.sleep(LOOK_EVERY_S)

    async def _drained(self) -> bool:
        """Whether the server has all but what waits for a person, and the sidecars know that and that the outage is over."""
        applied = await self.stage.server.applied()
        for sidecar, book in zip(self.stage.sidecars, self.books, strict=True):
            seen = await sidecar.look()
            absent = missing(book.entered, applied)
            if seen.unknown or seen.in_outage or (absent and still_waiting(book.entered, applied, await sidecar.states())):
                return False
        return True

    async def _repair(self, queues: list[list[Coming]]) -> None:
        """Correct what was misread, where the desk could not be told; let what else the server failed on too often be tried again."""
        for sidecar, book, queue in zip(self.stage.sidecars, self.books, queues, strict=True):
            for record, batch in (await held_for_their_batch(sidecar, book, queue)).items():
                self._turn(f"{sidecar.centre.name}: a person repairs what the server refused")
                await repair(record, self.plan.dialect.batch, batch, sidecar.configuration, self.screen.note)
                self.repaired.add(record)
            if any(state == "held" and record not in self.repaired for record, state in (await sidecar.states()).items()):
                self._turn(f"{sidecar.centre.name}: a person has what the server failed on again and again tried once more")
                await try_again(sidecar.configuration, self.screen.note)

    def _tell(self, line: str) -> None:
        """Take a line of the scenario's player: its time, and what happens; single faults are not shown."""
        _, _, what = line.partition("  ")
        if not what.startswith(" "):
            self._turn(what.removesuffix("."))

    def _turn(self, what: str) -> None:
        self.said = what
        self.screen.turn(self._day_s(), what)

    async def _watch(self) -> None:
        while True:
            await asyncio.gather(*(sidecar.look() for sidecar in self.stage.sidecars))
            self.screen.show(View(self._day_s(), self.said, [*map(self._row, self.stage.sidecars, self.books, self.plain)]))
            await asyncio.sleep(LOOK_EVERY_S)

    def _row(self, sidecar: Sidecar, book: DayBook, plain: DayBook) -> Row:
        seen = sidecar.seen
        return Row(sidecar.centre.name, seen.upstream, book.given, plain.given, seen.waiting, seen.confirmed, book.longest_wait_s)

    def _day_s(self) -> float:
        return OPENS_S + (clock.now().monotonic_s - self.hours.opened_s) * self.plan.speed


async def _until_s(at_s: float) -> None:
    """Wait until that moment of the monotonic clock."""
    await asyncio.sleep(max(0.0, at_s - clock.now().monotonic_s))


def _no_rules(rules: Rules) -> None:
    raise ValueError(f"{SCENARIO} changes rules ({rules}), which the demo sets once, before the desks open; next: take that step out of it")


@asynccontextmanager
async def _beside(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run *work* beside the block, and end it with the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

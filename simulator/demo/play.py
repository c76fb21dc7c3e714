"""The course of the demo: the server fails and comes back while the desks go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

from aiohttp import ClientSession

from simulator import clock
from simulator.demo.evidence import Evidence
from simulator.demo.judge import missing, still_waiting
from simulator.demo.plan import Phase, Plan
from simulator.demo.processes import Failed
from simulator.demo.repair import REFUSED_BATCH, repair
from simulator.demo.screen import Screen, View
from simulator.demo.stage import Seen, Stage
from simulator.desks import DayBook, Desk, staffed
from simulator.forms import Due, queue_of

LOOK_EVERY_S: Final = 0.25
NOTICE_S: Final = 20.0
"""Longest time until the sidecar sees that the server is down, or up again; a real one may take longer, not with these settings."""

DRAIN_S: Final = 60.0
"""Longest time for the backlog to be sent; what waits then counts as not drained."""


@dataclass(slots=True)
class Play:
    """One run; `misread` is for whom a batch was entered that the server refuses, `repaired` the records that were corrected."""

    plan: Plan
    stage: Stage
    screen: Screen
    book: DayBook = field(default_factory=DayBook)
    phase: Phase = Phase.UP
    seen: Seen = field(default_factory=Seen)
    misread: str | None = None
    repaired: list[str] = field(default_factory=list)
    opened_s: float = field(default_factory=lambda: clock.now().monotonic_s)

    async def evidence(self) -> Evidence:
        """Play the day, and return what was seen of it."""
        queue = self._queue(await self.stage.people())
        closed = asyncio.Event()
        async with _beside(self._watch()), _beside(self._staffed(queue, closed)) as desks:
            await self._day()
            closed.set()
            await desks
            self._enter(Phase.CLOSED)
            await self._drain()
            if self.misread is not None:
                self._enter(Phase.REPAIR)
                await self._repair(self.misread)
                await self._drain()
        return await self._seen()

    def _queue(self, people: list[dict[str, Any]]) -> Iterator[Due]:
        """Yield who comes; for one of those who come while the server is down, the batch is misread."""
        for due in queue_of(people, self.plan.dialect.identity, Random(self.plan.seed), clock.now().at):
            if self.phase is Phase.DOWN and self.misread is None and due.walk_in is not None:
                self.misread = due.who
                yield replace(due, batch=REFUSED_BATCH)
            else:
                yield due

    async def _drain(self) -> None:
        with suppress(TimeoutError):
            await self._until(self._drained, DRAIN_S)
        await self._look()

    async def _repair(self, who: str) -> None:
        for one in self.book.entered:
            if one.entry.who == who and one.is_dose:
                await repair(one.record, self.plan.dialect.batch, self.stage.configuration, self.screen.note)
                self.repaired.append(one.record)

    async def _staffed(self, queue: Iterator[Due], closed: asyncio.Event) -> None:
        def desk(http: ClientSession, draw: Random) -> Desk:
            return Desk(self.stage.api, self.plan.dialect, http, self.book, draw)

        await staffed(desk, self.plan.desks, self.plan.seed, queue, closed)

    async def _day(self) -> None:
        for phase in (Phase.UP, Phase.LOSING, Phase.SLOW, Phase.CALM, Phase.DOWN, Phase.SILENT, Phase.BACK):
            await self.stage.enter(phase)
            if phase is Phase.DOWN:
                await self.stage.refuse(REFUSED_BATCH)
            self._enter(phase)
            await asyncio.sleep(self.plan.seconds * phase.share)
            if phase in (Phase.DOWN, Phase.BACK):
                await self._noticed(phase)

    async def _noticed(self, phase: Phase) -> None:
        """Wait until the sidecar sees the server as it is."""
        truth = "up" if phase.answers else "down"

        async def seen_so() -> bool:
            return self.seen.upstream == truth

        try:
            await self._until(seen_so, NOTICE_S)
        except TimeoutError:
            raise Failed(f"The server is {truth}, but after {NOTICE_S:.0f} s more the sidecar's status is: {self.seen.upstream}.") from None

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self.screen.turn(phase)

    async def _drained(self) -> bool:
        """Whether the server has all but what waits for a person, and the sidecar knows that and that the outage is over."""
        entered = self.book.entered
        applied = await self.stage.applied()
        people = {one.entry.who for one in missing(entered, applied)}
        states = await self.stage.states(one.record for one in entered if one.entry.who in people)
        return not (still_waiting(entered, applied, states) or self.seen.unknown or self.seen.in_outage)

    async def _until(self, condition: Callable[[], Awaitable[bool]], within_s: float) -> None:
        """Wait for *condition*; TimeoutError if it does not come about within so many seconds."""
        async with asyncio.timeout(within_s):
            while not await condition():  # noqa: ASYNC110 - what is awaited happens in another process
                await asyncio.sleep(LOOK_EVERY_S)

    async def _watch(self) -> None:
        while True:
            await self._look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look(self) -> None:
        self.seen = await self.stage.seen()
        passed_s = clock.now().monotonic_s - self.opened_s
        self.screen.show(View(passed_s, self.phase, self.seen, self.book.doses, len(self.book.entered), self.book.longest_wait_s))

    async def _seen(self) -> Evidence:
        # The states before the ledger: what is sent in between then shows as taken on, not as lost.
        states = await self.stage.states(one.record for one in self.book.entered)
        return Evidence(
            entered=self.book.entered,
            meant=self.book.meant,
            double_taps=self.book.double_taps,
            not_recorded=self.book.not_recorded,
            longest_wait_s=self.book.longest_wait_s,
            received=await self.stage.received(),
            applied=await self.stage.applied(),
            states=states,
            down=await self.stage.down(),
            measured=await self.stage.outages(),
            repaired=self.repaired,
        )


@asynccontextmanager
async def _beside(work: Coroutine[None, None, None]) -> AsyncIterator[asyncio.Task[None]]:
    """Run *work* beside the block, and end it with the block."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

"""
Days and weeks at a centre whose line and server come and go, in simulated time: the clocks are put on, the rest is as in life.

Each working hour has a while in which the server is well and a while in which it is not, with desks at work in both; at night the sidecar
is stopped. The server's `Date` is put on with the clocks.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

from simulator import Simulator
from store.outage_ledger import OutageFilter
from store.outages import Outage
from store.records import RecordState
from tests.traffic.centre import Centre, JumpingClock, a_centre, doses_applied, people

DESKS: Final = 16
BETWEEN: Final = 5 * DESKS
"""Persons between somebody's first dose and the second."""

FLAP_S: Final = 120.0
"""Outages less far apart are one (DESIGN §5)."""

NOTICED_S: Final = 5.0
"""For so long a few failures in a row have to go on until they are an outage (DESIGN §5); here nobody waits for it."""

DRAINED_WITHIN_S: Final = 120
FAULTS: Final = ("refuse", "reset_after", "commit_then_drop", "truncated", "portal_200", "gateway_504", "commit_then_504", "hang")

SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "answering": {"answer_within": "10s"},  # the server's `read_timeout` ends a send long before; a busy machine's disk may take longer
    "outage": {"probe_every": "50ms", "probe_max": "100ms", "probe_idle": "100ms", "slow_after": "300ms"},
    "upstream": {"connect_timeout": "500ms", "read_timeout": "600ms"},
}


@dataclass(slots=True)
class Weeks:
    """What is told, and when the server was really away, in seconds of the clock that nobody sets."""

    sim: Simulator
    folder: Path
    due: Iterator[tuple[str, int]]
    draw: random.Random
    clock: JumpingClock = field(default_factory=JumpingClock)
    flaps: Iterator[int] = field(default_factory=lambda: cycle((1, 3, 1)))
    """How often it goes away in an hour, less than two minutes apart."""
    told: list[tuple[str, int]] = field(default_factory=list)
    away: list[tuple[float, float]] = field(default_factory=list)
    rows: list[Outage] = field(default_factory=list)
    states: Counter[RecordState] = field(default_factory=Counter)

    async def play(self, days: int, hours: int, doses: int) -> None:
        """Play *days* of so many working *hours*, with about *doses* doses in all."""
        each = doses // (days * hours * 2)
        for _ in range(days):
            async with self._open() as centre:
                for _ in range(hours):
                    await self._dose(centre, each)
                    await self._away(centre, each)
                await self._drained(centre)
            await self._pass(16 * 3600)
        async with self._open() as centre:
            rows = await centre.sidecar.journal.outages(OutageFilter(groups=("vaccinator",), limit=10_000))
            self.rows = [row for row in rows if row.kind == "down"]
            self.states.update(await centre.sidecar.journal.counts())

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Centre]:
        async with a_centre(self.folder, f"{self.sim.url}/api", clock=self.clock, **SETTINGS) as centre:
            yield centre

    async def _dose(self, centre: Centre, count: int) -> None:
        doses = islice(self.due, count)

        async def desk() -> None:
            for person, dose in doses:
                answer = await centre.vaccinate(person, dose)
                assert answer.status == 200, answer
                self.told.append((person, dose))

        await asyncio.gather(*(desk() for _ in range(DESKS)))

    async def _away(self, centre: Centre, count: int) -> None:
        """Take the server away, once or flapping, with desks at work, and bring it back."""
        flaps = next(self.flaps)
        for flap in range(flaps):
            began_s = self.clock.monotonic()
            await self.sim.faults.add(self.draw.choice(FAULTS))
            await self._dose(centre, count // flaps)
            await self._pass(NOTICED_S)
            await centre.until_phase("open")
            await self._pass(self.draw.randint(5, 20) * 60)
            await self._well()
            self.away.append((began_s, self.clock.monotonic()))
            await centre.until_phase("closed")
            await centre.until(partial(_ended, centre))
            await self._pass(FLAP_S / 6 if flap < flaps - 1 else 5 * FLAP_S)

    async def _pass(self, seconds: float) -> None:
        self.clock.suspended_s += seconds
        await self._dated()

    async def _well(self) -> None:
        await self.sim.faults.clear()
        await self._dated()

    async def _dated(self) -> None:
        """Have the server's clock go with ours; the innermost fault dates what comes through the others."""
        raised = [entry for entry in self.sim.faults.raised if entry.name == "wrong_date"]
        await self.sim.faults.add("wrong_date", ahead_s=self.clock.suspended_s)
        for entry in raised:
            await self.sim.faults.lift(entry.id)

    async def _drained(self, centre: Centre) -> None:
        async def sent() -> bool:
            counts = await centre.sidecar.journal.counts()
            return not any(counts[state] for state in (RecordState.PENDING, RecordState.SENDING, RecordState.UNKNOWN))

        async with asyncio.timeout(DRAINED_WITHIN_S):
            while not await sent():
                with contextlib.suppress(TimeoutError):
                    await centre.until(sent, within_s=1)
                await self._pass(20)  # nobody waits out a back-off
                centre.sidecar.replayer.wake.ring()

    def judge(self) -> None:
        """Each dose once, each second behind its first, and an outage row for each time the server was away, as long as that was."""
        applied = doses_applied(self.sim)
        assert sorted(applied) == sorted(self.told)
        place = {dose: at for at, dose in enumerate(applied)}
        assert [person for person, dose in applied if dose == 2 and place[person, 1] > place[person, 2]] == []
        assert self.states[RecordState.DELIVERED] == sum(self.states.values()) == len(self.told)
        assert len(self.rows) == len(self.truth())

    def truth(self) -> list[tuple[float, float]]:
        """Return when the server was away, what is less than two minutes apart as one."""
        merged: list[tuple[float, float]] = []
        for began_s, ended_s in self.away:
            if merged and began_s - merged[-1][1] < FLAP_S:
                merged[-1] = (merged[-1][0], ended_s)
            else:
                merged.append((began_s, ended_s))
        return merged

    def errors_s(self) -> list[float]:
        """Return by how many seconds each row is longer (below 0: shorter) than the server was away."""
        assert all(row.ended_at is not None for row in self.rows)
        lasted_s = [((row.ended_at or 0) - row.started_at) / 1000 for row in self.rows]
        return [measured - (ended - began) for measured, (began, ended) in zip(lasted_s, self.truth(), strict=True)]


@asynccontextmanager
async def two_weeks(folder: Path, doses: int, seed: int) -> AsyncIterator[Weeks]:
    async with Simulator(seed=seed, people=doses) as sim:
        yield Weeks(sim, folder, _due(people(sim)), random.Random(seed))


async def _ended(centre: Centre) -> bool:
    """Whether the latest outage has its end in the journal; a sidecar that is stopped before would count the night in."""
    row = await centre.sidecar.journal.last_outage("vaccinator")
    return row is not None and row.ended_at is not None


def _due(persons: list[str]) -> Iterator[tuple[str, int]]:
    """Yield first and second doses, each person's second some persons later."""
    for at, person in enumerate(persons):
        yield person, 1
        if at >= BETWEEN:
            yield persons[at - BETWEEN], 2

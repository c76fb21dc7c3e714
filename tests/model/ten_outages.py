"""
A day of outages in simulated time: the circuits, the outage keeper, a journal; a server that is away when the script says so.

The clock goes from one event to the next, so that a day takes a second or two. Everything that an outage is measured by is as in life:
desks' calls while they are let through, probes at the pace of `rules.probing`, answers that come when they come.
"""

from __future__ import annotations

import heapq
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count, pairwise
from pathlib import Path
from random import Random
from typing import Final

from proxy.rules.circuit import Phase, Policy
from proxy.rules.outage import FLAP_MS
from proxy.rules.outcome import Outcome, OutcomeKind
from proxy.rules.probing import idle_left_s, next_probe_in_s
from proxy.traffic.circuits import Circuits
from proxy.traffic.clock import Clock
from proxy.traffic.clock_watch import ClockWatch
from proxy.traffic.outage_keeper import TOUCH_EVERY_S, OutageKeeper
from proxy.traffic.retry import Wake
from proxy.traffic.waits import Waits
from store.journal import Journal
from store.outage_ledger import OutageFilter
from store.outages import Outage

GROUP: Final = "vaccinator"
MORNING: Final = 1_627_615_800_000
CALL_EVERY_S: Final = 3.0
ANSWERS_IN_S: Final = 0.2
TIMES_OUT_S: Final = 10.0
POLICY: Final = Policy()

GOOD: Final = Outcome(OutcomeKind.ACCEPTED, "http_200", maybe_applied=True, said="200 OK")
FAILURES: Final = {
    "refused": Outcome(OutcomeKind.NOT_SENT, "refused", maybe_applied=False, said="connection refused"),
    "dns": Outcome(OutcomeKind.NOT_SENT, "dns", maybe_applied=False, said="its name cannot be looked up"),
    "timeout": Outcome(OutcomeKind.UNKNOWN, "timeout", maybe_applied=True, said="no answer in time"),
    "http_503": Outcome(OutcomeKind.UNAVAILABLE, "http_503", maybe_applied=True, said="503 Service Unavailable"),
    "portal": Outcome(OutcomeKind.IMPOSTOR, "portal", maybe_applied=True, said="200 OK"),
}


@dataclass(frozen=True)
class Away:
    """The server is away for each of *lasts_s*, so much apart; meanwhile we are killed, or somebody sets the clock, at so many seconds."""

    cause: str
    lasts_s: tuple[float, ...]
    apart_s: float = 50.0
    killed: tuple[float, float] | None = None
    """When, and for how long nothing runs."""
    set_by_s: tuple[float, float] | None = None


@dataclass
class SimulatedClock(Clock):
    """Stands where it is put; the wall clock is *ahead_ms* of what it would be."""

    now_s: float = 5_000.0
    ahead_ms: int = 0

    def wall(self) -> int:
        return MORNING + round((self.now_s - 5_000) * 1000) + self.ahead_ms

    def monotonic(self) -> float:
        return self.now_s


@dataclass
class Truth:
    """
    When the server was really away, boot seconds, and the wall clock's lead when it began.

    `probe_every_s` is the longest interval between probes in force at its end, until that was noticed; `watched_end`: we were running.
    """

    began_s: float
    ended_s: float
    ahead_ms: int
    probe_every_s: float = 0.0
    watched_end: bool = True


@dataclass
class Day:
    """One day: the parts under test, and the events to come."""

    journal: Journal
    draw: Random
    clock: SimulatedClock = field(default_factory=SimulatedClock)
    truths: list[Truth] = field(default_factory=list)
    away: str | None = None
    running: bool = True
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)
    _waited_s: float = 0.0
    _life: int = 0
    _bell: bool = False
    _woken: bool = False
    _asking: bool = False
    _turn: int = 0
    _back_s: float = 0.0

    def __post_init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self.circuits = Circuits({GROUP: POLICY}, self.clock, lambda _outage_s, _wish_s: 0.0)
        self.circuits.bells.append(self._ring)
        watch = ClockWatch(self.clock)
        self.keeper = OutageKeeper(self.journal, self.circuits, self.clock, watch, Wake(), Waits(), None, ended=lambda: None)
        self._life += 1
        self._asking = False
        self._call()
        self._probe()

    def _ring(self) -> None:
        self._bell = self._woken = True
        if not self._asking:
            self._probe_in(0.0)

    def at(self, seconds: float, act: Callable[[], None]) -> None:
        """Let something happen then; what a process was about to do ends with it."""
        life = self._life

        def in_this_life() -> None:
            if life == self._life and self.running:
                act()

        heapq.heappush(self._events, (seconds, next(self._order), in_this_life))

    def _ask(self, hear: Callable[[Outcome], None]) -> None:
        """Answer as the server is now, or as it becomes before the answer is out."""
        asked_s, failed = self.clock.now_s, self.away

        def answer() -> None:
            cause = failed or self.away
            if cause == "timeout" and self.clock.now_s < asked_s + TIMES_OUT_S:
                self.at(asked_s + TIMES_OUT_S, lambda: hear(FAILURES["timeout"]))
            else:
                hear(GOOD if cause is None else FAILURES[cause])

        self.at(asked_s + ANSWERS_IN_S, answer)

    def _call(self) -> None:
        """A desk's call, if it is let through, and the next one."""
        permit = self.circuits.permit(GROUP, str(next(self._order)).encode())
        if permit is not None:
            self._ask(partial(self.circuits.observe, permit))
        self.at(self.clock.now_s + CALL_EVERY_S * (0.5 + self.draw.random()), self._call)

    def _probe(self) -> None:
        """One step of the prober: as `proxy.traffic.prober` does it."""
        watched, now = self.circuits.watched(GROUP), self.clock.now_s
        self._woken = False
        early_s = idle_left_s(watched.circuit, now, POLICY) if watched.circuit.phase is Phase.CLOSED else 0.0
        if early_s > 0:
            self._probe_in(early_s)
            return
        self._asking = True
        permit = self.circuits.probing(GROUP)

        def hear(outcome: Outcome) -> None:
            self.circuits.observe_probe(permit, outcome)
            self._asking = False
            in_doubt = watched.circuit.phase is Phase.OPEN
            self._waited_s = next_probe_in_s(watched.circuit, self.clock.now_s, self._waited_s, self.draw.random(), POLICY)
            if in_doubt and self.truths:
                self.truths[-1].probe_every_s = max(self._waited_s, self.truths[-1].probe_every_s if self.away is None else 0.0)
            self._probe_in(0.0 if self._woken else self._waited_s)

        self._ask(hear)

    def _probe_in(self, seconds: float) -> None:
        """Let the prober's next step come then, and at no other time."""
        self._turn += 1
        turn = self._turn
        self.at(self.clock.now_s + seconds, lambda: self._probe() if turn == self._turn else None)

    async def _go_to(self, until_s: float) -> None:
        touched_s = self.clock.now_s
        while self._events and self._events[0][0] <= until_s:
            self.clock.now_s, _, act = heapq.heappop(self._events)
            act()
            if self.running and (self._bell or self.clock.now_s - touched_s >= TOUCH_EVERY_S):
                self._bell, touched_s = False, self.clock.now_s
                await self.keeper.step()
        self.clock.now_s = until_s

    async def well(self, seconds: float) -> None:
        """Let so much time pass with the server there."""
        await self._go_to(self.clock.now_s + seconds)

    async def play(self, script: Away) -> None:
        """Take the server away and bring it back, as the script says."""
        ahead_ms = self.clock.ahead_ms
        for number, lasts_s in enumerate(script.lasts_s):
            began_s = self.clock.now_s
            truth = Truth(began_s, began_s + lasts_s, ahead_ms)
            self.truths.append(truth)
            self.away = script.cause
            for at_s, act in self._disturbances(script) if number == 0 else []:
                await self._go_to(began_s + at_s)
                await act()
            await self._go_to(truth.ended_s)
            self.away = None
            truth.watched_end = self.running
            if not self.running:
                await self._go_to(max(self.clock.now_s, self._back_s))
                await self._revive()
            await self.well(script.apart_s if number + 1 < len(script.lasts_s) else 360 + 60 * self.draw.random())

    def _disturbances(self, script: Away) -> list[tuple[float, Callable[[], Awaitable[None]]]]:
        found: list[tuple[float, Callable[[], Awaitable[None]]]] = []
        if script.set_by_s is not None:
            at_s, by_s = script.set_by_s

            async def jump() -> None:
                self.clock.ahead_ms += round(by_s * 1000)

            found.append((at_s, jump))
        if script.killed is not None:
            at_s, off_s = script.killed

            async def kill() -> None:
                self.running, self._back_s = False, self.clock.now_s + off_s
                if at_s + off_s < script.lasts_s[0]:
                    await self._go_to(self._back_s)
                    await self._revive()

            found.append((at_s, kill))
        return found

    async def _revive(self) -> None:
        self.running = True
        self._start()
        await self.keeper.resume()

    async def rows(self) -> list[Outage]:
        return await self.journal.outages(OutageFilter())

    def merged(self) -> list[Truth]:
        """Return when it was away, what is less than two minutes apart as one."""
        merged: list[Truth] = []
        for truth in self.truths:
            if merged and (truth.began_s - merged[-1].ended_s) * 1000 < FLAP_MS:
                merged[-1] = Truth(merged[-1].began_s, truth.ended_s, merged[-1].ahead_ms, truth.probe_every_s, truth.watched_end)
            else:
                merged.append(truth)
        assert all(after.began_s > before.ended_s for before, after in pairwise(merged))
        return merged


async def opened(folder: Path, seed: int) -> Day:
    return Day(await Journal.open(folder / "journal.db", bytes(32)), Random(seed))

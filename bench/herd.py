"""
The return of 67,000 centres: what the server that comes back has to bear, by the real rules, without sockets.

`python -m bench.herd [--scale N] [--chart FILE]` from the root: a table, then one line of JSON. Every centre decides with `proxy.rules` as
the sidecar does (circuit, probing, start slot, spread, pace, concurrency); the server is a queue of a given capacity that turns away
what it cannot take. Time is simulated; of N centres one is played, against one Nth of the capacity.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final

from bench.chart import Line, chart
from proxy.rules.circuit import (
    Admit,
    Evidence,
    Phase,
    Policy,
    Sign,
    admits,
    admits_canary,
    observe,
    release,
    resumed,
    settle_idle,
    take,
    trouble_s,
)
from proxy.rules.pace import (
    Bucket,
    Drain,
    Limit,
    drain,
    drain_after,
    drain_wait_s,
    full,
    limit_after,
    start_delay_s,
    take_live,
    take_probe,
    take_replay,
)
from proxy.rules.probing import idle_every_s, idle_left_s, next_probe_in_s

CENTRES: Final = 67_000
"""Places that used CoWIN in April 2021 (press)."""
LIVE_PER_S: Final = 226 / (8 * 3600)
"""A centre's live calls: 60 doses in eight hours, each with a look-up, a slot and itself, 77 % of them with a registration before."""
RECORDS_SHARE: Final = 2.77 / 3.77
"""Of these, the share that is recorded; look-ups are not caught up on."""
OUTAGE_S: Final = 3 * 3600.0
DESKS_CLOSE_S: Final = 2 * 3600.0
"""The server is back at 15:00, the desks close at 17:00."""
PLAYED_S: Final = 4 * 3600
CAPACITIES: Final = (1_000, 1_500, 2_000, 6_000)
"""Calls a second. All desks together make 527; a server that bears twice its usual load bears about 1,000."""
CALLS_PER_MINUTE: Final = 20
CONCURRENCY_MAX: Final = 8
SPREAD_MAX_S: Final = 900.0
LATENCY_S: Final = 0.1
QUEUE_S: Final = 2.0
"""Work that the server lets wait; what comes on top is turned away with an error."""
RETRY_S: Final = 10.0
MOMENT_S: Final = 1e-3
"""Nothing takes no time: what rounding left over of a wait must not be waited for again and again."""

Act = Callable[[float], None]


@dataclass(slots=True)
class Server:
    """A queue that works off `capacity` calls a second."""

    capacity: float
    calls: Counter[int] = field(default_factory=Counter)
    turned_away: int = 0
    _work: float = 0.0
    _at: float = 0.0

    def call(self, now: float) -> tuple[bool, float]:
        """Return whether a call is served, and how long its answer takes."""
        self.calls[int(now)] += 1
        self._work = max(0.0, self._work - (now - self._at) * self.capacity)
        self._at = now
        if self._work > QUEUE_S * self.capacity:
            self.turned_away += 1
            return False, LATENCY_S
        self._work += 1
        return True, LATENCY_S + self._work / self.capacity


class World:
    """The server, the time and the dice."""

    def __init__(self, capacity: float, seed: int) -> None:
        self.server = Server(capacity)
        self.draw = Random(seed)  # noqa: S311 - a simulation, nothing secret
        self._events: list[tuple[float, int, Act]] = []
        self._order = count()

    def after(self, wait_s: float, now: float, act: Act) -> None:
        """Let *act* happen."""
        heapq.heappush(self._events, (now + max(MOMENT_S, wait_s), next(self._order), act))

    def ask(self, now: float, then: Callable[[float, bool], None]) -> None:
        """Make a call; *then* gets the time of its answer and whether it was served."""
        served, took_s = self.server.call(now)
        self.after(took_s, now, lambda at: then(at, served))

    def play(self, until_s: float) -> None:
        """Let time pass."""
        while self._events and self._events[0][0] <= until_s:
            now, _, act = heapq.heappop(self._events)
            act(now)


class Sidecar:
    """One centre with dosekeeper: as `proxy.traffic` puts the rules together. *start_s* and *spread* are what is tried."""

    def __init__(self, world: World, start_s: Callable[[float], float], *, spread: bool) -> None:
        self.backlog = gathered(world.draw)
        self.drained_at: float | None = None
        self._world, self._start_s, self._spread = world, start_s, spread
        self._policy = Policy(probe_idle_s=idle_every_s(300.0, world.draw.random()))
        self._circuit = resumed("connect", -OUTAGE_S, -OUTAGE_S)
        self._bucket: Bucket = full(CALLS_PER_MINUTE, 0.0)
        self._limit, self._drain = Limit(), Drain()
        self._start_at = math.inf
        self._replayed_at = -math.inf
        self._in_flight = 0
        self._woken = False
        # Where three hours of probing have got to: anywhere within a wait.
        self._probe_waited_s = self._next_probe_s(0.0, 240.0)
        world.after(self._probe_waited_s * world.draw.random(), 0.0, self._probe)
        desks(world, self._live)

    def _ask(self, now: float, *, probe: bool, then: Callable[[bool], None]) -> None:
        generation = self._circuit.generation
        lane = None if probe else now.hex().encode()

        def answered(at: float, good: bool) -> None:
            self._circuit = self._circuit if probe else release(self._circuit, generation)
            was = self._circuit.phase
            evidence = Evidence(Sign.GOOD if good else Sign.BAD, generation, now, "http_503", lane, probe=probe)
            self._circuit = observe(self._circuit, evidence, at, self._policy)
            if was is Phase.OPEN and self._circuit.phase is Phase.HALF_OPEN:
                self._come_back(at)
            then(good)
            self._wake(at)

        self._world.ask(now, answered)

    def _come_back(self, now: float) -> None:
        trouble = trouble_s(self._circuit, now)
        self._start_at = now + self._start_s(trouble)
        self._drain = drain(self.backlog, trouble, SPREAD_MAX_S if self._spread else 0.0)

    def _next_probe_s(self, now: float, waited_s: float) -> float:
        return next_probe_in_s(self._circuit, now, waited_s, self._world.draw.random(), self._policy)

    def _probe(self, now: float) -> None:
        wait_s = idle_left_s(self._circuit, now, self._policy)
        if wait_s == 0:
            self._bucket, wait_s = take_probe(self._bucket, now)
        if wait_s > 0:
            self._world.after(wait_s, now, self._probe)
            return

        def then(_: bool) -> None:
            self._probe_waited_s = self._next_probe_s(now, self._probe_waited_s)
            self._world.after(self._probe_waited_s, now, self._probe)

        self._ask(now, probe=True, then=then)

    def _live(self, now: float, recorded: bool) -> None:
        admit = admits(self._circuit, now, self._policy)
        if admit is Admit.NO:
            self.backlog += recorded
            return
        if admit is Admit.SINGLY:
            self._circuit = take(self._circuit)
        self._bucket = take_live(self._bucket, now)

        def then(good: bool) -> None:
            self.backlog += recorded and not good

        self._ask(now, probe=False, then=then)

    def _wake(self, now: float, wait_s: float = 0.0) -> None:
        if not self._woken:
            self._woken = True
            self._world.after(wait_s, now, self._replay)

    def _replay(self, now: float) -> None:
        self._woken = False
        if self.backlog == 0:
            self._circuit = settle_idle(self._circuit, now, self._policy)
            if self.drained_at is None and self._circuit.phase is Phase.CLOSED:
                self.drained_at = now
            return
        if self._in_flight >= self._limit.value:
            return
        wait_s = self._may_go_in_s(now)
        if wait_s > 0:
            if wait_s < math.inf:
                self._wake(now, wait_s)
            return
        if self._circuit.phase is Phase.HALF_OPEN:
            self._circuit = take(self._circuit)
        self._replayed_at = now
        self._in_flight += 1
        self.backlog -= 1

        def then(good: bool) -> None:
            self._in_flight -= 1
            self.backlog += not good
            self._limit = limit_after(self._limit, good=good, limit_max=CONCURRENCY_MAX)
            self._drain = drain_after(self._drain, good=good)

        self._ask(now, probe=False, then=then)
        self._wake(now)

    def _may_go_in_s(self, now: float) -> float:
        """Return the seconds until a record may go up; infinity: an answer has to come first."""
        if now < self._start_at:
            return self._start_at - now
        if self._circuit.phase not in (Phase.CLOSED, Phase.SUSPECT) and not admits_canary(self._circuit, now, self._policy, self._start_at):
            return math.inf
        if (wait_s := drain_wait_s(self._drain, now - self._replayed_at)) > 0:
            return wait_s
        self._bucket, wait_s = take_replay(self._bucket, now)
        return wait_s


class Retrier:
    """One centre whose software tries its oldest record every ten seconds, and the next as soon as that is answered."""

    def __init__(self, world: World) -> None:
        self.backlog = gathered(world.draw)
        self.drained_at: float | None = None
        self._world = world
        world.after(RETRY_S * world.draw.random(), 0.0, self._try)
        desks(world, self._live)

    def _live(self, now: float, _: bool) -> None:
        self._world.ask(now, lambda _at, _good: None)

    def _try(self, now: float) -> None:
        if self.backlog == 0:
            self.drained_at = now
            return

        def then(at: float, good: bool) -> None:
            self.backlog -= good
            self._world.after(0.0 if good else RETRY_S, at, self._try)

        self._world.ask(now, then)


def gathered(draw: Random) -> int:
    """Return how many records waited when the server came back."""
    wanted, number, total = OUTAGE_S * LIVE_PER_S * RECORDS_SHARE, 0, draw.expovariate(1)
    while total < wanted:
        number, total = number + 1, total + draw.expovariate(1)
    return number


def desks(world: World, live: Callable[[float, bool], None]) -> None:
    """Let a centre's desks call, until they close."""

    def call(now: float) -> None:
        if now < DESKS_CLOSE_S:
            live(now, world.draw.random() < RECORDS_SHARE)
            world.after(world.draw.expovariate(LIVE_PER_S), now, call)

    world.after(world.draw.expovariate(LIVE_PER_S), 0.0, call)


Made = Callable[[World, int], Sidecar | Retrier]


def _slot(world: World, number: int, trouble: float) -> float:
    return start_delay_s(f"centre-{number}", b"an invented journal", trouble, world.draw.random(), SPREAD_MAX_S)


RULES: Final[dict[str, Made]] = {
    "dosekeeper": lambda world, number: Sidecar(world, partial(_slot, world, number), spread=True),
    "start slot alone": lambda world, number: Sidecar(world, partial(_slot, world, number), spread=False),
    "jitter of a minute": lambda world, _: Sidecar(world, lambda _trouble: 60 * world.draw.random(), spread=False),
    "at once": lambda world, _: Sidecar(world, lambda _trouble: 0.0, spread=False),
    "retries every 10 s": lambda world, _: Retrier(world),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one rule made of one server; `load` is the share of its capacity that was asked for, second by second."""

    rule: str
    capacity: int
    load: list[float]
    drained_at: list[float]
    centres: int
    left: int
    turned_away: int

    def figures(self) -> dict[str, Any]:
        """Return a row of the table; minutes are counted from the server's return."""
        return {
            "rule": self.rule,
            "capacity_per_s": self.capacity,
            "load_max_10s": round(max(_means(self.load, 10)), 2),
            "over_s_longest": _longest(one > 1 for one in _means(self.load, 10)),
            "turned_away": self.turned_away,
            "drained_half_min": self._drained(0.5),
            "drained_99_min": self._drained(0.99),
            "records_left": self.left,
        }

    def _drained(self, share: float) -> float | None:
        index = math.ceil(share * self.centres) - 1
        return round(self.drained_at[index] / 60, 1) if index < len(self.drained_at) else None


def played(rule: str, capacity: int, scale: int, seed: int) -> Outcome:
    """Play one rule against one server."""
    world = World(capacity / scale, seed)
    centres = [RULES[rule](world, number) for number in range(CENTRES // scale)]
    world.play(PLAYED_S)
    return Outcome(
        rule=rule,
        capacity=capacity,
        load=[world.server.calls[second] / world.server.capacity for second in range(PLAYED_S)],
        drained_at=sorted(centre.drained_at for centre in centres if centre.drained_at is not None),
        centres=len(centres),
        left=scale * sum(centre.backlog for centre in centres),
        turned_away=scale * world.server.turned_away,
    )


def _means(load: Sequence[float], seconds: int) -> list[float]:
    return [sum(load[at : at + seconds]) / seconds for at in range(len(load) - seconds + 1)]


def _longest(flags: Any) -> int:  # noqa: ANN401 - any iterable of bools
    longest = run = 0
    for flag in flags:
        run = run + 1 if flag else 0
        longest = max(longest, run)
    return longest


def main(argv: Sequence[str] | None = None) -> None:
    """Play every rule against every server, and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m bench.herd", description=(__doc__ or "").strip().partition("\n")[0])
    parser.add_argument("--scale", type=int, default=20, help="play one centre in so many (default 20)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rule", choices=RULES, action="append", help="only this one; may be given several times")
    parser.add_argument("--capacity", type=int, action="append", help="calls a second; may be given several times")
    parser.add_argument("--chart", type=Path, help="draw the load on the last capacity asked for, as SVG")
    asked = parser.parse_args(argv)
    outcomes: list[Outcome] = []
    for capacity in asked.capacity or CAPACITIES:
        for rule in asked.rule or RULES:
            outcomes.append(played(rule, capacity, asked.scale, asked.seed))
            row = outcomes[-1].figures()
            print("  ".join(f"{name}={value}" for name, value in row.items()), flush=True)
    if asked.chart:
        _draw(asked.chart, [one for one in outcomes if one.capacity == outcomes[-1].capacity])
    print(json.dumps({"scale": asked.scale, "seed": asked.seed, "rows": [one.figures() for one in outcomes]}))


def _draw(file: Path, outcomes: Sequence[Outcome]) -> None:
    lines = [Line(one.rule, [(at / 60, mean) for at, mean in enumerate(_means(one.load, 60)) if at % 60 == 0]) for one in outcomes]
    title = f"Load on the returning server, which bears {outcomes[0].capacity} calls a second (1.0); minutes since its return"
    file.write_text(chart(title, lines, y_max=4.0, mark=1.0), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

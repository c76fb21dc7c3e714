"""A scenario as the list of what happens, in order. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from simulator.cowin.register import Rules
from simulator.scenario.model import Raise, Scenario, Step


@dataclass(frozen=True, slots=True)
class Say:
    """Something to be told to who watches."""

    at_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Begin:
    """A fault is raised; `number` is its own in this timeline."""

    at_s: float
    number: int
    order: Raise


@dataclass(frozen=True, slots=True)
class End:
    """The fault of that number is lifted."""

    at_s: float
    number: int
    order: Raise


@dataclass(frozen=True, slots=True)
class Change:
    """Rules of the server change: those that are named."""

    at_s: float
    rules: Rules


Act = Say | Begin | End | Change


def timeline(scenario: Scenario) -> Iterator[Act]:
    """Yield all that happens, in order; times are seconds from the scenario's start."""
    numbers, turns = count(1), count()
    raised: dict[int, Raise] = {}
    # What ends at a moment ends before anything begins at it; beyond that the order of the file decides.
    due: list[tuple[float, int, int, Step | int]] = [(at_s, 1, next(turns), step) for at_s, step in _moments(scenario)]
    heapq.heapify(due)
    while due and due[0][0] <= scenario.ends_s:
        at_s, _, _, what = heapq.heappop(due)
        if isinstance(what, int):
            if what in raised:
                yield End(at_s, what, raised.pop(what))
            continue
        if what.say:
            yield Say(at_s, what.say)
        for number in [number for number, order in raised.items() if what.lift == "all" or order.name in what.lift]:
            yield End(at_s, number, raised.pop(number))
        if what.rules is not None:
            yield Change(at_s, what.rules)
        for order in what.raises:
            number = next(numbers)
            raised[number] = order
            yield Begin(at_s, number, order)
            if order.lasts_s is not None:
                heapq.heappush(due, (at_s + order.lasts_s, 0, next(turns), number))
    for number, order in raised.items():
        yield End(scenario.ends_s, number, order)


def _moments(scenario: Scenario) -> Iterator[tuple[float, Step]]:
    for step in scenario.steps:
        for turn in range(step.repeat):
            yield step.at_s + turn * (step.every_s or 0.0), step

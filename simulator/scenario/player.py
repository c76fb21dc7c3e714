"""Plays a scenario on a simulated server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol, assert_never

from simulator import clock
from simulator.cowin.register import Rules
from simulator.faults.scope import Scope
from simulator.scenario.model import Raise, Scenario
from simulator.scenario.timeline import Act, Begin, Change, End, Say, timeline
from simulator.scenario.times import shown


@dataclass(slots=True)
class Pace:
    """Waits for the moments of a scenario, *speed* times as fast as it is written; what faults do keeps its own, real time."""

    speed: float
    _began_s: float = field(default_factory=lambda: clock.now().monotonic_s)

    async def reach(self, at_s: float) -> None:
        """Wait until *at_s* seconds of the scenario have passed."""
        left_s = at_s / self.speed - (clock.now().monotonic_s - self._began_s)
        await asyncio.sleep(max(0.0, left_s))


class Faults(Protocol):
    """Where faults are raised and lifted: the server's own board, or its control port."""

    async def raise_fault(self, name: str, scope: Scope, options: dict[str, object]) -> str:
        """Raise the fault called *name*, and return its id."""
        ...

    async def lift(self, fault_id: str) -> bool:
        """Lift one fault; False if none of that id is raised."""
        ...


def named(order: Raise) -> str:
    """Return what is raised or lifted, as a progress line calls it: the fault, and what the scenario calls it."""
    return order.fault if order.label is None else f"{order.fault} ({order.label})"


@dataclass(slots=True)
class Player:
    """Plays on *board*; *change* sets rules, *tell* is given one line for each thing that happens."""

    board: Faults
    change: Callable[[Rules], None]
    tell: Callable[[str], None]
    _ids: dict[int, str] = field(default_factory=dict)

    async def play(self, scenario: Scenario, reach: Callable[[float], Awaitable[None]]) -> None:
        """
        Play *scenario* to its end.

        Raises:
            ValueError: A fault cannot be raised on this server, such as a wrong certificate on a port without TLS.
        """
        for act in timeline(scenario):
            await reach(act.at_s)
            self.tell(f"{shown(act.at_s, scenario.starts_s)}  {await self._do(act)}")
        await reach(scenario.ends_s)

    async def _do(self, act: Act) -> str:
        """Do it, and return what was done."""
        match act:
            case Say():
                return act.text
            case Begin():
                self._ids[act.number] = await self.board.raise_fault(act.order.fault, act.order.scope, act.order.options)
                return f"  + {named(act.order)}"
            case End():
                await self.board.lift(self._ids.pop(act.number))
                return f"  - {named(act.order)}"
            case Change():
                self.change(act.rules)
                return f"  rules: {act.rules.model_dump_json(exclude_unset=True)}"
            case _:
                assert_never(act)

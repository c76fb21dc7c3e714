"""The faults that are raised, and those that were."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from random import Random

from simulator import clock
from simulator.faults.fault import Fault, Line, LineFault, RequestFault
from simulator.faults.order import made
from simulator.faults.scope import Scope


@dataclass(slots=True)
class Raised:
    """One fault from its raising on; times are wall-clock milliseconds UTC; it stays on the board when it is lifted."""

    id: str
    name: str
    fault: Fault
    scope: Scope
    raised_at: int
    lifted_at: int | None = None
    hits: int = 0
    lifted: asyncio.Event = field(default_factory=asyncio.Event)

    def as_json(self) -> dict[str, object]:
        """Return the entry for the control port."""
        return {
            "id": self.id,
            "fault": self.name,
            "options": self.fault.model_dump(),
            **self.scope.model_dump(),
            "hits": self.hits,
            "raised_at": self.raised_at,
            "lifted_at": self.lifted_at,
        }


class Board:
    """The faults of one server. Several may be raised: the one raised first is the outermost."""

    def __init__(self, line: Line, draw: Random) -> None:
        self.history: list[Raised] = []
        self._line = line
        self._draw = draw

    @property
    def raised(self) -> list[Raised]:
        """The faults that are not lifted, oldest first."""
        return [entry for entry in self.history if entry.lifted_at is None]

    async def add(
        self,
        fault: str,
        *,
        routes: Iterable[str] = ("/**",),
        share: float = 1.0,
        match: str | None = None,
        times: int | None = None,
        **options: object,
    ) -> str:
        """
        Raise a fault and return its id.

        Raises:
            ValueError: There is no such fault or option, or it cannot be limited so.
        """
        return await self.raise_fault(fault, Scope(routes=tuple(routes), share=share, match=match, times=times), options)

    async def raise_fault(self, name: str, scope: Scope, options: dict[str, object]) -> str:
        """Raise the fault called *name*, and return its id; errors as those of `add`."""
        fault = made(name, options, scope)
        raised_at = clock.now().at
        if isinstance(fault, LineFault):
            await self._line.begin(fault.trouble)
        entry = Raised(str(len(self.history) + 1), name, fault, scope, raised_at)
        self.history.append(entry)
        return entry.id

    async def lift(self, fault_id: str) -> bool:
        """Lift one fault; False if none of that id is raised."""
        entry = next((entry for entry in self.raised if entry.id == fault_id), None)
        if entry is None:
            return False
        entry.lifted_at = clock.now().at
        entry.lifted.set()
        if isinstance(entry.fault, LineFault):
            await self._line.end(entry.fault.trouble)
        return True

    async def clear(self) -> None:
        """Lift all faults."""
        for entry in self.raised:
            await self.lift(entry.id)

    async def strikes(self, path: str, target: bytes, read: Callable[[], Awaitable[bytes]]) -> list[tuple[Raised, RequestFault]]:
        """Return the faults that strike this request, outermost first; the body is read only if one of them looks into it."""
        meant = [entry for entry in self.raised if entry.scope.covers(path)]
        looks = any(entry.scope.match for entry in meant)
        content = target + b"\n" + await read() if looks else b""
        return [(entry, entry.fault) for entry in meant if isinstance(entry.fault, RequestFault) and self._hits(entry, content)]

    def _hits(self, entry: Raised, content: bytes) -> bool:
        scope = entry.scope
        # Lifted or spent meanwhile: the body took its time.
        if entry.lifted_at is not None or entry.hits == scope.times or (scope.match or "").encode() not in content:
            return False
        struck = self._draw.random() < scope.share
        entry.hits += struck
        return struck

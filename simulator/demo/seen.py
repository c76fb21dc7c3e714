"""Puts together what was seen of a day: by the desks, by the server, by the sidecars."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from simulator.demo.evidence import Applied, Evidence
from simulator.demo.national import National
from simulator.demo.sidecar import Sidecar
from simulator.desks import Coming, DayBook


@dataclass(frozen=True, slots=True)
class Desks:
    """Who came, and what the desks noted, of each centre; `opened_at` is wall-clock milliseconds UTC."""

    opened_at: int
    queues: Sequence[Sequence[Coming]]
    books: Sequence[DayBook]


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a day: of each centre, in the plan's order, and what the server took on in all."""

    opened_at: int
    centres: Sequence[Evidence]
    applied: Sequence[Applied]


async def seen_at(desks: Desks, server: National) -> Seen:
    """Return what was seen of a day on which the desks called *server* themselves."""
    received, applied = await server.received(), await server.applied()
    down, troubles = await server.down(), await server.troubles()
    centres = [
        Evidence(
            came=len(queue),
            served=book.served,
            entered=book.entered,
            meant=book.meant,
            double_taps=book.double_taps,
            in_vain=book.in_vain,
            put_right=book.put_right,
            longest_wait_s=book.longest_wait_s,
            received=received,
            applied=[effect for effect in applied if effect.number in book.meant],
            states={},
            down=down,
            troubles=troubles,
            measured=[],
            looked=book.looked,
            had=book.had,
        )
        for queue, book in zip(desks.queues, desks.books, strict=True)
    ]
    return Seen(desks.opened_at, centres, applied)


async def seen_beside(desks: Desks, server: National, sidecars: Sequence[Sidecar], repaired: Collection[str]) -> Seen:
    """Return what was seen of a day with *sidecars* before *server*; *repaired* are the records that a person corrected."""
    # The states before the ledger: what is sent in between then shows as taken on, not as lost.
    states = [await sidecar.states() for sidecar in sidecars]
    day = await seen_at(desks, server)
    measured = [await sidecar.outages() for sidecar in sidecars]
    centres = [
        replace(one, states=its, measured=spans, dead=sidecar.dead, repaired=[record for record in its if record in repaired])
        for one, its, spans, sidecar in zip(day.centres, states, measured, sidecars, strict=True)
    ]
    return replace(day, centres=centres)

"""The records a replay is about: chosen once, at its beginning, and looked at again while it goes on."""

from __future__ import annotations

from typing import Final

from proxy.operations.asked import Choice
from proxy.operations.centre import Centre
from proxy.operations.errors import Unfit
from proxy.operations.groups import group_is_down, groups
from proxy.operations.look_ups import failing
from proxy.operations.records import chosen
from proxy.operations.status import in_force
from proxy.operations.waiting import Facts
from proxy.rules.circuit import Phase
from store.record_search import UNSENT_STATES
from store.records import Record, RecordState

HEADS_MAX: Final = 100_000
"""Lanes looked at; a busy centre records some hundred persons a day."""
ALWAYS_DUE: Final = 1 << 62
"""A time by which every record is due."""


REPLAYED: Final = UNSENT_STATES | {RecordState.HELD}
"""What can be sent; held records only where they are asked for by name: they wait for a person, and that is what this is."""


async def unsent(centre: Centre, choice: Choice) -> list[Record]:
    """
    Return every record that fits *choice* and can be sent, oldest first.

    Raises:
        Unfit: it asks for a state in which a record is not sent.
    """
    if not REPLAYED.issuperset(choice.state):
        raise Unfit(f"state: replay sends what is {', '.join(sorted(REPLAYED))}; the others are settled. See: dosekeeper records list")
    states = choice.state or tuple(sorted(UNSENT_STATES))
    return [record async for record in chosen(centre, choice.model_copy(update={"state": states}))]


async def looked_at_again(centre: Centre, choice: Choice, numbers: frozenset[int]) -> list[Record]:
    """Return the chosen records as they stand now, whatever has become of them."""
    if not numbers:
        return []
    whatever = choice.model_copy(update={"state": (), "cause": None})
    found: list[Record] = []
    async for record in chosen(centre, whatever, min(numbers) - 1):
        if record.number in numbers:
            found.append(record)
        if len(found) == len(numbers):
            break
    return found


async def facts(centre: Centre, records: list[Record]) -> Facts:
    """Return what decides why *records* wait."""
    now = centre.clock.wall()
    snapshot = await centre.snapshot()
    known = centre.traffic.credentials.known() if centre.traffic else ()
    everybody = {record.principal for record in records if record.principal is not None}
    of = sorted({record.group for record in records})
    heads = await centre.journal.heads(of, ALWAYS_DUE, HEADS_MAX, sorted(everybody), free=False)
    return Facts(
        held=in_force(snapshot.hold, now) is not None,
        down=frozenset(group for group in groups(centre) if group_is_down(centre, group, snapshot)) - _starting(centre),
        starting=_starting(centre),
        principals=frozenset(known),
        heads=frozenset(head.number for head in heads),
        now=now,
        lacking=centre.traffic is not None and centre.traffic.credentials.own.missing,
        failing=frozenset(await failing(centre)),
    )


def _starting(centre: Centre) -> frozenset[str]:
    if centre.traffic is None:
        return frozenset()
    circuits = centre.traffic.circuits
    watched = {group: circuits.watched(group) for group in circuits.groups()}
    later = {group for group, own in watched.items() if own.circuit.phase is not Phase.OPEN and own.start_at > centre.clock.monotonic()}
    return frozenset(later | set(circuits.half_open()))

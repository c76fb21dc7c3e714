"""
What is still known of a record of which the row is lost, and the row that then stands for it.

Whether it was open is what matters: an open one becomes `held` in its lanes, so that nothing younger of that person overtakes it and a
person decides; for one that was closed a row keeps the number, which is on somebody's slip. Where nobody can tell, it is held.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any, Final

from store.file.wreck import Wreck
from store.queries import SQL, Db, run, value
from store.records import Record, RecordState

DAMAGED: Final = "damaged"
"""The reason of a record of which a part is lost: it is never sent, and a person decides."""

NOT_KNOWN: Final = "unknown"
"""Route and group of a record of which the row is lost."""


@dataclass(slots=True)
class Traces:
    """By number: the ids, group and time of what was to go up, states, deliveries, lanes, facts, and the ids given with them."""

    ids: dict[int, bytes] = field(default_factory=dict)
    unsent: dict[int, tuple[str, int]] = field(default_factory=dict)
    undecided: dict[int, str] = field(default_factory=dict)
    delivered: dict[int, int] = field(default_factory=dict)
    lanes: dict[int, list[bytes]] = field(default_factory=dict)
    facts: dict[int, bytes] = field(default_factory=dict)
    issued: dict[int, str] = field(default_factory=dict)

    def last(self) -> int:
        """Return the highest number there is a trace of."""
        return max((number for known in (self.ids, self.unsent, self.undecided, self.delivered, self.lanes) for number in known), default=0)


def is_damaged(record: Record) -> bool:
    """Whether a part of the record is lost, so that it is never sent."""
    return record.state is RecordState.HELD and record.reason == DAMAGED


def damaged_wait(db: Db) -> bool:
    """Whether there is such a record."""
    return bool(value(db, "waits_damaged", reason=DAMAGED))


def traces_in(wreck: Wreck) -> Traces:
    """Read the traces in the indexes, and the lanes."""
    unsent = wreck.ordered("unsent", SQL["traces_of_unsent"], ("route_group", "recorded_at"))
    found = Traces(
        ids=dict(wreck.ordered("record ids", SQL["traces_of_ids"], ("id",))),
        unsent={number: (group, at) for number, group, at in unsent},
        undecided=dict(wreck.ordered("undecided", SQL["traces_of_undecided"], ("state", "number"))),
        delivered=dict(wreck.ordered("delivered", SQL["traces_of_delivered"], ("settled_at", "number"))),
        facts=dict(wreck.ordered("fact_claim", SQL["traces_of_facts"], ("natural_key", "beside"))),
        issued=dict(wreck.ordered("identity", SQL["traces_of_issued"], ("provisional",))),
    )
    for number, lane in wreck.ordered("record_lane", SQL["traces_of_lanes"], ("lane", "number")):
        found.lanes.setdefault(number, []).append(lane)
    return found


def stand_for(db: Db, number: int, known: Traces, *, lanes_whole: bool, at: int) -> RecordState:
    """Insert the row that stands for a lost one; *at* is when its neighbour was recorded. Return its state."""
    group, recorded_at = known.unsent.get(number, (NOT_KNOWN, at))
    state = _state(number, known, lanes_whole=lanes_whole)
    held = state is RecordState.HELD
    stub: dict[str, Any] = {
        "number": number,
        "id": known.ids.get(number) or secrets.token_bytes(16),
        "state": state,
        "route": NOT_KNOWN,
        "route_group": group,
        "lanes": b"".join(known.lanes.get(number, ())),
        "recorded_at": recorded_at,
        "settled_at": None if held else known.delivered.get(number, at),
        "attempt": int(held),
        "maybe_applied": held,  # nobody knows whether it was sent
        "reason": DAMAGED,
        "natural_key": known.facts.get(number),
        "issues": known.issued.get(number),
    }
    run(db, "insert_stub", **stub)
    return state


def _state(number: int, known: Traces, *, lanes_whole: bool) -> RecordState:
    if number in known.lanes or number in known.unsent or number in known.undecided:
        return RecordState.HELD
    if number in known.delivered or (lanes_whole and number in known.facts):
        return RecordState.DELIVERED  # `refused` and `discarded` let go of their facts
    return RecordState.DISCARDED if lanes_whole else RecordState.HELD

"""The rows of new records: one statement for each table, however many records there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from store import claims, lanes
from store.queries import Db, run, run_many, value
from store.records import NewRecord, RecordState

RECORDED_TOTAL: Final = "records_recorded_total"
"""Durable counter of records kept; its label is the route."""


@dataclass(frozen=True, slots=True)
class Kept:
    """
    A record that is kept, with what the journal gives it.

    `lanes`: each once; `behind`: in how many of them it waits; `beside`: of its fact (`store.claims`); `issues`: its provisional id.
    """

    number: int
    new: NewRecord
    state: RecordState
    lanes: Sequence[bytes]
    behind: int = 0
    beside: int = claims.HAS_IT
    issues: str | None = None


def next_number(db: Db) -> int:
    """Return the number of the next record."""
    return 1 + (value(db, "last_number") or 0)


def write(db: Db, kept: Sequence[Kept]) -> None:
    """Write all that there is of some records, in the order of their numbers."""
    run_many(db, "insert_record", [_record(each) for each in kept])
    run_many(db, "insert_request", [(each.number, each.new.method, each.new.target, each.new.headers, each.new.body) for each in kept])
    run_many(db, "enter_lane", [(lane, each.number) for each in kept for lane in each.lanes])
    run_many(db, "claim_fact", [(each.new.natural_key, each.beside, each.number) for each in kept if each.new.natural_key is not None])
    requests = [(each.new.idempotency_key, each.new.fingerprint, each.number) for each in kept if each.new.idempotency_key is not None]
    run_many(db, "claim_request", requests)
    run_many(db, "enter_topic", [(topic, each.number) for each in kept for topic in each.new.topics])
    same = {(each.new.principal, each.new.same) for each in kept if each.new.principal is not None and each.new.same is not None}
    run_many(db, "know_principal", list(same))
    for route, records in Counter(each.new.route for each in kept).items():
        run(db, "count_up_by", name=RECORDED_TOTAL, label=route, amount=records)
    for group, records in Counter(each.new.group for each in kept).items():
        run(db, "count_into_running_outage", route_group=group, records=records)


def _record(kept: Kept) -> tuple[object, ...]:
    new, sending = kept.new, kept.state is RecordState.SENDING
    return (
        kept.number,
        new.id,
        kept.state,
        new.route,
        new.group,
        lanes.packed(kept.lanes),
        kept.behind,
        new.recorded_at,
        new.recorded_at if sending else None,
        int(sending),
        new.principal,
        new.natural_key,
        new.content,
        new.deadline_at,
        kept.issues,
        new.override,
        new.clock_doubt,
    )

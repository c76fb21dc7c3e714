"""What may be asked about records. Each query runs on one snapshot of what is committed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from store.lanes import behind, overtaken
from store.queries import Db, rows, value
from store.record_row import as_record
from store.records import OPEN_STATES, Record, RecordState, StoredAnswer

FAR_MS: Final = 15 * 60 * 1000
"""The back-off's cap: a due time further ahead comes from a clock that jumped, and is due now."""

UNSENT_STATES: Final = frozenset({RecordState.PENDING, RecordState.SENDING, RecordState.UNKNOWN})
"""The server is still to get these, without a person's doing."""


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """
    Which records; None or empty: no matter which.

    `lane` is the 16-byte hash; `since` is wall-clock milliseconds UTC; `outage` is the id of an outage during which a record of its group
    was made; `after` is the last number of the page before; `limit` bounds the page.
    """

    states: Collection[RecordState] = ()
    routes: Collection[str] = ()
    lane: bytes | None = None
    since: int | None = None
    outage: int | None = None
    after: int = 0
    limit: int = 1000


def heads(
    db: Db, groups: Collection[str], now: int, limit: int, principals: Collection[bytes] = (), unknown_far_ms: int = FAR_MS
) -> list[Record]:
    """
    Return up to *limit* records that head all their lanes and are due: of *principals*, and of none in particular.

    First those with a deadline ahead, the earliest first, then those whose deadline has passed, then the others, oldest first. Those
    that are `unknown` are among them: their next step is a look-up, for which none waits longer than *unknown_far_ms*.
    """
    # A seek and short walk for each class, group and principal: one query over several would sort, or pass over, all that waits.
    asked = {"now": now, "far": now + FAR_MS, "unknown_far": now + unknown_far_ms, "limit": limit}
    pairs = [{"route_group": group, "principal": principal} for group, principal in product(groups, (None, *principals))]
    ahead = _in_order(row for pair in pairs for row in rows(db, "heads_ahead", **pair, **asked))
    overdue = _in_order(row for pair in pairs for row in rows(db, "heads_overdue", **pair, **asked)) if len(ahead) < limit else []
    dated = ahead + overdue
    undated = _in_order(row for pair in pairs for row in rows(db, "heads_undated", **pair, **asked)) if len(dated) < limit else []
    return (dated + undated)[:limit]


def free_heads(db: Db, groups: Collection[str], now: int, limit: int, principals: Collection[bytes], unknown_far_ms: int) -> list[Record]:
    """Return the same without those of whose lanes a younger record is being sent: claimed, they would be refused again and again."""
    waiting = overtaken(db)
    found = heads(db, groups, now, limit + len(waiting), principals, unknown_far_ms)
    return [head for head in found if head.number not in waiting][:limit]


def any_open(db: Db, lanes: Sequence[bytes]) -> bool:
    """Return whether an open record waits in one of *lanes*."""
    return behind(db, lanes) > 0


def next_due(db: Db, groups: Collection[str], now: int, unknown_far_ms: int = FAR_MS) -> int | None:
    """Return when the next head that backs off becomes due, or None where none does; *unknown_far_ms* as for `heads`."""
    far = {"now": now, "far": now + FAR_MS, "unknown_far": now + unknown_far_ms}
    times = [value(db, "next_due", route_group=group, **far) for group in groups]
    return min((time for time in times if time is not None), default=None)


def undecided(db: Db, state: RecordState, limit: int, after: int = 0) -> list[Record]:
    """Return the oldest *limit* records that are `sending`, or `unknown`, of those with a number above *after*."""
    return [as_record(row) for row in rows(db, "undecided", state=state, limit=limit, after=after)]


def get(db: Db, key: int | bytes) -> Record | None:
    """Return the record of this number or id."""
    found = rows(db, "record_by_number" if isinstance(key, int) else "record_by_id", key=key)
    return as_record(found[0]) if found else None


def answer_of(db: Db, number: int) -> StoredAnswer | None:
    """Return what the server said of a record."""
    found = rows(db, "answer_of", number=number)
    return StoredAnswer(*found[0]) if found else None


def find(db: Db, wanted: RecordFilter) -> list[Record]:
    """Return a page of the records that fit, newest last."""
    found = rows(
        db,
        "find_records",
        states=_one_of(wanted.states),
        routes=_one_of(wanted.routes),
        lane=wanted.lane,
        since=wanted.since,
        outage=wanted.outage,
        after=wanted.after,
        limit=wanted.limit,
    )
    return [as_record(row) for row in found]


def count_persons(db: Db, numbers: Collection[int]) -> int:
    """Return how many persons (for what concerns several at once: groups of them) the records of these numbers are about."""
    persons: int = value(db, "count_persons", numbers=json.dumps(list(numbers)))
    return persons


def behind_held(db: Db, number: int | None = None) -> dict[int, list[int]]:
    """Return, for each held record (or one) that others wait behind, their numbers, oldest first."""
    waiting: dict[int, list[int]] = {}
    for held, behind_it in rows(db, "behind_held", number=number):
        waiting.setdefault(held, []).append(behind_it)
    return waiting


def counts(db: Db) -> dict[RecordState, int]:
    """Return how many records are in each state, those without any included."""
    total = dict.fromkeys(RecordState, 0)
    for _, state, records in rows(db, "tally"):
        total[RecordState(state)] += records
    return total


def counts_by_route(db: Db) -> list[tuple[str, RecordState, int]]:
    """Return how many records of each route are in each state, those without any left out."""
    return [(route, RecordState(state), records) for route, state, records in rows(db, "tally_by_route")]


def open_groups(db: Db) -> set[str]:
    """Return the groups that have a record which is not closed."""
    return {group for group, state, records in rows(db, "tally") if records and state in OPEN_STATES}


def count_unsent(db: Db, groups: Collection[str]) -> int:
    """Return how many records of *groups* the server is still to get."""
    return sum(records for group, state, records in rows(db, "tally") if group in groups and state in UNSENT_STATES)


def oldest_unsent_at(db: Db) -> int | None:
    """Return when the oldest record was made that the server is still to get; wall-clock milliseconds UTC."""
    oldest: int | None = value(db, "oldest_unsent")
    return oldest


def latest_recorded_at(db: Db) -> int | None:
    """Return when the latest record was made by a clock that nobody doubted; wall-clock milliseconds UTC."""
    latest: int | None = value(db, "latest_recorded")
    return latest


def next_deadline_at(db: Db, now: int) -> int | None:
    """Return the next deadline of what is not confirmed; wall-clock milliseconds UTC."""
    deadline: int | None = value(db, "next_deadline", now=now)
    return deadline


def past_deadline(db: Db, now: int) -> int:
    """Return how much of what is not confirmed should have been by now."""
    records: int = value(db, "past_deadline", now=now)
    return records


def _in_order(found: Iterable[tuple[Any, ...]]) -> list[Record]:
    return sorted(map(as_record, found), key=lambda record: (record.deadline_at or 0, record.number))


def _one_of(words: Collection[str]) -> str | None:
    return json.dumps(list(words)) if words else None

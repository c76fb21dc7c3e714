"""
The outage ledger: one row an outage, at most one running row a group and kind.

Verbs run in the engine's transaction, queries on a snapshot. Brown-outs and holds have rows of their own kind: `store.slow_times`,
`store.operator_hold`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

from store import audit
from store.outages import ALL_GROUPS, UNKNOWN_START, Failed, Kind, Note, Outage, Seen, Start
from store.queries import Db, rows, run, value

_DOUBTFUL: Final = 18
"""The column that is a truth value: SQLite has none."""


@dataclass(frozen=True, slots=True)
class OutageFilter:
    """
    Which rows; None or empty: no matter which. `after`, `limit`: the page.

    `since`: not over by then, `until`: begun before then; wall-clock milliseconds UTC.
    """

    groups: Collection[str] = ()
    since: int | None = None
    until: int | None = None
    after: int = 0
    limit: int = 1000


@dataclass(frozen=True, slots=True)
class RouteRecords:
    """
    What was recorded on one route in an outage: how many, how many of them are not confirmed yet, how many missed their deadline.

    What was refused or given up is none of these; `given_up` counts it.

    `confirmed_at` is since when the server has all of those that it has, wall-clock milliseconds UTC.
    """

    route: str
    records: int
    waiting: int
    confirmed_at: int | None
    late: int
    given_up: int


def open_outage(  # noqa: PLR0913, PLR0917 - the row
    db: Db, group: str, started_at: int, detected_at: int, cause: str, scope: str, seen: Seen, start: Start = UNKNOWN_START
) -> Outage:
    """Begin a row; what was recorded from its back-dated start on is counted with it."""
    id_ = begin_row(db, "down", group, (started_at, detected_at), (cause, scope), seen, start, last_error=start.error)
    outage = _outage(db, id_)
    assert outage is not None
    return outage


def begin_row(  # noqa: PLR0913 - the row
    db: Db,
    kind: Kind,
    group: str,
    times: tuple[int, int],
    what: tuple[str, str],
    seen: Seen,
    start: Start = UNKNOWN_START,
    *,
    last_error: str = "",
    calls: int = 0,
    slow_calls: int = 0,
) -> int:
    """Begin a row of any kind: *times* are when it started and was detected, *what* its cause and scope; return its id."""
    (started_at, detected_at), (cause, scope) = times, what
    id_: int = value(
        db,
        "insert_outage",
        route_group=group,
        started_at=started_at,
        detected_at=detected_at,
        cause=cause,
        scope=scope,
        recorded=_recorded_since(db, group, started_at, seen),
        since=started_at + seen.wall - seen.at,
        kind=kind,
        good_before_at=start.good_before_at,
        first_bad_at=start.first_bad_at,
        last_asked_at=None,
        first_error=start.error,
        last_error=last_error,
        calls=calls,
        slow_calls=slow_calls,
        **columns(seen),
    )
    return id_


def reopen_outage(db: Db, id_: int, failed: Failed, seen: Seen) -> bool:
    """Let an ended outage go on as one with the failures that followed at once; False where it has not ended."""
    outage = _outage(db, id_)
    if outage is None or outage.ended_at is None:
        return False
    meanwhile = _recorded_since(db, outage.group, outage.ended_at + 1, seen)
    return run(db, "reopen_outage", id=id_, recorded=meanwhile, **_failed(failed), **columns(seen)) > 0


def touch_outage(db: Db, id_: int, failed: Failed, seen: Seen) -> bool:
    """Note that a running outage still lasts, and its latest failure."""
    return run(db, "touch_outage", id=id_, **_failed(failed), **columns(seen)) > 0


def place_outage(db: Db, id_: int, scope: str) -> None:
    """Note where an outage lies."""
    run(db, "place_outage", id=id_, scope=scope)


def lengthen_wait(db: Db, id_: int, waited_ms: int) -> bool:
    """Note how long a desk waited in an outage; False where another waited as long."""
    return run(db, "lengthen_wait", id=id_, waited_ms=waited_ms) > 0


def end_outage(db: Db, id_: int, ended_at: int, seen: Seen) -> bool:
    """End a running outage; what was recorded after its end, before that was known, is no longer counted with it."""
    outage = _outage(db, id_)
    if outage is None or outage.ended_at is not None:
        return False
    later = _recorded_since(db, outage.group, max(ended_at, outage.last_bad_at) + 1, seen)
    return run(db, "end_outage", id=id_, ended_at=ended_at, later=later, **columns(seen)) > 0


def add_unobserved(db: Db, id_: int, unobserved_ms: int, seen: Seen) -> bool:
    """Note that for so long of an outage no sidecar was running, and that it is watched again."""
    return run(db, "add_unobserved", id=id_, unobserved_ms=unobserved_ms, **columns(seen)) > 0


def mark_drained(db: Db, group: str, now: int) -> bool:
    """Mark the group's ended outages (`ALL_GROUPS`: ended holds) of which nothing is left to send; True where one was marked now."""
    if group == ALL_GROUPS:
        return run(db, "mark_holds_drained", now=now) > 0
    return run(db, "mark_drained", route_group=group, now=now) > 0


def undrained(db: Db) -> list[str]:
    """Return the groups (of a hold: `ALL_GROUPS`) with an ended outage that `mark_drained` would mark."""
    return [group for (group,) in rows(db, "undrained")]


def running_outages(db: Db) -> list[Outage]:
    """Return what is out now, oldest first."""
    return as_outages(rows(db, "running_outages"))


def last_outage(db: Db, group: str) -> Outage | None:
    """Return the group's latest outage, running or not."""
    found = as_outages(rows(db, "last_outage", route_group=group))
    return found[0] if found else None


def outages(db: Db, wanted: OutageFilter) -> list[Outage]:
    """Return a page of the outages that fit, newest last."""
    groups = json.dumps(list(wanted.groups)) if wanted.groups else None
    page = {"after": wanted.after, "limit": wanted.limit}
    return as_outages(rows(db, "find_outages", groups=groups, since=wanted.since, until=wanted.until, **page))


def records_in(db: Db, id_: int, now: int) -> list[RouteRecords]:
    """Return what was recorded in an outage, by route; what is not confirmed *now* and should be has missed its deadline."""
    return [RouteRecords(*row) for row in rows(db, "records_of_outage", id=id_, now=now)]


def annotate(db: Db, note: Note) -> bool:
    """Add what a person knows better, and the audit's entry of it; False where there is no such outage."""
    if _outage(db, note.outage) is None:
        return False
    add_note(db, note)
    said = {"outage": note.outage, "cause": note.cause, "scope": note.scope}
    audit.note(db, note.at, note.by, "annotate", None, note.reason, said)
    return True


def add_note(db: Db, note: Note) -> None:
    """Add a note, in the transaction of what it is about."""
    words = {"reason": note.reason, "cause": note.cause, "scope": note.scope}
    run(db, "insert_outage_note", outage=note.outage, at=note.at, noted_by=note.by, **words)


def notes(db: Db, outages_: Collection[int]) -> list[Note]:
    """Return what persons know better of some outages, oldest first."""
    return [Note(*row) for row in rows(db, "outage_notes", outages=json.dumps(list(outages_)))]


def as_outages(found: Iterable[tuple[Any, ...]]) -> list[Outage]:
    """Return rows of the table as outages: its columns are Outage's fields, in order."""
    fields = ((*row[:_DOUBTFUL], bool(row[_DOUBTFUL]), *row[_DOUBTFUL + 1 :]) for row in found)
    return [Outage(*own) for own in fields]


def _outage(db: Db, id_: int) -> Outage | None:
    found = as_outages(rows(db, "outage_by_id", id=id_))
    return found[0] if found else None


def _failed(failed: Failed) -> dict[str, object]:
    return {"last_bad_at": failed.at, "last_asked_at": failed.asked_at, "last_error": failed.error}


def columns(seen: Seen) -> dict[str, object]:
    """Return how a row was seen, by its columns."""
    return {
        "seen_at": seen.at,
        "seen_wall_at": seen.wall,
        "seen_boot": seen.boot_id,
        "seen_boot_s": seen.boot_s,
        "clock_doubtful": seen.doubtful,
    }


def _recorded_since(db: Db, group: str, since: int, seen: Seen) -> int:
    """Count what was made from *since*, in the row's own time, up to now: records go by the wall clock as it stood for each."""
    ahead = seen.wall - seen.at
    count: int = value(db, "recorded_since", route_group=group, since=since + ahead, now=seen.wall)
    return count

"""The outage ledger: one row an outage, at most one running row a group. Verbs run in the engine's transaction, queries on a snapshot."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from store.outages import Outage, Seen
from store.queries import Db, rows, run, value


@dataclass(frozen=True, slots=True)
class OutageFilter:
    """Which outages; None or empty: no matter which. `since`: not over by then, wall-clock milliseconds UTC; `after`, `limit`: the page."""

    groups: Collection[str] = ()
    since: int | None = None
    after: int = 0
    limit: int = 1000


def open_outage(db: Db, group: str, started_at: int, detected_at: int, cause: str, scope: str, seen: Seen) -> Outage:
    """Begin a row; what was recorded from its back-dated start on is counted with it."""
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
        **_columns(seen),
    )
    outage = _outage(db, id_)
    assert outage is not None
    return outage


def reopen_outage(db: Db, id_: int, last_bad_at: int, seen: Seen) -> bool:
    """Let an ended outage go on as one with the failures that followed at once; False where it has not ended."""
    outage = _outage(db, id_)
    if outage is None or outage.ended_at is None:
        return False
    meanwhile = _recorded_since(db, outage.group, outage.ended_at + 1, seen)
    return run(db, "reopen_outage", id=id_, last_bad_at=last_bad_at, recorded=meanwhile, **_columns(seen)) > 0


def touch_outage(db: Db, id_: int, last_bad_at: int, seen: Seen) -> bool:
    """Note that a running outage still lasts, and its latest failure."""
    return run(db, "touch_outage", id=id_, last_bad_at=last_bad_at, **_columns(seen)) > 0


def end_outage(db: Db, id_: int, ended_at: int, seen: Seen) -> bool:
    """End a running outage; what was recorded after its end, before that was known, is no longer counted with it."""
    outage = _outage(db, id_)
    if outage is None or outage.ended_at is not None:
        return False
    later = _recorded_since(db, outage.group, max(ended_at, outage.last_bad_at) + 1, seen)
    return run(db, "end_outage", id=id_, ended_at=ended_at, later=later, **_columns(seen)) > 0


def add_unobserved(db: Db, id_: int, unobserved_ms: int, seen: Seen) -> bool:
    """Note that for so long of an outage no sidecar was running, and that it is watched again."""
    return run(db, "add_unobserved", id=id_, unobserved_ms=unobserved_ms, **_columns(seen)) > 0


def mark_drained(db: Db, group: str, now: int) -> bool:
    """Mark the group's ended outages of which nothing is left to send; True where one was marked now."""
    return run(db, "mark_drained", route_group=group, now=now) > 0


def undrained(db: Db) -> list[str]:
    """Return the groups of which an ended outage is not marked as drained."""
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
    return as_outages(rows(db, "find_outages", groups=groups, since=wanted.since, after=wanted.after, limit=wanted.limit))


def as_outages(found: Iterable[tuple[Any, ...]]) -> list[Outage]:
    """Return rows of the table as outages: its columns are Outage's fields, in order."""
    fields = ((*row[:-1], bool(row[-1])) for row in found)
    return [Outage(*own) for own in fields]


def _outage(db: Db, id_: int) -> Outage | None:
    found = as_outages(rows(db, "outage_by_id", id=id_))
    return found[0] if found else None


def _columns(seen: Seen) -> dict[str, object]:
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

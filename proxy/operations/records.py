"""Records as an operator sees them. What may hold personal data (path, query, header fields, body) is told only where it is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

from ulid import ULID

from proxy.operations.asked import Choice
from proxy.operations.centre import Centre
from proxy.operations.errors import NotThere
from proxy.operations.log_ins import LogIns, log_ins
from proxy.operations.times import rfc3339
from proxy.rules.log_in import NEEDS_LOG_IN
from store.decisions import Revision
from store.record_search import RecordFilter
from store.records import Record, RecordState

PAGE: Final = 1000


async def listed(centre: Centre, choice: Choice, limit: int) -> list[dict[str, Any]]:
    """Return the records that fit, oldest first, *limit* at most; the keys of DESIGN §9."""
    now = centre.clock.wall()
    judged = log_ins(centre, await centre.snapshot(), now)
    lines: list[dict[str, Any]] = []
    async for record in chosen(centre, choice, size=min(limit, PAGE)):
        lines.append(_line(record, judged))
        if len(lines) == limit:
            break
    return lines


async def chosen(centre: Centre, choice: Choice, after: int = 0, size: int = PAGE) -> AsyncIterator[Record]:
    """Yield the records that fit, oldest first, from the number above *after* on; *size* are read at a time."""
    while page := await centre.journal.find(as_filter(centre, choice, size, after)):
        for record in page:
            if choice.cause is None or is_caused_by(record.reason, choice.cause):
                yield record
        after = page[-1].number


def is_caused_by(reason: str | None, cause: str) -> bool:
    """Whether a record's reason is *cause*, or begins with its words."""
    return reason is not None and f"{reason} ".startswith(f"{cause.strip()} ")


async def shown(centre: Centre, key: str, *, body: bool) -> dict[str, Any]:
    """
    Return one record, and under `revisions` what it said before each edit.

    Args:
        centre: Where to look.
        key: Its number, or its id.
        body: Whether to tell the requests too: they hold personal data.

    Raises:
        NotThere: no record has this number or id.
    """
    record = await found(centre, key)
    behind = await centre.journal.behind_held(record.number) if record.state is RecordState.HELD else {}
    edited = await centre.journal.revisions(record.number) if record.revision > 1 else []
    now = centre.clock.wall()
    return _line(record, log_ins(centre, await centre.snapshot(), now)) | {
        "group": record.group,
        "method": record.method,
        "settled_at": rfc3339(record.settled_at),
        "due_at": rfc3339(record.due_at or None),
        "failures": record.failures,
        "maybe_applied": record.maybe_applied,
        "deadline_at": rfc3339(record.deadline_at),
        "revision": record.revision,
        "exported_at": rfc3339(record.exported_at),
        "waiting_behind": behind.get(record.number, []),
        **(_request(record) if body else {}),
        "revisions": [_revision(before) | (_request(before) if body else {}) for before in edited],
    }


def as_filter(centre: Centre, choice: Choice, limit: int, after: int = 0) -> RecordFilter:
    """Return *choice* as the journal takes it: the person as a keyed hash."""
    lane = None if choice.lane is None else centre.journal.lane_hash(choice.lane)
    return RecordFilter(choice.state, choice.route, lane, choice.since, choice.outage, after, limit)


async def found(centre: Centre, key: str) -> Record:
    """Return the record of a number or id; raises NotThere."""
    try:
        of = int(key) if key.isdecimal() else ULID.from_str(key).bytes
        record = await centre.journal.get(of)
    except (ValueError, OverflowError):
        record = None
    if record is None:
        raise NotThere("No record has this number or id. Look for it with: dosekeeper records list")
    return record


def _line(record: Record, judged: LogIns) -> dict[str, Any]:
    return {
        "id": str(ULID(record.id)),
        "number": record.number,
        "state": record.state.value,
        "route": record.route,
        "recorded_at": rfc3339(record.recorded_at),
        "attempts": record.attempt,
        "reason": NEEDS_LOG_IN if judged.needed_by(record) else record.reason,
        "clock_doubt": record.clock_doubt,
    }


def _revision(before: Revision) -> dict[str, Any]:
    return {
        "revision": before.revision,
        "replaced_at": rfc3339(before.replaced_at),
        "replaced_by": before.replaced_by,
        "reason": before.reason,
    }


def _request(record: Record | Revision) -> dict[str, Any]:
    return {
        "target": record.target,
        "headers": record.headers.decode("latin-1").splitlines(),
        "body": record.body.decode("utf-8", "replace"),
    }

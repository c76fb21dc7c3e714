"""
The paper register: what is not confirmed, for entry by hand.

What was exported may be entered by somebody: it is marked before it is told, and looked up before it is sent.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from proxy.operations.asked import Choice, ExportAsked
from proxy.operations.centre import Centre
from proxy.operations.records import chosen
from proxy.operations.times import rfc3339
from proxy.rules.register_columns import cell, columns_of
from proxy.rules.slots import translated
from store.records import OPEN_STATES, Record

LEADING: Final = ("number", "recorded_at", "clock_doubt", "deadline_at", "state", "reason", "route")
"""Columns that every record has."""


async def export(centre: Centre, asked: ExportAsked) -> dict[str, Any]:
    """Return the columns and rows of the register, personal data in clear; with `dry_run` only how many rows it has."""
    records = [record async for record in chosen(centre, Choice(state=tuple(sorted(OPEN_STATES))))]
    if asked.dry_run:
        return {"records": len(records), "columns": [], "rows": []}
    columns = columns_of(route for route in centre.profile().routes if route.name in {record.route for record in records})
    rows = [await _row(centre, record, columns) for record in records]
    now = centre.clock.wall()
    await centre.journal.note(asked.by, "export", asked.reason, now, {"records": len(records)})
    await centre.journal.mark_exported([record.number for record in records], now)
    return {"records": len(records), "columns": [*LEADING, *columns], "rows": rows}


async def _row(centre: Centre, record: Record, columns: list[str]) -> list[str]:
    body = orjson.loads(await _by_real_ids(centre, record))
    deadline = rfc3339(record.deadline_at) or ""
    when = (rfc3339(record.recorded_at), record.clock_doubt or "", deadline)
    leading = (str(record.number), *when, record.state.value, record.reason or "", record.route)
    return [*leading, *(cell(body, column) for column in columns)]


async def _by_real_ids(centre: Centre, record: Record) -> bytes:
    route = centre.persons.profile.route(record.route)
    known = await centre.persons.resolve(route, record.target, record.headers, record.body)
    if route is None or known is None:
        return record.body
    return translated(route, record.target, record.body, known.real_ids)[1]

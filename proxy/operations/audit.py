"""The audit as an operator sees it."""

from __future__ import annotations

from typing import Any

import orjson

from proxy.operations.centre import Centre
from proxy.operations.times import rfc3339
from store.audit import AuditEntry


async def listed(centre: Centre, after: int, limit: int, record: int | None = None) -> list[dict[str, Any]]:
    """Return a page of the audit, or of what was done with the record of that number, oldest first."""
    return [_line(entry) for entry in await centre.journal.audit_entries(after, limit, record)]


async def verified(centre: Centre) -> dict[str, Any]:
    """Return whether the chain holds; `first_broken` is the id of the first entry that is not what was written, or follows one gone."""
    broken = await centre.journal.verify_audit()
    return {"whole": broken is None, "first_broken": broken}


def _line(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": rfc3339(entry.at),
        "by": entry.by,
        "action": entry.action,
        "record": entry.number,
        "reason": entry.reason,
        "details": orjson.loads(entry.details),
        "hash": entry.hash.hex(),
    }

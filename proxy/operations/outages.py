"""The outage ledger as an operator sees it."""

from __future__ import annotations

from typing import Any

from proxy.operations.centre import Centre
from proxy.operations.times import rfc3339
from store.outage_ledger import OutageFilter
from store.outages import Outage


async def listed(centre: Centre) -> list[dict[str, Any]]:
    """Return every outage, oldest first; the keys of DESIGN §9. `duration_s` of one that runs is counted up to now."""
    now = centre.clock.wall()
    lines: list[dict[str, Any]] = []
    while page := await centre.journal.outages(OutageFilter(after=lines[-1]["id"] if lines else 0)):
        lines += [_line(outage, now) for outage in page]
    return lines


def _line(outage: Outage, now: int) -> dict[str, Any]:
    end = now if outage.ended_at is None else outage.ended_at
    return {
        "id": outage.id,
        "group": outage.group,
        "started_at": rfc3339(outage.started_at),
        "detected_at": rfc3339(outage.detected_at),
        "ended_at": rfc3339(outage.ended_at),
        "duration_s": max(0, end - outage.started_at) / 1000,
        "cause": outage.cause,
        "scope": outage.scope,
        "flaps": outage.flaps,
        "recorded": outage.recorded,
        "drained_at": rfc3339(outage.drained_at),
        "unobserved_s": outage.unobserved_ms / 1000,
    }

"""The outage ledger as an operator sees it."""

from __future__ import annotations

from typing import Any

from proxy.operations.centre import Centre
from proxy.operations.times import rfc3339
from proxy.rules.outage import lasted_ms
from proxy.rules.stamps import Stamp
from store.outage_ledger import OutageFilter
from store.outages import Outage


async def listed(centre: Centre) -> list[dict[str, Any]]:
    """Return every outage, oldest first; the keys of DESIGN §9. `duration_s` of one that runs is counted up to now."""
    now = centre.clock.stamp()
    lines: list[dict[str, Any]] = []
    while page := await centre.journal.outages(OutageFilter(after=lines[-1]["id"] if lines else 0)):
        lines += [_line(outage, now) for outage in page]
    return lines


def _line(outage: Outage, now: Stamp) -> dict[str, Any]:
    return {
        "id": outage.id,
        "group": outage.group,
        "started_at": rfc3339(outage.started_at),
        "detected_at": rfc3339(outage.detected_at),
        "ended_at": rfc3339(outage.ended_at),
        "duration_s": lasted_ms(outage, now) / 1000,
        "cause": outage.cause,
        "scope": outage.scope,
        "flaps": outage.flaps,
        "recorded": outage.recorded,
        "drained_at": rfc3339(outage.drained_at),
        "unobserved_s": outage.unobserved_ms / 1000,
        "clock_doubtful": outage.clock_doubtful,
    }

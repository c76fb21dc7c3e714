"""What waits for a person, by cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from proxy.operations.asked import Choice
from proxy.operations.centre import Centre
from proxy.operations.records import chosen, is_caused_by
from proxy.operations.suggestions import suggestion
from proxy.operations.times import rfc3339
from store.decisions import HeldGroup
from store.records import RecordState


async def grouped(centre: Centre) -> list[dict[str, Any]]:
    """
    Return the held records by route and reason, most first.

    `blocks` names, for each record of a group that others wait behind (a registration's own persons are among them), their numbers.
    """
    groups = await centre.journal.held_groups()
    behind = await centre.journal.behind_held()
    causes = await _causes(centre, frozenset(behind)) if behind else {}
    return [_line(group, [number for number, of in causes.items() if _is_of(of, group)], behind) for group in groups]


async def _causes(centre: Centre, numbers: frozenset[int]) -> dict[int, tuple[str, str]]:
    held = Choice(state=(RecordState.HELD,))
    return {record.number: (record.route, record.reason or "") async for record in chosen(centre, held) if record.number in numbers}


def _is_of(route_and_reason: tuple[str, str], group: HeldGroup) -> bool:
    route, reason = route_and_reason
    return route == group.route and (reason == group.reason or (bool(group.reason) and is_caused_by(reason, group.reason)))


def _line(group: HeldGroup, blocking: Sequence[int], behind: Mapping[int, Sequence[int]]) -> dict[str, Any]:
    return {
        "route": group.route,
        "reason": group.reason,
        "count": group.count,
        "persons": group.lanes,
        "oldest_at": rfc3339(group.oldest_at),
        "suggestion": suggestion(group.reason),
        "blocks": [{"number": number, "waiting": list(behind[number])} for number in blocking],
    }

"""Which records need somebody to log in at a desk before they can go up (DESIGN §8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from proxy.operations.centre import Centre
from proxy.operations.groups import group_is_down, groups
from proxy.rules.log_in import needs_log_in
from store.records import Record, RecordState
from store.snapshot import Snapshot

WAIT: Final = frozenset({RecordState.PENDING, RecordState.UNKNOWN})


@dataclass(frozen=True, slots=True)
class LogIns:
    """
    What is judged by.

    `known` are the principals whose credential (or a stand-in's) is at hand; `up_since` says by group since when its server is there, None
    while it is not. Times are wall-clock milliseconds UTC.
    """

    known: frozenset[bytes]
    up_since: Mapping[str, int | None]
    now: int

    def needed(self, group: str, principal: bytes | None, recorded_at: int, deadline_at: int | None) -> bool:
        """Whether what *principal* recorded needs a log-in."""
        if principal is None or principal in self.known:
            return False
        up_since = self.up_since.get(group, 0)
        return needs_log_in(None if up_since is None else max(up_since, recorded_at), deadline_at, self.now)

    def needed_by(self, record: Record) -> bool:
        """Whether *record* needs one."""
        return record.state in WAIT and self.needed(record.group, record.principal, record.recorded_at, record.deadline_at)


def log_ins(centre: Centre, snapshot: Snapshot, now: int) -> LogIns:
    """Return what there is to judge by at this moment."""
    known = centre.traffic.credentials.known() if centre.traffic else ()
    return LogIns(frozenset(known), {group: _up_since(centre, group, snapshot) for group in groups(centre)}, now)


async def needing(centre: Centre, snapshot: Snapshot, now: int) -> int:
    """Return how many records at the head of their lanes need a log-in."""
    judged = log_ins(centre, snapshot, now)
    waiting = await centre.journal.waiting_for_log_in()
    return sum(one.records for one in waiting if judged.needed(one.group, one.principal, one.oldest_at, one.deadline_at))


def _up_since(centre: Centre, group: str, snapshot: Snapshot) -> int | None:
    if group_is_down(centre, group, snapshot):
        return None
    known = snapshot.outages.get(group)
    return 0 if known is None or known.last_end_at is None else known.last_end_at

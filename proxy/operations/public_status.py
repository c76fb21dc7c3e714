"""How the centre stands for the desks' software and who sits before it: no group, nobody's name, no number of a record."""

from __future__ import annotations

from proxy.operations.centre import Centre
from proxy.operations.log_ins import needing
from proxy.operations.status import in_force, in_short
from proxy.operations.times import rfc3339
from proxy.rules.stamps import Stamp
from proxy.rules.telling import PublicStatus, Standing
from store.records import OPEN_STATES, RecordState
from store.snapshot import Snapshot


async def public_status(centre: Centre) -> PublicStatus:
    """Return it as it is now."""
    stamp = centre.clock.stamp()
    snapshot = await centre.snapshot()
    more = in_short(centre, snapshot, stamp)
    standing = _standing(centre, Standing(more["upstream"]))
    return PublicStatus(
        standing=standing,
        since=rfc3339(_since(centre, standing, snapshot, stamp)),
        can_record=centre.journal.standing().can_record,
        pending=sum(snapshot.records[state] for state in OPEN_STATES - {RecordState.HELD}),
        held=snapshot.records[RecordState.HELD],
        needs_log_in=await needing(centre, snapshot, stamp.wall),
        logged_out=centre.traffic is not None and centre.traffic.credentials.own.missing,
        more=more,
    )


def _standing(centre: Centre, upstream: Standing) -> Standing:
    traffic = centre.traffic
    slow = traffic is not None and traffic.circuits.slowed(centre.record_groups())
    return Standing.SLOW if slow and upstream is Standing.UP else upstream


def _since(centre: Centre, standing: Standing, snapshot: Snapshot, now: Stamp) -> int | None:
    """Return when it began to be so, wall-clock milliseconds UTC; None where that is not known."""
    outages = [outages for group, outages in snapshot.outages.items() if group in centre.record_groups()]
    hold = in_force(snapshot.hold, now.wall)
    match standing:
        case Standing.DOWN:
            return min((each.running.started_at for each in outages if each.running is not None), default=None)
        case Standing.HELD:
            return None if hold is None else hold.held_at
        case Standing.UP:
            return max((each.last_end_at for each in outages if each.last_end_at is not None), default=None)
        case Standing.SLOW:
            return None

"""
Asks the server once more, in quiet hours, for what it said it has: an answer that took a dose may have come from a queue that lost it.

A sweep can only take a proof away: what is missing is held for a person, and never sent again by itself.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from proxy.profiles.model import Sweep
from proxy.rules.look_up import Found
from proxy.rules.quiet import is_quiet
from proxy.traffic.active_profile import ActiveProfile
from proxy.traffic.budget import Budget
from proxy.traffic.circuits import Circuits, Permit
from proxy.traffic.clock import Clock
from proxy.traffic.clock_watch import ClockWatch
from proxy.traffic.look_ups import LookUps
from proxy.traffic.meters import Meters
from store.journal import Journal
from store.records import Record, RecordState, Settlement

log = logging.getLogger(__name__)

DAY_MS: Final = 24 * 60 * 60 * 1000
"""How far back a sweep looks."""

LATER_S: Final = 300.0
"""Wait until it is asked again whether there is something to sweep."""

MISSING: Final = Settlement(RecordState.HELD, outcome=None, reason="swept: missing", maybe_applied=True)


@dataclass(slots=True)
class Sweeper:
    """Looks up what was delivered in the last day, each record once."""

    profile: ActiveProfile
    journal: Journal
    look_ups: LookUps
    circuits: Circuits
    budget: Budget
    meters: Meters
    clock: Clock
    watch: ClockWatch
    timezone: tzinfo
    _after: int = 0
    """The latest record that could not be asked for: its turn comes again after those behind it."""

    async def step(self) -> float:
        """Look one record up, if it is time to; return seconds until the next."""
        record = await self._next(self.profile.profile.sweep)
        if record is None:
            return LATER_S
        route = self.profile.route(record.route)
        if route is None:  # the profile knows no more how to ask for it
            await self.journal.mark_swept(record.number, self.clock.wall())
            return 0.0
        permit = self.circuits.replay_permit(route.group, record.id)
        if permit is None:
            return LATER_S
        try:
            if (wait_s := self.budget.replay()) > 0:
                return wait_s
            return await self._sweep(record, permit)
        finally:
            self.circuits.unused(permit)

    async def _next(self, hours: Sweep | None) -> Record | None:
        now = self.clock.wall()
        if hours is None or self.watch.doubt() is not None or not is_quiet(now, hours.begin, hours.end, self.timezone):
            return None
        since = now - DAY_MS
        found = await self.journal.delivered_since(since, self._after, 1) or await self.journal.delivered_since(since, 0, 1)
        return found[0] if found else None

    async def _sweep(self, record: Record, permit: Permit) -> float:
        finding = await self.look_ups.find(record, permit)
        if finding.found is Found.FAILED:
            self._after = record.number
            return LATER_S
        if finding.found is Found.NOT_THERE:
            self.meters.sweep_missing.inc()
            log.error("the server has lost a record that it took", extra={"action": "sweep_missing", "number": record.number})
            await self.journal.move(record.number, RecordState.DELIVERED, MISSING, self.clock.wall())
        await self.journal.mark_swept(record.number, self.clock.wall())
        return 0.0

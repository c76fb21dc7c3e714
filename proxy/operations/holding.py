"""The operator's hold: for planned maintenance records are kept and none is sent, until it is released or its time is over."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field
from typing import Any, Final

from proxy.operations.centre import Centre
from proxy.operations.errors import Unfit
from proxy.operations.status import hold_value
from proxy.rules.stamps import Stamp
from proxy.traffic.circuits import Circuits
from proxy.traffic.clock import Clock
from store.journal import Journal
from store.operator_hold import OperatorHold

log = logging.getLogger(__name__)

BY_ITSELF: Final = "its time was over"
"""Who releases a hold whose `until` has passed."""


async def hold(centre: Centre, until: int | None, reason: str, by: str) -> dict[str, Any]:
    """
    Put a hold in force, in place of the one that was, and return it; *until* is wall-clock milliseconds UTC.

    Raises:
        Unfit: *until* has passed already.
    """
    now = centre.clock.wall()
    if until is not None and until <= now:
        raise Unfit("The time until which to hold has passed already; give a later one, or none to hold until: dosekeeper release")
    await centre.journal.hold(until, reason, by, now)
    if centre.traffic is not None:
        centre.traffic.circuits.hold(held=True)
        centre.traffic.hold_bell.ring()
    log.warning("sending is on hold", extra={"action": "hold"})
    return {"hold": await _value(centre)}


async def release(centre: Centre, by: str) -> dict[str, Any]:
    """Release the hold in force; `released` is False where there was none."""
    released = await centre.journal.release(by, centre.clock.wall())
    if centre.traffic is not None:
        centre.traffic.circuits.hold(held=False)
        centre.traffic.hold_bell.ring()  # the keeper may have read the hold just before
    log.warning("hold released", extra={"action": "release", "was_held": released})
    return {"released": released}


async def _value(centre: Centre) -> dict[str, Any] | None:
    found = await centre.journal.operator_hold()
    return None if found is None else hold_value(found)


@dataclass(frozen=True, slots=True)
class HoldKeeper:
    """
    Ends a hold when its time is over: by the wall clock, or when as much time has passed as was left when we first saw it.

    So a clock that is put back makes no hold longer; one that is put forward ends it early, and a server in maintenance is then an outage.
    """

    journal: Journal
    circuits: Circuits
    clock: Clock
    _ends_s: dict[int, float] = field(default_factory=dict)
    """When the hold set at a time is over at the latest, boot seconds."""

    async def step(self) -> float | None:
        """Bring the circuits up to the hold in the journal; return seconds until its time is over, None where it has no end."""
        now = self.clock.stamp()
        found = await self.journal.operator_hold()
        left_s = self._left_s(found, now)
        hold = None if left_s <= 0 else found
        if found is not None and hold is None:
            if not await self.journal.release(BY_ITSELF, now.wall, found):
                return 0.0  # another took its place: look at that one
            log.warning("hold is over", extra={"action": "hold_over"})
        if self.circuits.held != (hold is not None):
            self.circuits.hold(held=hold is not None)
        return None if hold is None or hold.until is None else max(0.05, left_s)

    def _left_s(self, hold: OperatorHold | None, now: Stamp) -> float:
        if hold is None or hold.until is None:
            return math.inf
        left_s = (hold.until - now.wall) / 1000
        return min(left_s, self._ends_s.setdefault(hold.held_at, now.boot_s + left_s) - now.boot_s)

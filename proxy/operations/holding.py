"""The operator's hold: for planned maintenance records are kept and none is sent, until it is released or its time is over."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Final

from proxy.operations.centre import Centre
from proxy.operations.errors import Unfit
from proxy.operations.status import hold_value, in_force
from proxy.traffic.circuits import Circuits
from proxy.traffic.clock import Clock
from store.journal import Journal

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
    log.warning("hold released", extra={"action": "release", "was_held": released})
    return {"released": released}


async def _value(centre: Centre) -> dict[str, Any] | None:
    found = await centre.journal.operator_hold()
    return None if found is None else hold_value(found)


@dataclass(frozen=True, slots=True)
class HoldKeeper:
    """Ends a hold when its time is over."""

    journal: Journal
    circuits: Circuits
    clock: Clock

    async def step(self) -> float | None:
        """Bring the circuits up to the hold in the journal; return seconds until its time is over, None where it has no end."""
        now = self.clock.wall()
        found = await self.journal.operator_hold()
        hold = in_force(found, now)
        if found is not None and hold is None:
            await self.journal.release(BY_ITSELF, now)
            log.warning("hold is over", extra={"action": "hold_over"})
        if self.circuits.held != (hold is not None):
            self.circuits.hold(held=hold is not None)
        return None if hold is None or hold.until is None else max(0.05, (hold.until - now) / 1000)

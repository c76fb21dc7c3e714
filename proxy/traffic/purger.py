"""
Takes away what is no longer needed.

That is: requests and answers of records that were closed long ago (keys stay, as keyed hashes), answers that are too old to be given, the
damaged originals of rescues. The room goes back to the disk. What is taken away is overwritten, through the log: that is folded in
between, or it would only grow.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from proxy.traffic.clock import Clock
from proxy.traffic.clock_watch import ClockWatch
from store.journal import Journal

log = logging.getLogger(__name__)

EVERY_S: Final = 3600.0
UNSURE_S: Final = 60.0
"""Wait until it is looked again whether the clock is confirmed."""
AGAIN_S: Final = 1.0
"""Wait between two batches, and while a backup reads what is in the log: the desks' records come first."""


@dataclass(slots=True)
class Purger:
    """
    Keeps `privacy.keep_delivered`, in seconds; only by a clock that the upstream bears out: one a year ahead would take everything.

    It is at least `reads.max_stale`: what was delivered since is laid over a remembered answer for as long as that is given.
    """

    journal: Journal
    clock: Clock
    watch: ClockWatch
    keep_delivered_s: float
    wrote: bool = False

    async def step(self) -> float:
        """Purge one batch, or give some of the room back to the disk; return seconds until the next."""
        if not self.watch.confirmed():
            return UNSURE_S
        if self.wrote and not await self.journal.fold_in():
            return AGAIN_S
        now = self.clock.wall()
        before = now - int(self.keep_delivered_s * 1000)
        purged = await self.journal.purge(before, now) + await self.journal.forget_expired(now)
        self.wrote = purged > 0 or await self.journal.give_back()
        if self.wrote:
            return AGAIN_S
        try:
            if deleted := await self.journal.delete_originals(before):
                log.info("damaged originals deleted", extra={"action": "originals_deleted", "originals": deleted})
        except OSError as error:
            log.warning("damaged originals cannot be deleted", extra={"action": "originals_stay", "error": type(error).__name__})
        return EVERY_S

"""Looks after the journal's disk: keeps the reserve, finds out that an idle disk has failed, and says so once in the log."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from store.file.standing import Why
from store.journal import Journal

log = logging.getLogger(__name__)

EVERY_S: Final = 5.0
IN_TROUBLE_S: Final = 1.0


@dataclass(slots=True)
class DiskWatch:
    """Tells of the disk whenever it changes how it stands."""

    journal: Journal
    told: Why = Why.WELL

    async def step(self) -> float:
        """Look at the disk; return seconds until the next look."""
        await self.journal.look_at_disk()
        now = self.journal.standing()
        if now.why is not self.told:
            level = logging.INFO if now.why is Why.WELL else logging.WARNING if now.can_record else logging.ERROR
            log.log(level, "the journal's disk: %s", now.why, extra={"action": "disk", "why": now.why.value, "can_record": now.can_record})
            self.told = now.why
            if now.why in (Why.SHORT, Why.FULL):
                await self.journal.fold_in()  # after a burst the log is up to 64 MiB
        return EVERY_S if now.why is Why.WELL else IN_TROUBLE_S

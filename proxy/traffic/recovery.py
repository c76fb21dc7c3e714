"""
What the process before this one left behind.

Sends that a stop cut off, of which nobody knows whether they got through; and records that are on disk although their desks were told,
because the disk failed, to use paper.
"""

from __future__ import annotations

import logging
from typing import Final

from proxy.traffic.clock import Clock
from proxy.traffic.look_ups import LookUps
from store.journal import Journal
from store.record_search import RecordFilter
from store.records import RecordState, Settlement

log = logging.getLogger(__name__)

AT_ONCE: Final = 1_000
"""Records moved between two questions for more."""

UNDECIDABLE: Final = Settlement(RecordState.HELD, outcome=None, reason="interrupted", maybe_applied=True)
"""Its route does not say how to look it up: a person decides, and it is never sent again blindly."""


async def take_over(journal: Journal, clock: Clock, look_ups: LookUps) -> None:
    """Hold what its desk was told to put on paper, make every send that was cut off `unknown`, and hold what cannot be looked up."""
    # First: what of it stands as `sending` was never sent.
    told_paper = await journal.hold_told_paper(ids) if (ids := journal.told_paper()) else 0
    interrupted = await journal.recover(clock.wall())
    held, after = 0, 0
    while unknown := await journal.find(RecordFilter(states=(RecordState.UNKNOWN,), after=after, limit=AT_ONCE)):
        after = unknown[-1].number
        for record in unknown:
            if not look_ups.possible(record.route):
                held += await journal.move(record.number, RecordState.UNKNOWN, UNDECIDABLE, clock.wall())
    log.info("journal taken over", extra={"action": "take_over", "interrupted": interrupted, "held": held, "told_paper": told_paper})

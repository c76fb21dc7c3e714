"""
What the process before this one left behind, and what the original of a copy may have sent.

Sends that a stop cut off, of which nobody knows whether they got through; and records that are on disk although their desks were told,
because the disk failed, to use paper.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from proxy.traffic.clock import Clock
from proxy.traffic.look_ups import LookUps
from store.copies import Restored
from store.journal import Journal
from store.record_search import RecordFilter
from store.records import Record, RecordState, Settlement

log = logging.getLogger(__name__)

Pages = Callable[[int], Awaitable[list[Record]]]
"""Gives the page of records that begins after a number."""

AT_ONCE: Final = 1_000
"""Records moved between two questions for more."""

UNDECIDABLE: Final = Settlement(RecordState.HELD, outcome=None, reason="interrupted", maybe_applied=True)
"""Its route does not say how to look it up: a person decides, and it is never sent again blindly."""

RESTORED: Final = Settlement(RecordState.HELD, outcome=None, reason="restored", maybe_applied=True)
"""The same, of what was unsent in a copy: the original may have sent it."""


async def take_over(journal: Journal, clock: Clock, look_ups: LookUps) -> None:
    """Hold what its desk was told to put on paper, make every send that was cut off `unknown`, and hold what cannot be looked up."""
    # First: what of it stands as `sending` was never sent.
    told_paper = await journal.hold_told_paper(ids) if (ids := journal.told_paper()) else 0
    interrupted = await journal.recover(clock.wall())
    held = await _held(journal, clock, look_ups, partial(journal.unknowns, AT_ONCE), UNDECIDABLE)
    restored = await journal.settle_in(clock.wall())
    if restored is not None:
        held += await _settle_copy(journal, clock, look_ups, restored)
    log.info("journal taken over", extra={"action": "take_over", "interrupted": interrupted, "held": held, "told_paper": told_paper})


async def _settle_copy(journal: Journal, clock: Clock, look_ups: LookUps, restored: Restored) -> int:
    numbers = {"last_number": restored.last_number, "next_number": restored.next_number}
    log.warning("this journal is a copy: what was unsent in it is looked up before it is sent", extra={"action": "restored", **numbers})
    if restored.taken_over:  # later a person may have vouched for one of them
        return 0

    def unsent(after: int) -> Awaitable[list[Record]]:
        return journal.find(RecordFilter(states=(RecordState.PENDING,), after=after, limit=AT_ONCE))

    held = await _held(journal, clock, look_ups, unsent, RESTORED, up_to=restored.last_number)
    await journal.mark_taken_over()
    return held


async def _held(journal: Journal, clock: Clock, look_ups: LookUps, after_number: Pages, to: Settlement, up_to: int | None = None) -> int:
    """Hold those of the records in all pages that cannot be looked up; return how many that were."""
    held, after = 0, 0
    while page := await after_number(after):
        after = page[-1].number
        for record in page:
            if not look_ups.possible(record.route) and (up_to is None or record.number <= up_to):
                held += await journal.move(record.number, record.state, to, clock.wall())
    return held

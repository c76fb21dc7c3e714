"""
Records that stand as `sending` although nobody sends them: an error of ours ended their send between two commits.

Only the task that makes a send settles it, so that without this they would stay until the next start, their person's next dose behind
them (G6). What became of the send is not known: they are treated like one that a stop cut off.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from proxy.traffic.clock import Clock
from proxy.traffic.look_ups import LookUps
from proxy.traffic.recovery import UNDECIDABLE
from proxy.traffic.retry import Wake
from proxy.traffic.sender import Sender
from store.journal import Journal
from store.records import RecordState, Settlement

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 30.0
"""Twice in a row a record has to be found without a send: between its commit and its send there are some turns of the event loop."""

AT_ONCE: Final = 100

INTERRUPTED: Final = Settlement(RecordState.UNKNOWN, outcome=None, reason="interrupted", maybe_applied=True)


@dataclass(slots=True)
class Strays:
    """Looks for them; `replay` is the bell of who looks up and sends them."""

    journal: Journal
    sender: Sender
    look_ups: LookUps
    clock: Clock
    replay: Wake
    _seen: frozenset[tuple[int, int]] = frozenset()
    """Number and attempt of those that were found by the latest look."""

    async def step(self) -> float:
        """
        Make `unknown`, or hold where it cannot be looked up, what was found twice; return seconds until the next look.

        What its desk was told to put on paper stays: the next start holds it.
        """
        spoken_for, on_paper = self.sender.in_hand, self.journal.on_paper()
        sending = [
            record for record in await self.journal.sending(AT_ONCE) if record.number not in spoken_for and record.id not in on_paper
        ]
        alone = {(record.number, record.attempt): record for record in sending}
        for number, attempt in self._seen & alone.keys():
            self.sender.sends.ended(number)  # by now at the latest: the server may go on working it off
            made = INTERRUPTED if self.look_ups.possible(alone[number, attempt].route) else UNDECIDABLE
            if await self.journal.settle(number, attempt, made, self.clock.wall()):
                log.error("a send ended without a word", extra={"action": "stray_send", "number": number, "state": made.state.value})
                self.replay.ring()
        self._seen = frozenset(alone)
        return LOOK_EVERY_S

"""
Replay: the backlog goes up in order, once each, gently.

One step starts what may go now and says when more may. The order within a person is the journal's (`heads` gives only records that
nothing older precedes, and `begin_send` asks again); how fast is `proxy.rules.pace`; whether at all is the circuit's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from proxy.rules.outcome import Outcome, OutcomeKind
from proxy.rules.pace import Limit, limit_after
from proxy.traffic.budget import Budget
from proxy.traffic.circuits import Circuits, Permit
from proxy.traffic.clock import Clock
from proxy.traffic.credentials import Credentials
from proxy.traffic.meters import Meters
from proxy.traffic.retry import Wake
from proxy.traffic.sender import Sender
from proxy.traffic.tasks import Background
from store.journal import Journal
from store.records import Record

log = logging.getLogger(__name__)

IDLE_S: Final = 60.0
"""Longest time between two looks at the backlog, should no bell have rung (a clock that jumped rings none)."""

AGAIN_S: Final = 0.05
"""Shortest."""


LOOKED_AT_MAX: Final = 100_000
"""Heads among which a narrowed run looks for what was chosen: more lanes than a centre has."""


@dataclass(slots=True)
class Replayer:
    """
    Sends the backlog.

    `chosen` narrows it to what an operator asked for (a CLI run of its own); the service replays everything.
    """

    journal: Journal
    sender: Sender
    circuits: Circuits
    credentials: Credentials
    budget: Budget
    background: Background
    meters: Meters
    clock: Clock
    concurrency_max: int
    wake: Wake
    chosen: Callable[[Record], bool] | None = None
    limit: Limit = field(default_factory=Limit)
    _in_flight: set[int] = field(default_factory=set)

    async def step(self) -> float | None:
        """Start every record that may go now; return seconds until another may, None: when the bell rings."""
        self.meters.replay_concurrency_limit.set(self.limit.value)
        await self._close_idle()
        groups = self.circuits.open_to_replay()
        room = int(self.limit.value) - len(self._in_flight)
        if not groups or room <= 0:
            return self.circuits.next_change_s()
        heads = await self._heads(groups, room)
        for head in heads:
            if (wait_s := await self._start(head)) > 0:
                return wait_s
        if not heads and not self._in_flight:
            await self._note_drained()
        return await self._until_due(groups)

    async def _start(self, head: Record) -> float:
        """Start sending *head*; return how long to wait where the pace forbids it now, else 0."""
        if (wait_s := self.budget.replay()) > 0:
            return wait_s
        permit = self.circuits.replay_permit(head.group, head.id)
        if permit is None:
            return 0.0
        record = await self.journal.begin_send(head.number, self.clock.wall())
        if record is None:
            self.circuits.unused(permit)
            return 0.0
        self._in_flight.add(record.number)
        self.background.start(self._send(record, permit))
        return 0.0

    async def _send(self, record: Record, permit: Permit) -> None:
        try:
            outcome = await self.sender.attempt(record, permit)
            self.limit = limit_after(self.limit, good=_good(outcome), limit_max=self.concurrency_max)
        finally:
            self._in_flight.discard(record.number)
            self.wake.ring()

    async def _close_idle(self) -> None:
        """Let a half-open circuit close by its probes alone where there is no record that could be its canary."""
        for group in self.circuits.half_open():
            if not await self._heads((group,), 1):
                self.circuits.nothing_to_send(group)

    async def _heads(self, groups: tuple[str, ...], room: int) -> list[Record]:
        """Return the records that may go now, oldest first, *room* at most; of those chosen, where the run is narrowed."""
        at_hand, now = self.credentials.known(), self.clock.wall()
        if self.chosen is None:
            return await self.journal.heads(groups, now, room, at_hand)
        return [head for head in await self.journal.heads(groups, now, LOOKED_AT_MAX, at_hand) if self.chosen(head)][:room]

    async def _note_drained(self) -> None:
        for group in self.circuits.groups():
            if await self.journal.mark_drained(group, self.clock.wall()):
                log.info("backlog of the outage is sent", extra={"action": "drained", "group": group})

    async def _until_due(self, groups: tuple[str, ...]) -> float:
        due_at = await self.journal.next_due(groups, self.clock.wall())
        due_s = IDLE_S if due_at is None else max(AGAIN_S, (due_at - self.clock.wall()) / 1000)
        return min(IDLE_S, due_s, self.circuits.next_change_s() or IDLE_S)


def _good(outcome: Outcome) -> bool:
    return outcome.kind in (OutcomeKind.ACCEPTED, OutcomeKind.REFUSED, OutcomeKind.ALREADY_RECORDED)

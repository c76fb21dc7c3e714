"""
Replay: the backlog goes up in order, once each, gently.

One step starts what may go now and says when more may. The order within a person is the journal's (`heads` gives only records that
nothing older precedes, and `begin_send` asks again); how fast is `proxy.rules.pace`; whether at all is the circuit's.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from proxy.rules.look_up import Finding, Found
from proxy.rules.outcome import Outcome, OutcomeKind
from proxy.rules.pace import Drain, Limit, drain, limit_after
from proxy.traffic.budget import Budget
from proxy.traffic.circuits import Circuits, Permit
from proxy.traffic.clock import Clock
from proxy.traffic.credentials import Credentials
from proxy.traffic.latest import Latest
from proxy.traffic.look_ups import LookUps
from proxy.traffic.meters import Meters
from proxy.traffic.retry import Wake
from proxy.traffic.sender import Sender
from proxy.traffic.tasks import Background
from store.errors import JournalError
from store.journal import Journal
from store.records import Record, RecordState

log = logging.getLogger(__name__)

IDLE_S: Final = 60.0
"""Longest time between two looks at the backlog, should no bell have rung (a clock that jumped rings none)."""

AGAIN_S: Final = 0.05
"""Shortest."""


AT_HAND: Final = 32
"""Heads that are read at a time; `begin_send` asks again whether one may go."""

FRESH_S: Final = 0.25
"""Age of heads that are still gone by: how late a record with an earlier deadline, or another credential, may be seen."""

LATER_S: Final = 60.0
"""Wait of a record at which something of ours has failed: the pace is for the others meanwhile."""

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
    look_ups: LookUps
    circuits: Circuits
    credentials: Credentials
    budget: Budget
    background: Background
    meters: Meters
    clock: Clock
    concurrency_max: int
    spread_max_s: float
    wake: Wake
    chosen: Callable[[Record], bool] | None = None
    limit: Limit = field(default_factory=Limit)
    _spread_from: float = 0.0
    """The start slot for which the spread of the backlog was reckoned."""
    _spread_until: float = 0.0
    _in_flight: set[int] = field(default_factory=set)
    _settling: set[int] = field(default_factory=set)
    """Those in flight that the upstream has accepted: they take up none of its time any more."""
    _put_off: Latest[int, float] = field(default_factory=Latest)
    """Records whose latest look-up failed, or send was answered with a 401 or "too many", and when: all others have their turn first."""
    _failed: int | None = None
    """The latest record whose look-up failed, since the last good answer to any."""
    _at_hand: list[Record] = field(default_factory=list)
    """The next heads, the first last."""
    _asked: object = None
    """For what those were read: groups, and what was chosen."""
    _read_s: float = -math.inf
    """When they were read."""

    async def step(self) -> float | None:
        """Start every record that may go now; return seconds until another may, None: when the bell rings."""
        self.meters.replay_concurrency_limit.set(self.limit.value)
        # One moment for the whole step: what becomes due while it looks must not be past when it asks when to look again.
        now = self.clock.wall()
        await self._close_idle(now)
        change_s, groups = self.circuits.next_change_s(), self.circuits.open_to_replay()  # in this order: time goes on between them
        room = int(self.limit.value) - len(self._in_flight) + len(self._settling)
        if not groups or room <= 0:
            return change_s
        await self._spread_backlog(groups, now)
        if self.clock.monotonic() >= self._spread_until:
            self.budget.drain = Drain()  # the return is as long ago as the trouble was; it may have been slept through
        await self._read_ahead(groups, room, now)
        heads = [self._at_hand.pop() for _ in range(min(room, len(self._at_hand)))]
        for head in heads:
            if (wait_s := self._start(head)) > 0:
                return wait_s
        if self._at_hand:
            return change_s  # the bell rings when one in flight is done
        if not heads and not self._in_flight:
            await self._end_spread(groups)
            await self._note_drained()
        return min(await self._until_due(groups, now), IDLE_S if change_s is None else change_s)

    def _start(self, head: Record) -> float:
        """Start looking *head* up, or sending it; return how long to wait where the pace, or the circuit, forbids it now, else 0."""
        permit = self.circuits.replay_permit(head.group, head.id)
        wait_s = AGAIN_S if permit is None else self.budget.replay()
        if permit is None or wait_s > 0:
            self._at_hand.clear()  # it is still a head, and its turn comes again
            self._unused(permit)
            return wait_s
        # In the background, which a stop waits for: a step that is cut short must not leave a record claimed that nobody sends.
        self._in_flight.add(head.number)
        self.background.start(self._go(head, permit))
        return 0.0

    def _unused(self, permit: Permit | None) -> None:
        if permit is not None:
            self.circuits.unused(permit)

    async def _go(self, head: Record, permit: Permit) -> None:
        try:
            await self._look_up_or_send(head, permit)
        except Exception:
            # The journal's trouble, or an error of ours: it is one record's, and all others go on (G5).
            self._put_off.note(head.number, self.clock.monotonic())
            log.exception("a record did not go", extra={"action": "replay_failed", "number": head.number})
            await self._later(head)
        finally:
            self.circuits.unused(permit)
            self._in_flight.discard(head.number)
            self._settling.discard(head.number)
            self.wake.ring()

    async def _later(self, head: Record) -> None:
        with suppress(JournalError):
            await self.journal.postpone(head.number, head.state, self.clock.wall() + int(LATER_S * 1000))

    async def _look_up_or_send(self, head: Record, permit: Permit) -> None:
        if head.state is RecordState.UNKNOWN or await self.look_ups.needed(head):
            self._found(head.number, await self.look_ups.attempt(head, permit))
            return
        record = await self.journal.begin_send(head.number, self.clock.wall(), seen=head)
        outcome = None if record is None else await self.sender.attempt(record, permit, taken=lambda: self._taken(head))
        if outcome is not None:
            self._note(head.number, outcome)

    def _taken(self, head: Record) -> None:
        self._settling.add(head.number)
        self.wake.ring()

    def _found(self, number: int, finding: Finding) -> None:
        if finding.found is not Found.FAILED:
            self._put_off.pop(number, None)
            self._answered(good=True)
            return
        self._put_off.note(number, self.clock.monotonic())
        # A record that the server chokes on says nothing of the server: all go slower only where another's look-up fails too.
        alone, self._failed = self._failed in (None, number), number
        if not (finding.own and alone):
            self._answered(good=False)

    def _note(self, number: int, outcome: Outcome) -> None:
        self._answered(good=_good(outcome))
        if outcome.kind in (OutcomeKind.AUTH, OutcomeKind.THROTTLED):
            self._put_off.note(number, self.clock.monotonic())
        else:
            self._put_off.pop(number, None)

    def _answered(self, *, good: bool) -> None:
        if good:
            self._failed = None
        self.limit = limit_after(self.limit, good=good, limit_max=self.concurrency_max)
        self.budget.replayed(good=good)

    async def _spread_backlog(self, groups: tuple[str, ...], now: int) -> None:
        """Reckon, once for each return of the upstream, over how long the backlog is spread."""
        back = max((self.circuits.watched(group) for group in groups), key=lambda watched: watched.start_at)
        if back.start_at <= self._spread_from:
            return
        self._spread_from, self._spread_until = back.start_at, back.start_at + back.troubled_s
        waiting, deadline_at = await self.journal.count_unsent(groups), await self.journal.next_deadline_at(now)
        left_s = None if deadline_at is None else max(0, deadline_at - now) / 1000
        self.budget.drain = drain(waiting, back.troubled_s, self.spread_max_s, left_s)

    async def _end_spread(self, groups: tuple[str, ...]) -> None:
        """
        Go back to the usual pace once nothing is left.

        Until then what waits for a log-in, or for its look-up, is backlog all the same; what waits for one that never comes slows nobody
        for longer than the trouble was.
        """
        if self.budget.drain != Drain() and not await self.journal.count_unsent(groups):
            self.budget.drain = Drain()

    async def _close_idle(self, now: int) -> None:
        """Let a half-open circuit close by its probes alone where there is no record that could be its canary."""
        for group in self.circuits.half_open():
            if not await self._heads((group,), 1, now):
                self.circuits.nothing_to_send(group)

    async def _read_ahead(self, groups: tuple[str, ...], room: int, now: int) -> None:
        """Have heads at hand: to read them for each record anew took as long as to send it."""
        asked, now_s = (groups, self.chosen), self.clock.monotonic()
        if self._at_hand and self._asked == asked and now_s - self._read_s < FRESH_S:
            return
        self._asked, self._read_s = asked, now_s
        self._at_hand = (await self._heads(groups, max(room, AT_HAND), now))[::-1]

    async def _heads(self, groups: tuple[str, ...], room: int, now: int) -> list[Record]:
        """Return the records that may go now, those put off last, *room* at most; of those chosen, where the run is narrowed."""
        limit = LOOKED_AT_MAX if self.chosen else room + len(self._put_off) + len(self._in_flight)
        far_ms = self._unknown_far_ms()
        heads = await self.journal.heads(groups, now, limit, self.credentials.known(), far_ms)
        # One that is being looked up is still a head. What its desk was told to put on paper is held by the next start.
        free = (head for head in heads if head.number not in self._in_flight and head.id not in self.journal.on_paper())
        wanted = (head for head in free if self.chosen is None or self.chosen(head))
        return sorted(wanted, key=lambda head: self._put_off.get(head.number, -math.inf))[:room]

    def _unknown_far_ms(self) -> int:
        return math.ceil(max(LATER_S, self.look_ups.wait_max_s()) * 1000)

    async def _note_drained(self) -> None:
        """Call the backlog of outages and holds drained; asked first, because a write, even of nothing, keeps the next desk waiting."""
        for group in await self.journal.undrained():
            if await self.journal.mark_drained(group, self.clock.wall()):
                log.info("backlog of the outage is sent", extra={"action": "drained", "group": group})

    async def _until_due(self, groups: tuple[str, ...], now: int) -> float:
        due_at = await self.journal.next_due(groups, now, self._unknown_far_ms())
        due_s = IDLE_S if due_at is None else max(AGAIN_S, (due_at - self.clock.wall()) / 1000)
        return min(IDLE_S, due_s)


def _good(outcome: Outcome) -> bool:
    return outcome.kind in (OutcomeKind.ACCEPTED, OutcomeKind.REFUSED, OutcomeKind.ALREADY_RECORDED)

"""
Writes the outage ledger: what the circuits went through becomes rows that survive this process.

One step brings the rows up to what the circuits say now; an entry that could not be written is made up for by the next step.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final, assert_never

from proxy.rules.circuit import Circuit, Downtime, resumed
from proxy.rules.clock_doubt import unwatched_s
from proxy.rules.outage import (
    Anchor,
    Begin,
    End,
    Entry,
    Reopen,
    Touch,
    continued,
    entry_for,
    lasted_ms,
    may_be_ours,
    reckoned_by,
    seen,
    unobserved_ms,
)
from proxy.traffic.circuits import Circuits
from proxy.traffic.clock import Clock
from proxy.traffic.clock_watch import ClockWatch
from proxy.traffic.line import Line
from proxy.traffic.retry import Wake
from proxy.traffic.waits import Waits
from store.journal import Journal
from store.outages import Seen

log = logging.getLogger(__name__)

TOUCH_EVERY_S: Final = 5.0
"""How far a running outage's row may lag behind; a kill -9 makes at most so much of it unobserved."""


@dataclass(slots=True)
class OutageKeeper:
    """
    Keeps one row per outage and group.

    Each row has its own time, which goes on by what is measured. `ended` is told that a row has its end, so that its backlog can be called
    drained. Time in which the computer was suspended, or we were stopped, is part of an outage and `unobserved`. `line` is how our own line
    is checked, None where it is not.
    """

    journal: Journal
    circuits: Circuits
    clock: Clock
    watch: ClockWatch
    wake: Wake
    waits: Waits
    line: Line | None
    ended: Callable[[], None]
    left: Collection[str] = ()
    """Groups of which there are records, and that the profile has no longer."""
    _told: dict[str, Circuit] = field(default_factory=dict)
    _ended: dict[str, Downtime] = field(default_factory=dict)
    _looked_s: float | None = None
    """When the latest step was, boot seconds, if an outage was running then."""

    async def resume(self) -> None:
        """
        At start: go on with the outages that were running when the process before this one ended.

        Nobody watches a group that the profile has no longer, and that has nothing to send: its outage ends with its last failure.
        """
        now = self.clock.stamp()
        for row in await self.journal.running_outages():
            if not await self._is_watched(row.group):
                await self.journal.end_outage(row.id, row.last_bad_at, self._seen(continued(row, now)))
                continue
            await self.journal.add_unobserved(row.id, unobserved_ms(row, now), self._seen(continued(row, now)))
            circuit = resumed(row.cause, now.boot_s - lasted_ms(row, now) / 1000, now.boot_s)
            self.circuits.resume(row.group, circuit)
            self._told[row.group] = circuit

    async def _is_watched(self, group: str) -> bool:
        """Whether anything will tell of *group*: of one that the profile has no longer only what is to be sent in it does."""
        return group in self.circuits.groups() and (group not in self.left or await self.journal.count_unsent((group,)) > 0)

    async def step(self) -> float | None:
        """Write what is new; return seconds until the running rows are touched again, None where none runs."""
        last_s, self._looked_s = self._looked_s, self.clock.monotonic()
        if last_s is not None and (lost_s := unwatched_s(last_s, self._looked_s)):
            await self._note_unobserved(lost_s)
        running = False
        for group in self.circuits.groups():
            running |= await self._keep(group)
        if running:
            return TOUCH_EVERY_S
        self._looked_s = None
        return None

    async def _note_unobserved(self, lost_s: float) -> None:
        for row in await self.journal.running_outages():
            await self.journal.add_unobserved(row.id, round(lost_s * 1000), self._seen(continued(row, self.clock.stamp())))

    async def _keep(self, group: str) -> bool:
        """Bring one group's row up to date; return whether its outage still runs."""
        watched = self.circuits.watched(group)
        downtime = watched.circuit.downtime or self._not_yet_ended(group)
        if downtime is None:
            return False
        last = await self.journal.last_outage(group)
        anchor = reckoned_by(last, downtime.first_bad_at, self.clock.stamp(), doubtful=self._doubtful())
        lasting = Circuit(downtime=downtime)
        await self._enter(group, self._told.get(group, Circuit()), lasting, anchor)
        self._told[group] = lasting
        await self._note_wait(group, downtime)
        if watched.circuit.downtime is not None:
            return True
        await self._enter(group, lasting, Circuit(), anchor)
        self._ended[group] = downtime
        del self._told[group]
        return False

    async def _note_wait(self, group: str, downtime: Downtime) -> None:
        waited_ms = round(1000 * self.waits.longest_s(group, downtime.first_bad_at))
        row = await self.journal.last_outage(group)
        if row is not None and waited_ms > row.longest_wait_ms:
            await self.journal.lengthen_wait(row.id, waited_ms)

    def _seen(self, anchor: Anchor) -> Seen:
        return seen(anchor, self.clock.stamp(), doubtful=self._doubtful())

    def _doubtful(self) -> bool:
        return self.watch.doubt() is not None

    def _not_yet_ended(self, group: str) -> Downtime | None:
        """The outage that ended last, if its end is still to be written (or all of it: it may have come and gone between two steps)."""
        ended = self.circuits.watched(group).ended
        return None if ended is self._ended.get(group) else ended

    async def _enter(self, group: str, before: Circuit, after: Circuit, anchor: Anchor) -> None:
        entry = entry_for(await self.journal.last_outage(group), before, after, anchor)
        if entry is not None:
            await self._write(group, entry, self._seen(anchor))

    async def _write(self, group: str, entry: Entry, now: Seen) -> None:
        match entry:
            case Begin(started_at, detected_at, cause, scope, start):
                row = await self.journal.open_outage(group, started_at, detected_at, cause, scope, now, start)
                if self.line is not None and may_be_ours(cause) and not await self.line.is_up():
                    scope = "local"
                    await self.journal.place_outage(row.id, scope)
                log.warning("outage began", extra={"action": "outage_began", "group": group, "cause": cause, "scope": scope})
            case Reopen(id_, failed):
                await self.journal.reopen_outage(id_, failed, now)
                log.warning("outage goes on", extra={"action": "outage_goes_on", "group": group})
            case Touch(id_, failed):
                await self.journal.touch_outage(id_, failed, now)
            case End(id_, ended_at):
                await self.journal.end_outage(id_, ended_at, now)
                self.ended()
                log.warning("outage ended", extra={"action": "outage_ended", "group": group})
            case _:
                assert_never(entry)

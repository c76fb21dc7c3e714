"""Writes brown-outs into the outage ledger: times in which the server answered late, and was not down."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Final

from proxy.rules.brown_out import RECENT_MAX, BrownOut, Call, Pace, heard, is_over
from proxy.rules.outage import Anchor, seen, wall_at
from proxy.traffic.circuits import Circuits
from proxy.traffic.clock import Clock
from proxy.traffic.clock_watch import ClockWatch
from proxy.traffic.retry import Wake
from store.journal import Journal
from store.outages import Seen, Slowness

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Row:
    """The row of a running brown-out, by which clock it is reckoned, and what it tells."""

    id: int
    anchor: Anchor
    told: BrownOut


@dataclass(slots=True)
class BrownOuts:
    """Judges the pace of each group's calls; `slow_s` is from when on an answer is slow."""

    journal: Journal
    circuits: Circuits
    clock: Clock
    watch: ClockWatch
    wake: Wake
    slow_s: float
    _heard: dict[str, deque[Call]] = field(default_factory=dict)
    _paces: dict[str, Pace] = field(default_factory=dict)
    _rows: dict[str, Row] = field(default_factory=dict)

    def note(self, group: str, asked_at: float, ended_at: float) -> None:
        """Take one call, boot seconds; those of an outage are the outage's."""
        if self.circuits.watched(group).circuit.downtime is not None:
            return
        self._heard.setdefault(group, deque(maxlen=RECENT_MAX)).append(Call(asked_at, ended_at, ended_at - asked_at > self.slow_s))

    async def resume(self) -> None:
        """At start: what was slow when the process before this one ended, ended with the last slow answer that it saw."""
        now = self.clock.stamp()
        for row in await self.journal.running_slow():
            await self.journal.end_outage(row.id, row.last_bad_at, Seen(row.last_bad_at, now.wall, now.boot_id, now.boot_s))

    async def step(self) -> float:
        """Judge what was heard since the last step; return seconds until the next."""
        for group in list(self._heard):
            await self._judge(group)
        return LOOK_EVERY_S

    async def _judge(self, group: str) -> None:
        """What the disk did not take is written by a later step: nothing is forgotten before it is written."""
        now, calls = self.clock.monotonic(), self._heard[group]
        pace = heard(self._paces.get(group, Pace()), [calls.popleft() for _ in range(len(calls))], now)
        self._paces[group] = pace
        brown_out, down = pace.brown_out, self.circuits.watched(group).circuit.downtime is not None
        over = brown_out is not None and is_over(brown_out, now)
        if brown_out is not None and not (down and group not in self._rows):
            await self._write(group, brown_out)
        if (down or over) and group in self._rows:
            await self._end(group)
        if down or over:
            self._paces[group] = Pace()

    async def _write(self, group: str, brown_out: BrownOut) -> None:
        row = self._rows.get(group)
        if row is None:
            anchor = Anchor(self.clock.monotonic(), self.clock.wall())
            id_ = await self.journal.begin_slow(group, _told(brown_out, anchor), self._seen(anchor))
            self._rows[group] = Row(id_, anchor, brown_out)
            log.warning("the server is slow", extra={"action": "slow_began", "group": group})
        elif brown_out != row.told:
            await self.journal.go_on_slow(row.id, _told(brown_out, row.anchor), self._seen(row.anchor))
            self._rows[group] = replace(row, told=brown_out)

    async def _end(self, group: str) -> None:
        row = self._rows[group]
        await self.journal.end_outage(row.id, row.anchor.wall, self._seen(row.anchor))  # at its last slow answer, which is later
        del self._rows[group]
        log.warning("the server is no longer slow", extra={"action": "slow_ended", "group": group})

    def _seen(self, anchor: Anchor) -> Seen:
        return seen(anchor, self.clock.stamp(), doubtful=self.watch.doubt() is not None)


def _told(brown_out: BrownOut, anchor: Anchor) -> Slowness:
    return Slowness(
        started_at=wall_at(brown_out.began_at, anchor),
        last_slow_at=wall_at(brown_out.last_slow_at, anchor),
        calls=brown_out.calls,
        slow_calls=brown_out.slow_calls,
        first=f"answered after {brown_out.first_s:.1f} s",
        last=f"answered after {brown_out.last_s:.1f} s",
    )

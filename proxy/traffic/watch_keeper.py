"""
Keeps when somebody was watching: a row of the journal for each run of this process, moved on twice a minute.

What lies between two rows nobody saw: it is unobserved, and counts neither as up nor as down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proxy.rules.clock_doubt import drift_s, unwatched_s
from proxy.rules.stamps import Stamp
from proxy.traffic.clock import Clock
from proxy.traffic.retry import Wake
from store.journal import Journal

LOOK_EVERY_S: Final = 5.0
NOTE_EVERY_S: Final = 30.0
"""So much of a time in which somebody watched may be told as unobserved after a kill -9."""


@dataclass(slots=True)
class WatchKeeper:
    """
    Begins a row at its first step, and another when the computer was suspended, or somebody set the clock.

    What the disk did not take is written by a later step: we were watching all the same.
    """

    journal: Journal
    clock: Clock
    wake: Wake
    _id: int | None = None
    _began: Stamp | None = None
    _last: Stamp | None = None
    _noted_s: float = 0.0
    _next: str | None = "start"
    """By what the row begins that is to be begun; None: none is."""
    _over: Stamp | None = None
    """When the row before that ended, as long as that is not written."""

    async def step(self) -> float:
        """Look; return seconds until the next look."""
        now, last = self.clock.stamp(), self._last
        self._last = now
        if last is not None and self._next is None and (broken := _broken_by(last, now)):
            self._next, self._over = broken, last
        if self._over is not None:
            await self._note(self._over)
            self._over = None
        if self._next is not None:
            self._id = await self.journal.begin_watch(now.wall, self._next)
            self._began, self._noted_s, self._next = now, now.boot_s, None
        elif now.boot_s - self._noted_s >= NOTE_EVERY_S:
            await self._note(now)
        return LOOK_EVERY_S

    async def last_word(self) -> None:
        """At a stop: it was watched up to now."""
        if self._id is not None:
            await self._note(self._over or self.clock.stamp())

    async def _note(self, until: Stamp) -> None:
        assert self._id is not None
        assert self._began is not None
        await self.journal.go_on_watching(self._id, self._began.wall + round((until.boot_s - self._began.boot_s) * 1000))
        self._noted_s = until.boot_s


def _broken_by(last: Stamp, now: Stamp) -> str | None:
    """Return what lies between two looks, so that they are not one time of watching."""
    if unwatched_s(last.boot_s, now.boot_s):
        return "resume"
    return "clock" if drift_s(last, now) else None

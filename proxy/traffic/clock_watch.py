"""Watches the wall clock: what the upstream's answers say of it, and that it jumped."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Final

from proxy.rules.circuit import Sign
from proxy.rules.clock_doubt import HEARD_MAX, Doubt, Known, doubt, drift_s, heard_s, offset_s, unwatched_s
from proxy.rules.evidence import sign_of
from proxy.rules.outcome import OutcomeKind
from proxy.rules.wire import Answer, Exchange
from proxy.traffic.clock import Clock

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 5.0
"""How late a jump may be noticed by those who wait for a time; who makes a record looks for himself."""


class ClockWatch:
    """
    What is known of the clock in this process.

    `latest_at` is when the journal's latest record was made, set at start. The bells are rung when the clock jumped or stood still for
    us: who waits for a time looks again.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._start = self._last = clock.stamp()
        self._heard: deque[float] = deque(maxlen=HEARD_MAX)
        self._dateless = False
        self._told: Doubt | None = None
        self.latest_at: int | None = None
        self.bells: list[Callable[[], None]] = []

    def hear(self, exchange: Exchange, kind: OutcomeKind, asked_s: float) -> None:
        """Take what an answer of the upstream says of the time; *asked_s*: when it was asked, `Clock.monotonic`."""
        if not isinstance(exchange, Answer) or sign_of(kind) not in (Sign.GOOD, Sign.AUTH):
            return  # somebody else's word
        date = exchange.field(b"date")
        heard = heard_s(date, exchange.field(b"age"), asked_s, self._clock.monotonic())
        self._dateless |= date is None
        if heard is not None:
            self._heard.append(heard)

    def offset_s(self) -> float | None:
        """Return by how many seconds the wall clock is ahead of the upstream's; None until it was heard."""
        return offset_s(self._heard, self._clock.stamp())

    def doubt(self) -> Doubt | None:
        """Return why the wall clock cannot be believed now."""
        return doubt(Known(self._start, self._heard, self.latest_at), self._clock.stamp())

    def confirmed(self) -> bool:
        """Whether the upstream bears the clock out. One that sends no `Date` confirms nothing: then it is enough that nothing is amiss."""
        return (bool(self._heard) or self._dateless) and self.doubt() is None

    def wall(self) -> int:
        """Return the best that is known of the time, wall-clock milliseconds UTC: by the upstream's clock where ours is in doubt."""
        offset = self.offset_s()
        return self._clock.wall() - (0 if offset is None or self.doubt() is None else round(offset * 1000))

    async def step(self) -> float:
        """Notice what has become of the clock; return seconds until the next look."""
        last, self._last = self._last, self._clock.stamp()
        jumped, unwatched = drift_s(last, self._last), unwatched_s(last.boot_s, self._last.boot_s)
        if jumped:
            log.warning("the clock jumped", extra={"action": "clock_jumped", "seconds": round(jumped)})
        if unwatched:
            log.warning("this computer was suspended, or we were stopped", extra={"action": "unwatched", "seconds": round(unwatched)})
        if jumped or unwatched:
            for bell in self.bells:
                bell()
        self._tell(self.doubt())
        return LOOK_EVERY_S

    def _tell(self, now: Doubt | None) -> None:
        """Log a change of what is amiss, once."""
        before, self._told = self._told, now
        if now is not None and (before is None or before.why is not now.why):
            log.warning("the clock is in doubt", extra={"action": "clock_doubtful", "reason": str(now)})
        if now is None and before is not None:
            log.warning("the clock is right again", extra={"action": "clock_right"})

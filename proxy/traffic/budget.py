"""How fast the upstream may be asked, kept by the monotonic clock: live calls are counted, the rest takes what is left."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from proxy.rules.pace import Bucket, Drain, drain_after, drain_wait_s, take_live, take_probe, take_replay, take_spare
from proxy.traffic.clock import Clock


@dataclass(slots=True)
class Budget:
    """
    One token bucket for all calls to one upstream, and how the backlog of the latest outage is spread.

    `hurried`: an operator has asked for the backlog now, so it is not spread.
    """

    bucket: Bucket
    clock: Clock
    drain: Drain = field(default_factory=Drain)
    hurried: bool = False
    _replayed_at: float = -math.inf
    _live_at: float = -math.inf
    _spared_at: float = -math.inf

    def __post_init__(self) -> None:
        """Begin as after a call: whoever starts the sidecar in the morning is about to ask."""
        self._live_at = self.clock.monotonic()

    def live(self) -> None:
        """Count a live call; it never waits."""
        self._live_at = self.clock.monotonic()
        self.bucket = take_live(self.bucket, self._live_at)

    def replay(self) -> float:
        """Take a token for a replayed record; return 0, or the seconds after which to ask again."""
        now = self.clock.monotonic()
        if not self.hurried and (spread_s := drain_wait_s(self.drain, now - self._replayed_at)) > 0:
            return spread_s
        self.bucket, wait_s = take_replay(self.bucket, now)
        if wait_s == 0:
            self._replayed_at = now
        return wait_s

    def replayed(self, *, good: bool) -> None:
        """Note what the upstream answered to a replayed record."""
        self.drain = drain_after(self.drain, good=good)

    def idle_s(self) -> float:
        """Return the seconds since anything was asked for a desk or for a record."""
        return self.clock.monotonic() - max(self._live_at, self._replayed_at)

    def spare(self) -> float:
        """Take a token for a call that nobody waits for; return 0, or the seconds after which to ask again."""
        now = self.clock.monotonic()
        self.bucket, wait_s = take_spare(self.bucket, now, now - self._spared_at)
        if wait_s == 0:
            self._spared_at = now
        return wait_s

    def probe(self) -> float:
        """Take a token for a probe; return 0, or the seconds after which to ask again."""
        self.bucket, wait_s = take_probe(self.bucket, self.clock.monotonic())
        return wait_s

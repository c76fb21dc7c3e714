"""What the upstream lets us ask per minute, kept by the monotonic clock: live calls are counted, the rest takes what is left."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.rules.pace import Bucket, take_live, take_probe, take_replay
from proxy.traffic.clock import Clock


@dataclass(slots=True)
class Budget:
    """One token bucket for all calls to one upstream."""

    bucket: Bucket
    clock: Clock

    def live(self) -> None:
        """Count a live call; it never waits."""
        self.bucket = take_live(self.bucket, self.clock.monotonic())

    def replay(self) -> float:
        """Take a token for a replayed record; return 0, or the seconds after which to ask again."""
        self.bucket, wait_s = take_replay(self.bucket, self.clock.monotonic())
        return wait_s

    def probe(self) -> float:
        """Take a token for a probe; return 0, or the seconds after which to ask again."""
        self.bucket, wait_s = take_probe(self.bucket, self.clock.monotonic())
        return wait_s

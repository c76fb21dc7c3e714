"""The replay an operator asked for: which records, since when, and the pace that was before it."""

from __future__ import annotations

from dataclasses import dataclass, field

from proxy.operations.asked import Choice
from proxy.rules.pace import Bucket, full
from proxy.traffic.budget import Budget
from proxy.traffic.retry import Wake


@dataclass(slots=True)
class Run:
    """One replay; times are wall-clock milliseconds UTC, `moved_at` monotonic seconds: when a record could last go up."""

    choice: Choice
    numbers: frozenset[int]
    began_at: int
    moved_at: float
    ended_at: int | None = None


@dataclass(slots=True)
class Replays:
    """The replay that was asked for last, and the pace that was before it."""

    budget: Budget
    wake: Wake = field(default_factory=Wake)
    run: Run | None = None
    _rate_before: float | None = None
    _slowed: bool = False

    def begin(self, run: Run, rate: int | None, now: float) -> None:
        """Take up *run* in place of the one before it, at *rate* calls a minute at most."""
        self.end(run.began_at, now)
        self.run = run
        self.budget.hurried = True
        if rate is not None:
            self._rate_before, self._slowed = self.budget.bucket.rate_s, True
            self.budget.bucket = slower(self.budget.bucket, rate, now)
        self.wake.ring()

    def end(self, at: int, now: float) -> None:
        """Note that the run is over and go back to the pace before it."""
        if self.run is not None and self.run.ended_at is None:
            self.run.ended_at = at
        self.budget.hurried = False
        if self._slowed:
            self.budget.bucket = full(None if self._rate_before is None else self._rate_before * 60, now)
            self._slowed = False


def slower(bucket: Bucket, rate: int, now: float) -> Bucket:
    """Return a bucket of *rate* calls a minute, or of *bucket*'s own where that is less."""
    return full(rate if bucket.rate_s is None else min(rate, bucket.rate_s * 60), now)

"""The one place of the simulator that reads the clocks."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant on both clocks: `at` is wall-clock milliseconds UTC, `monotonic_s` is for distances between two instants."""

    at: int
    monotonic_s: float


def now() -> Moment:
    """Return the present instant."""
    return Moment(time.time_ns() // 1_000_000, time.monotonic())

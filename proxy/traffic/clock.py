"""The two clocks, in one place, so that a test can hold them."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """Wall clock for what is shown and kept, monotonic clock for durations."""

    def wall(self) -> int:
        """Return wall-clock milliseconds UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()

    def aware(self) -> datetime:
        """Return the wall clock as an aware datetime, UTC."""
        return datetime.fromtimestamp(self.wall() / 1000, UTC)

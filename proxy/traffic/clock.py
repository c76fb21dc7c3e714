"""
The two clocks, in one place, so that a test can hold them.

The wall clock is what is shown and kept, and anybody may set it. Every duration is measured by the other, which nobody can set and which
goes on while the computer is suspended: a server's Retry-After, an outage and what the server may still be working off pass in a closed
laptop too. What nobody could observe meanwhile is told apart by who keeps it (`unobserved_s` of an outage).
"""

from __future__ import annotations

import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from proxy.rules.stamps import Stamp

BOOT_ID_FILE: Final = Path("/proc/sys/kernel/random/boot_id")
"""Linux: random, made anew at each boot."""


class Clock:
    """What the computer says of the time."""

    def wall(self) -> int:
        """Return wall-clock milliseconds UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Return seconds that never go back, time in suspend included."""
        return _boot_s()

    def stamp(self) -> Stamp:
        """Return now, so that it can be kept."""
        return Stamp(self.wall(), BOOT_ID, self.monotonic())

    def aware(self) -> datetime:
        """Return the wall clock as an aware datetime, UTC."""
        return datetime.fromtimestamp(self.wall() / 1000, UTC)


if sys.platform == "linux":

    def _boot_s() -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)

elif sys.platform == "darwin":

    def _boot_s() -> float:
        return time.clock_gettime(time.CLOCK_MONOTONIC_RAW)  # goes on in sleep there, as its manual says; CLOCK_UPTIME_RAW does not

else:

    def _boot_s() -> float:
        return time.monotonic()  # Windows counts time in sleep


def _boot_id() -> str:
    """
    Return what names this boot.

    Where the system does not name its boots (Windows, macOS) each process stands for itself: a later one goes by the wall clock. The
    boot's time of day is no name: it moves with the wall clock, and would be equal or not just when that is in doubt.
    """
    try:
        return BOOT_ID_FILE.read_text("utf-8").strip()
    except OSError:
        return uuid.uuid4().hex


BOOT_ID: Final = _boot_id()

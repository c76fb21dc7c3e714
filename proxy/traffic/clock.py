"""
The clocks, in one place, so that a test can hold them.

Wall clock: what is shown and kept; anybody may set it. Monotonic: durations within this process (circuits, budgets, deadlines of an
answer); it stands while the computer is suspended, and so do they: on waking nothing has timed out that had no chance to happen.
Boot-time: how long ago something was; it goes on in suspend, and is good for a later process of the same boot.
"""

from __future__ import annotations

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
        """Return seconds that never go back, time in suspend left out (on Linux and macOS)."""
        return time.monotonic()

    def boottime(self) -> float:
        """Return seconds that never go back, time in suspend included; where the system has no such clock (macOS), as `monotonic`."""
        return _boottime()

    def stamp(self) -> Stamp:
        """Return now, so that it can be kept."""
        return Stamp(self.wall(), BOOT_ID, self.boottime())

    def aware(self) -> datetime:
        """Return the wall clock as an aware datetime, UTC."""
        return datetime.fromtimestamp(self.wall() / 1000, UTC)


def _boottime() -> float:
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


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

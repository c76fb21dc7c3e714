"""A moment that can be kept on disk and still tells its age after somebody set the clock (DESIGN §5)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stamp:
    """
    One moment on both clocks.

    `wall` is wall-clock milliseconds UTC, which anybody may set; `boot_s` is seconds since the boot named by `boot_id`, time in suspend
    included, which nobody can.
    """

    wall: int
    boot_id: str
    boot_s: float


def same_boot(stamp: Stamp, now: Stamp) -> bool:
    """Whether the time between the two can be measured; otherwise only the wall clock tells of it."""
    return stamp.boot_id == now.boot_id and stamp.boot_s <= now.boot_s


def age_s(stamp: Stamp, now: Stamp) -> float:
    """
    Return how many seconds passed from *stamp* to *now*, never below 0.

    Of the same boot: measured, whatever was done to the wall clock. Over a reboot: by the wall clock, the only one that there is.
    """
    return now.boot_s - stamp.boot_s if same_boot(stamp, now) else max(0, now.wall - stamp.wall) / 1000

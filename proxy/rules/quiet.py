"""Quiet hours: when an upstream has little to do, by the centre's clock."""

from __future__ import annotations

from datetime import UTC, datetime, time, tzinfo


def is_quiet(now: int, begin: time, end: time, timezone: tzinfo) -> bool:
    """
    Whether it is between *begin* and *end*, which may lie on the next day.

    Args:
        now: Wall-clock milliseconds UTC.
        begin: From this time of day on, in *timezone*.
        end: Until this time of day; the same as *begin*: all day.
        timezone: The centre's.
    """
    here = datetime.fromtimestamp(now / 1000, UTC).astimezone(timezone).time()
    return begin <= here < end if begin < end else here >= begin or here < end

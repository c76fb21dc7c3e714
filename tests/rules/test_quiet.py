from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from proxy.rules.quiet import is_quiet

INDIA = ZoneInfo("Asia/Kolkata")


@pytest.mark.parametrize(
    ("utc", "begin", "end", "quiet"),
    [
        ("13:29", "19:00", "07:00", False),  # 18:59 in India
        ("13:30", "19:00", "07:00", True),
        ("20:00", "19:00", "07:00", True),
        ("01:29", "19:00", "07:00", True),
        ("01:30", "19:00", "07:00", False),  # 07:00
        ("07:00", "12:00", "13:00", True),  # 12:30
        ("07:30", "12:00", "13:00", False),
        ("07:30", "00:00", "00:00", True),
    ],
)
def test_quiet_hours_are_by_the_centres_clock_and_may_go_over_midnight(utc: str, begin: str, end: str, quiet: bool) -> None:
    hour, minute = map(int, utc.split(":"))
    now = int(datetime(2026, 11, 23, hour, minute, tzinfo=UTC).timestamp()) * 1000
    assert is_quiet(now, time.fromisoformat(begin), time.fromisoformat(end), INDIA) is quiet

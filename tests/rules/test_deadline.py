from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.profiles.model import BackEntry
from proxy.rules.deadline import deadline_at

RULE = BackEntry.model_validate({"days": 1, "until": "17:00"})
INDIA, NEW_YORK = ZoneInfo("Asia/Kolkata"), ZoneInfo("America/New_York")


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1000


@pytest.mark.parametrize(
    ("recorded", "deadline"),
    [
        ("2021-07-30T12:04:00+05:30", "2021-07-31T17:00:00+05:30"),
        ("2021-07-30T00:00:00+05:30", "2021-07-31T17:00:00+05:30"),
        ("2021-07-30T23:59:59+05:30", "2021-07-31T17:00:00+05:30"),
        ("2021-07-30T18:29:59+00:00", "2021-07-31T17:00:00+05:30"),
        ("2021-07-30T18:30:00+00:00", "2021-08-01T17:00:00+05:30"),
        ("2021-12-31T19:00:00+05:30", "2022-01-01T17:00:00+05:30"),
    ],
)
def test_by_five_the_next_day_in_the_centres_time(recorded: str, deadline: str) -> None:
    assert deadline_at(at(recorded), RULE, INDIA) == at(deadline)


@pytest.mark.parametrize(
    ("recorded", "until", "deadline"),
    [
        ("2026-03-07T12:00:00-05:00", "17:00", "2026-03-08T17:00:00-04:00"),
        ("2026-10-31T12:00:00-04:00", "17:00", "2026-11-01T17:00:00-05:00"),
        ("2026-10-31T12:00:00-04:00", "01:30", "2026-11-01T01:30:00-04:00"),  # comes twice: the first
        ("2026-03-07T12:00:00-05:00", "02:30", "2026-03-08T03:30:00-04:00"),  # is left out: by the clock as it was
    ],
)
def test_where_clocks_are_changed(recorded: str, until: str, deadline: str) -> None:
    rule = BackEntry.model_validate({"days": 1, "until": until})
    assert deadline_at(at(recorded), rule, NEW_YORK) == at(deadline)


def test_where_no_rule_is_known() -> None:
    assert deadline_at(at("2021-07-30T12:04:00+05:30"), None, INDIA) is None


@given(
    st.integers(0, 4_000_000_000_000),
    st.sampled_from([INDIA, NEW_YORK, ZoneInfo("Australia/Lord_Howe"), UTC]),
    st.sampled_from([1, 3, 365]),
)
def test_a_deadline_is_ahead_and_later_for_what_is_later(recorded_at: int, timezone: tzinfo, days: int) -> None:
    rule = BackEntry.model_validate({"days": days, "until": "17:00"})
    deadline, later = deadline_at(recorded_at, rule, timezone), deadline_at(recorded_at + 3_600_000, rule, timezone)
    assert deadline is not None
    assert later is not None
    assert recorded_at < deadline <= later
    there = datetime.fromtimestamp(deadline / 1000, timezone)
    assert (there.hour, there.minute, there.second) == (17, 0, 0)
    assert (there.date() - datetime.fromtimestamp(recorded_at / 1000, timezone).date()).days == days

"""Opening hours: how they are written, and when a centre is open by them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.rules.hours import latest_opening
from proxy.settings.hours import Span, hours

KOLKATA, BERLIN = ZoneInfo("Asia/Kolkata"), ZoneInfo("Europe/Berlin")
WEEK_MS = 7 * 86_400_000


def at(text: str, zone: ZoneInfo = KOLKATA) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


def written(text: str) -> list[str]:
    return [str(span) for span in hours(text)]


def test_days_and_spans() -> None:
    assert written("Sat 09:00-13:00, Mon-Tue 09:00-13:00  14:00-17:30") == [
        *(f"{day} {span}" for day in ("Mon", "Tue") for span in ("09:00-13:00", "14:00-17:30")),
        "Sat 09:00-13:00",
    ]
    assert written("Sat-Mon 00:00-24:00") == [f"{day} 00:00-24:00" for day in ("Mon", "Sat", "Sun")]


@pytest.mark.parametrize(
    "text",
    [
        *("", "Mon", "mon 09:00-17:00", "Mon 9:00-17:00", "Mon 17:00-09:00", "Mon 09:00-09:00", "Mon 09:00-24:01", "Mon 09:60-10:00"),
        *("Mon-Fri 09:00-17:00,", "Mon 09:00-13:00 12:59-17:00", "Mon-Fri 09:00-17:00, Wed 08:00-10:00", "Mon 09:00-17:00 IST"),
    ],
)
def test_what_are_no_hours(text: str) -> None:
    with pytest.raises(ValueError, match="must be opening hours that do not overlap"):
        hours(text)


SPANS = st.builds(lambda day, opens, length: Span(day, opens, opens + length), st.integers(0, 6), st.integers(0, 1000), st.integers(1, 440))


@given(SPANS)
def test_a_span_written_and_read_is_the_same(span: Span) -> None:
    assert hours(str(span)) == (span,)


@pytest.mark.parametrize(
    ("now", "opening", "is_open"),
    [
        ("2021-07-30T08:59:59", "2021-07-23T09:00", False),  # 30 July 2021 is a Friday
        ("2021-07-30T09:00:00", "2021-07-30T09:00", True),
        ("2021-07-30T16:59:59", "2021-07-30T09:00", True),
        ("2021-07-30T17:00:00", "2021-07-30T09:00", False),
        ("2021-08-05T12:00:00", "2021-07-30T09:00", False),
    ],
)
def test_the_latest_opening(now: str, opening: str, is_open: bool) -> None:
    (friday,) = hours("Fri 09:00-17:00")
    found = latest_opening(friday, at(now), KOLKATA)
    assert (found.at, found.length_s, found.has(at(now))) == (at(opening), 8 * 3600, is_open)


def test_a_day_on_which_the_clocks_are_put_forward_is_an_hour_shorter() -> None:
    (sunday,) = hours("Sun 00:00-24:00")
    assert latest_opening(sunday, at("2026-03-29T12:00", BERLIN), BERLIN).length_s == 23 * 3600


@given(SPANS, st.integers(0, 2**41), st.integers(0, 60))
def test_a_centre_that_fell_silent_is_known_by_its_last_openings_every_week_after(span: Span, told: int, weeks: int) -> None:
    """What docs/metrics.md asks Prometheus: (time - start) modulo a week < length."""
    told_of = latest_opening(span, told, KOLKATA)
    now = told + weeks * WEEK_MS + WEEK_MS // 3
    guessed = (now - told_of.at) % WEEK_MS < told_of.length_s * 1000
    assert guessed == latest_opening(span, now, KOLKATA).has(now)

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.rules.backoff import BackoffPolicy, delay_s, interval_s, throttled_s

draws = st.floats(0, 1, exclude_max=True)
failures = st.integers(1, 10**9)


@pytest.mark.parametrize(
    ("failed", "longest_s"), [(1, 5), (2, 10), (3, 20), (4, 40), (7, 320), (8, 640), (9, 900), (10, 900), (5000, 900), (10**12, 900)]
)
def test_the_interval_doubles_up_to_a_quarter_of_an_hour(failed: int, longest_s: float) -> None:
    assert delay_s(failed, 0.0) == 0
    assert delay_s(failed, 0.5) == longest_s / 2


@given(failures, draws)
def test_records_at_the_ceiling_do_not_meet_there(failed: int, draw: float) -> None:
    assert 0 <= delay_s(failed, draw) < 900


@given(failures, draws, st.floats(0.001, 1e6), st.floats(0.001, 1e6))
def test_no_policy_is_exceeded(failed: int, draw: float, base_s: float, ceiling_s: float) -> None:
    assert delay_s(failed, draw, BackoffPolicy(base_s, ceiling_s)) <= ceiling_s


@given(failures)
def test_more_failures_never_shorten_the_interval(failed: int) -> None:
    assert interval_s(failed, BackoffPolicy()) <= interval_s(failed + 1, BackoffPolicy())


@pytest.mark.parametrize(("failed", "draw"), [(0, 0.5), (-1, 0.5), (1, 1.0), (1, -0.1), (1, float("nan"))])
def test_what_is_no_failure_or_no_draw_is_an_error(failed: int, draw: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        delay_s(failed, draw)


@pytest.mark.parametrize(
    ("times", "retry_after_s", "expected_s"),
    [
        (1, None, 5),
        (2, None, 10),
        (6, None, 160),
        (7, None, 300),
        (500, None, 300),
        (1, 42.0, 42),
        (9, 0.0, 0),
        (1, 1800.0, 1800),
        (1, 1e9, 3600),
    ],
)
def test_how_long_everything_waits_when_throttled(times: int, retry_after_s: float | None, expected_s: float) -> None:
    assert throttled_s(times, retry_after_s) == expected_s

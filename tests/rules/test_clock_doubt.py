from __future__ import annotations

from datetime import UTC, datetime

import pytest

from proxy.rules.clock_doubt import UNWATCHED_S, Doubt, Known, Why, doubt, drift_s, heard_s, offset_s, unwatched_s
from proxy.rules.stamps import Stamp

NOON = 1_785_398_400_000  # 30 July 2026, 08:00 UTC
DAY_S = 86_400.0
START = Stamp(NOON, "this boot", 1000.0)


def later(seconds: float, set_by_s: float = 0.0) -> Stamp:
    return Stamp(NOON + round((seconds + set_by_s) * 1000), "this boot", 1000.0 + seconds)


TRUE_S = NOON / 1000 - 1000.0
"""What `heard_s` makes of an answer of an upstream whose clock agrees with ours at the start."""


@pytest.mark.parametrize(
    ("set_by_s", "drift"), [(0.0, 0.0), (1.9, 0.0), (-2.0, 0.0), (2.1, 2.1), (-2 * DAY_S, -2 * DAY_S), (365 * DAY_S, 365 * DAY_S)]
)
@pytest.mark.parametrize("passed_s", [5.0, 8 * 3600.0], ids=["a look later", "suspended meanwhile"])
def test_a_clock_that_was_set(set_by_s: float, drift: float, passed_s: float) -> None:
    assert drift_s(START, later(passed_s, set_by_s)) == pytest.approx(drift)


def test_time_in_which_nobody_looked() -> None:
    assert unwatched_s(1000.0, 1000.0 + UNWATCHED_S) == 0.0
    assert unwatched_s(1000.0, 29_800.0) == 28_800.0


DATE = "Thu, 30 Jul 2026 08:00:00 GMT"


@pytest.mark.parametrize(
    ("date", "age", "asked_s", "answered_s", "heard"),
    [
        pytest.param(DATE, None, 1000.0, 1000.0, TRUE_S + 0.5, id="whole seconds, cut off"),
        pytest.param(DATE, None, 999.0, 1001.0, TRUE_S + 0.5, id="half the round trip"),
        pytest.param(DATE, None, 998.9, 1001.0, None, id="too slow to tell"),
        pytest.param(DATE, "0", 1000.0, 1000.0, None, id="a cache answered"),
        pytest.param(None, None, 1000.0, 1000.0, None, id="no Date"),
        pytest.param("yesterday", None, 1000.0, 1000.0, None, id="no date at all"),
        pytest.param("Thu, 30 Jul 99999 08:00:00 GMT", None, 1000.0, 1000.0, None, id="a year that cannot be"),
        pytest.param("Thu, 30 Jul 2026 08:00:00", None, 1000.0, 1000.0, TRUE_S + 0.5, id="a zone left out is UTC"),
    ],
)
def test_what_an_answer_says_of_the_time(date: str | None, age: str | None, asked_s: float, answered_s: float, heard: float | None) -> None:
    assert heard_s(date, age, asked_s, answered_s) == heard


def test_the_offset_is_the_median_so_that_one_server_of_four_with_a_wrong_clock_changes_nothing() -> None:
    assert offset_s((), START) is None
    assert offset_s((TRUE_S, TRUE_S - DAY_S, TRUE_S + 0.4, TRUE_S + 0.2, TRUE_S + DAY_S), START) == pytest.approx(-0.2)


@pytest.mark.parametrize(
    ("known", "now", "expected"),
    [
        pytest.param(Known(START), later(5), None, id="nothing is amiss"),
        pytest.param(Known(START), later(5, DAY_S), Doubt(Why.JUMPED, DAY_S), id="set while we ran"),
        pytest.param(Known(START, (TRUE_S,)), later(5, 60), None, id="within a minute of the upstream"),
        pytest.param(Known(START, (TRUE_S,)), later(5, DAY_S), Doubt(Why.OFFSET, DAY_S), id="set ahead, the upstream known from before"),
        pytest.param(Known(START, (TRUE_S,)), later(5, -2 * DAY_S), Doubt(Why.OFFSET, -2 * DAY_S), id="put back"),
        pytest.param(Known(START, (TRUE_S + DAY_S,)), later(5, DAY_S), None, id="it was wrong, and was put right"),
        pytest.param(Known(START, (), NOON + 30_000), later(0), None, id="a little behind the journal"),
        pytest.param(Known(START, (), NOON + 90_000), later(0), Doubt(Why.BEHIND, -90.0), id="behind the journal"),
        pytest.param(Known(START, (TRUE_S,), NOON + 90_000), later(0), None, id="the upstream outweighs the journal"),
        pytest.param(Known(START), later(0, -10 * 365 * DAY_S), Doubt(Why.YEAR, 0.0), id="an empty battery"),
    ],
)
def test_when_the_clock_is_in_doubt(known: Known, now: Stamp, expected: Doubt | None) -> None:
    found = doubt(known, now)
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert found.why is expected.why
        assert found.ahead_s == pytest.approx(expected.ahead_s)


def test_noon_is_noon() -> None:
    assert datetime.fromtimestamp(NOON / 1000, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT") == DATE


@pytest.mark.parametrize(
    ("doubted", "text"),
    [
        (Doubt(Why.OFFSET, DAY_S), "86400 s ahead of the server"),
        (Doubt(Why.OFFSET, -90.4), "90 s behind the server"),
        (Doubt(Why.JUMPED, -2 * DAY_S), "172800 s behind its own course: it was set"),
        (Doubt(Why.BEHIND, -90.0), "90 s behind the journal's latest record"),
        (Doubt(Why.YEAR, 0.0), "a year that cannot be"),
    ],
)
def test_a_doubt_in_words(doubted: Doubt, text: str) -> None:
    assert str(doubted) == text

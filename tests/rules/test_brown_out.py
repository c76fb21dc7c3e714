from __future__ import annotations

from collections.abc import Iterable

from proxy.rules.brown_out import HOLDS_S, OVER_S, BrownOut, Call, Pace, heard, is_over


def calls(slow: Iterable[bool], every_s: float = 5.0, begin_s: float = 1000.0) -> list[Call]:
    return [Call(begin_s + place * every_s, begin_s + place * every_s + (4.0 if late else 0.1), late) for place, late in enumerate(slow)]


def after(every: list[Call], pace: Pace | None = None) -> Pace:
    pace = pace or Pace()
    for call in every:
        pace = heard(pace, [call], call.ended_at)
    return pace


QUICK, MIXED = [False] * 10, [False, True, False, False] * 5


def test_a_quarter_of_slow_calls_is_a_brown_out_from_the_first_of_them_with_its_share() -> None:
    pace = after(calls(MIXED))
    assert pace.brown_out == BrownOut(1005.0, 1089.0, 17, 5, 4.0, 4.0, after=2)


def test_what_comes_after_the_last_slow_one_is_counted_once_another_comes() -> None:
    pace = after(calls([*MIXED, *QUICK]))
    assert pace.brown_out is not None
    assert (pace.brown_out.calls, pace.brown_out.after) == (17, 12)
    again = heard(pace, [Call(1200.0, 1206.5, slow=True)], 1206.5).brown_out
    assert again == BrownOut(1005.0, 1206.5, 30, 6, 4.0, 6.5)


def test_a_hiccup_few_calls_or_few_slow_ones_are_none() -> None:
    assert after(calls([*QUICK, True, True, True, True], every_s=1.0)).brown_out is None, f"within {OVER_S} s"
    assert after(calls([True, True, True, True, True], every_s=20.0)).brown_out is None, "five calls"
    assert after(calls([*QUICK, *QUICK, True, False, True, False, True])).brown_out is None, "three in twenty-five"
    assert after(calls([True, *QUICK, *QUICK, *QUICK, *QUICK, *QUICK, *QUICK, *QUICK, True, True, False])).brown_out is None, "long ago"


def test_it_is_over_when_no_call_was_slow_for_two_minutes() -> None:
    brown_out = after(calls(MIXED)).brown_out
    assert brown_out is not None
    assert not is_over(brown_out, brown_out.last_slow_at + HOLDS_S - 0.1)
    assert is_over(brown_out, brown_out.last_slow_at + HOLDS_S)

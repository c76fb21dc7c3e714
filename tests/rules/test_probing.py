from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.rules.circuit import Circuit, Phase, Policy, RetryAfter, resumed
from proxy.rules.probing import idle_every_s, idle_left_s, next_probe_in_s

POLICY = Policy(probe_every_s=2, probe_max_s=15, probe_idle_s=120)
OPENED_AT = 50.0
OPEN = resumed("refused", since=0, now=OPENED_AT)
HALF_OPEN = replace(OPEN, phase=Phase.HALF_OPEN)
SUSPECT = Circuit(phase=Phase.SUSPECT, good_at=99)

draws = st.floats(0, 1, exclude_max=True)
waits = st.floats(0, 1000)


@pytest.mark.parametrize(
    ("circuit", "expected_s"),
    [
        pytest.param(Circuit(), 2, id="closed, never heard of"),
        pytest.param(Circuit(good_at=100), 120, id="closed, just heard of"),
        pytest.param(Circuit(good_at=10), 30, id="closed, silent for a while"),
        pytest.param(Circuit(good_at=-50), 2, id="closed, silent for long: the last probe was bad"),
        pytest.param(Circuit(good_at=500), 120, id="closed, the clock went back"),
        pytest.param(SUSPECT, 1, id="suspect"),
        pytest.param(HALF_OPEN, 2, id="half-open: one probe was good"),
        pytest.param(replace(HALF_OPEN, good_probes=3), 120, id="half-open: enough were good, a call is waited for"),
    ],
)
def test_wait_while_not_open(circuit: Circuit, expected_s: float) -> None:
    assert next_probe_in_s(circuit, 100, 15, 0.7, POLICY) == expected_s


@pytest.mark.parametrize(
    ("troubled_s", "previous_wait_s", "least_s", "most_s"),
    [
        pytest.param(0, 0, 2, 2, id="the first"),
        pytest.param(2, 2, 2, 6, id="the second"),
        pytest.param(8, 4, 2, 12, id="three times the wait before"),
        pytest.param(500, 15, 2, 15, id="not beyond the cap"),
        pytest.param(600, 15, 8, 45, id="four times after ten minutes"),
        pytest.param(7199, 60, 8, 60, id="still four times"),
        pytest.param(7200, 240, 32, 240, id="sixteen times after two hours"),
        pytest.param(10**7, 240, 32, 240, id="and no more"),
        pytest.param(-50, 0, 2, 2, id="the clock went back"),
    ],
)
def test_wait_while_open_is_drawn_between_bounds(troubled_s: float, previous_wait_s: float, least_s: float, most_s: float) -> None:
    def wait_s(draw: float) -> float:
        return next_probe_in_s(OPEN, troubled_s, previous_wait_s, draw, POLICY)

    assert wait_s(0.0) == least_s
    assert wait_s(0.5) == (least_s + most_s) / 2
    assert wait_s(1 - 1e-12) == pytest.approx(most_s)


@given(draws)
def test_centres_at_the_cap_do_not_meet_there(draw: float) -> None:
    assert next_probe_in_s(OPEN, 300, 15, draw, POLICY) < 15


@given(st.sampled_from([Circuit(), SUSPECT, HALF_OPEN, OPEN]), st.floats(-1e6, 1e6), waits, draws, st.floats(0, 3600))
def test_retry_after_is_a_lower_bound(circuit: Circuit, now: float, previous_s: float, draw: float, retry_after_s: float) -> None:
    asked_to_wait = replace(circuit, retry_after=RetryAfter(now, retry_after_s))
    without = next_probe_in_s(circuit, now, previous_s, draw, POLICY)
    assert 0 < without <= 16 * 15
    assert next_probe_in_s(asked_to_wait, now, previous_s, draw, POLICY) == pytest.approx(retry_after_s + without)


@pytest.mark.parametrize("phase", [Phase.HALF_OPEN, Phase.SUSPECT])
def test_a_server_that_comes_back_after_long_is_not_asked_more_often_at_once(phase: Phase) -> None:
    back = replace(OPEN, phase=phase)
    assert next_probe_in_s(back, 3 * 3600, 240, 0.5, POLICY) == next_probe_in_s(OPEN, 3 * 3600, 240, 0.5, POLICY) == 136


def test_a_policy_that_probes_faster_than_every_second_does_so_while_suspect() -> None:
    assert next_probe_in_s(SUSPECT, 100, 0, 0, Policy(probe_every_s=0.2)) == 0.2


@pytest.mark.parametrize(
    ("circuit", "expected_s"),
    [
        pytest.param(Circuit(good_at=10), 30, id="calls tell enough"),
        pytest.param(Circuit(good_at=-20), 0, id="silence"),
        pytest.param(Circuit(good_at=-90), 0, id="long silence"),
        pytest.param(Circuit(), 0, id="never heard of"),
        pytest.param(SUSPECT, 0, id="suspect"),
        pytest.param(OPEN, 0, id="open"),
    ],
)
def test_no_probe_while_calls_show_that_it_is_up(circuit: Circuit, expected_s: float) -> None:
    assert idle_left_s(circuit, 100, POLICY) == expected_s


def test_centres_that_fall_silent_together_do_not_stay_together() -> None:
    assert [idle_every_s(300, draw) for draw in (0.0, 0.5, 0.99)] == pytest.approx([225, 300, 373.5])

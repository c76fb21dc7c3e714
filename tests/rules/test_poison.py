from __future__ import annotations

from functools import reduce

import pytest

from proxy.rules.poison import Trial, failed, succeeded

OWN, A, B, C = (bytes([lane]) * 16 for lane in range(4))


def tried(events: str) -> Trial:
    """What is known after *events*: f is a failure of the record, | an outage, another letter a success of that lane."""
    lanes, generation, trial = {"o": OWN, "a": A, "b": B, "c": C}, 1, Trial(frozenset({OWN}))
    for event in events:
        generation += event == "|"
        if event != "|":
            trial = failed(trial, generation) if event == "f" else succeeded(trial, [lanes[event]])
    return trial


@pytest.mark.parametrize("events", ["fffabc", "fabcff", "fafbfc", "abcfffabc", "ffaabbccf", "ffffabc", "f|fffabc"])
def test_three_failures_while_three_other_lanes_succeed(events: str) -> None:
    assert tried(events).poison


@pytest.mark.parametrize(
    "events", ["", "ffff", "ffabc", "fffab", "fffaaaaa", "fffabo", "abcfff", "aabbccfffab", "fabc|fabc|fabc", "ffabc|f", "ffabc|ff"]
)
def test_an_outage_or_one_lane_or_what_was_before_condemns_nothing(events: str) -> None:
    assert not tried(events).poison


def test_a_record_of_several_persons_speaks_for_each_lane_that_is_not_its_own() -> None:
    trial = reduce(lambda trial, _: failed(trial, 1), range(3), Trial(frozenset({OWN, A})))
    assert not succeeded(trial, [OWN, A, B, C]).poison
    assert succeeded(trial, [b"d", B, C]).poison

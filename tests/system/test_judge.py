"""The judge of the demo sees each broken guarantee, and no other."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from simulator.demo.evidence import Applied, Evidence, Span
from simulator.demo.judge import Limits, judge, still_waiting
from simulator.desks import Given

LIMITS = Limits(wait_s=4.0, outage_off_s=5.0)
DOWN = Span(10_000, 22_000)


def given(person: str, dose: int, at: int = 12_000) -> Given:
    return Given(person, dose, record=f"{person}-{dose}", at=at, confirmed=False)


def applied(person: str, dose: int, at: int = 23_000) -> Applied:
    return Applied(person, dose, at)


def kept_promises() -> Evidence:
    return Evidence(
        given=[given("asha", 1, 5_000), given("asha", 2), given("mohan", 2), given("rekha", 2, 24_000)],
        not_recorded=[],
        longest_wait_s=3.0,
        applied=[applied("asha", 1, 5_000), applied("mohan", 2), applied("rekha", 2, 24_000), applied("asha", 2, 25_500)],
        states={"asha-1": "delivered", "asha-2": "delivered", "mohan-2": "delivered", "rekha-2": "delivered"},
        down=DOWN,
        measured=[Span(10_200, 22_900)],
    )


def broken(**changed: Any) -> tuple[str, ...]:
    """Return which guarantees are broken, by the word each sentence begins with."""
    result = judge(dataclasses.replace(kept_promises(), **changed), LIMITS)
    return tuple(sentence.partition(":")[0] for sentence in result.broken)


def test_a_day_without_fault_has_its_figures() -> None:
    result = judge(kept_promises(), LIMITS)
    assert result.broken == ()
    assert (result.doses_given, result.given_in_outage, result.longest_wait_s) == (4, 2, 3.0)
    assert (result.lost, result.twice, result.out_of_order, result.held, result.waiting) == (0, 0, 0, 0, 0)
    assert (result.outage_true_s, result.outage_measured_s) == (12.0, 12.7)
    assert result.drained_after_s == 3.5


@pytest.mark.parametrize("state", ["delivered", "refused", "discarded", None])
def test_a_dose_that_neither_server_nor_sidecar_has_is_lost(state: str | None) -> None:
    day = kept_promises()
    states = {**day.states, "asha-2": state} if state else {"asha-1": "delivered"}
    assert broken(applied=day.applied[:-1], states=states) == ("lost",)


@pytest.mark.parametrize("state", ["pending", "sending", "unknown"])
def test_a_dose_that_is_still_to_be_sent_is_not_lost_but_not_drained(state: str) -> None:
    day = kept_promises()
    result = judge(dataclasses.replace(day, applied=day.applied[:-1], states={**day.states, "asha-2": state}), LIMITS)
    assert (result.lost, result.waiting, result.drained_after_s) == (0, 1, None)
    assert [sentence.partition(":")[0] for sentence in result.broken] == ["drained"]


def test_a_held_dose_breaks_nothing_nor_do_those_behind_it() -> None:
    day = kept_promises()
    states = {**day.states, "asha-1": "held", "asha-2": "pending"}
    result = judge(dataclasses.replace(day, applied=[applied("mohan", 2), applied("rekha", 2)], states=states), LIMITS)
    assert (result.broken, result.lost, result.held, result.behind_held, result.waiting) == ((), 0, 1, 1, 0)


def test_a_held_dose_that_the_server_has_still_waits_for_a_person() -> None:
    day = kept_promises()
    result = judge(dataclasses.replace(day, states={**day.states, "mohan-2": "held"}), LIMITS)
    assert (result.broken, result.held) == ((), 1)


def test_nobody_waits_for_somebody_elses_held_dose() -> None:
    doses = [given("asha", 1), given("mohan", 1)]
    assert still_waiting(doses, [], {"asha-1": "held", "mohan-1": "pending"}) == [doses[1]]


def test_a_dose_that_took_effect_twice_is_seen() -> None:
    assert broken(applied=[*kept_promises().applied, applied("mohan", 2)]) == ("twice",)


def test_a_dose_twice_that_no_desk_gave_is_seen() -> None:
    assert broken(applied=[*kept_promises().applied, applied("imran", 1), applied("imran", 1)]) == ("twice",)


def test_a_dose_that_overtook_is_seen() -> None:
    day = kept_promises()
    assert broken(applied=[day.applied[-1], *day.applied[:-1]]) == ("order",)


def test_two_persons_have_no_order_between_them() -> None:
    assert broken(applied=sorted(kept_promises().applied, key=lambda dose: (dose.person != "rekha", dose.dose))) == ()


def test_a_desk_that_waited_too_long_is_seen() -> None:
    assert broken(longest_wait_s=4.01) == ("wait",)


def test_a_dose_that_could_not_be_recorded_is_seen() -> None:
    result = judge(dataclasses.replace(kept_promises(), not_recorded=["status 507", "status 507"]), LIMITS)
    assert result.broken == ("recorded: desks asked in vain: 2 × status 507",)


@pytest.mark.parametrize(
    "measured",
    [[], [Span(10_000, 16_900)], [Span(10_000, 22_000), Span(30_000, 36_000)], [Span(10_000, 22_000), Span(30_000, None)]],
    ids=["none", "too short", "one that never was", "one still running"],
)
def test_an_outage_that_was_measured_wrong_is_seen(measured: list[Span]) -> None:
    assert broken(measured=measured) == ("measured",)

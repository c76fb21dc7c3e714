"""The judge of the demo sees each broken guarantee, and no other."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from simulator.demo.evidence import Applied, Evidence, Received, Span, of_all
from simulator.demo.judge import judge, still_waiting, unjudged
from simulator.demo.result import Limits
from simulator.desks import NOT_THEM, REGISTRATION, Entered, Entry, InVain, Looked

LIMITS = Limits(wait_s=4.0, outage_off_s=5.0)
DOWN = Span(10_000, 22_000)
DEAD = Span(14_000, 16_000)
PROVISIONAL_ID = "99563048000017"

MEANT = {1: "asha", 2: "asha", 3: "mohan", 4: "rekha", 5: "lakshmi", 6: "lakshmi"}
"""Asha's two doses, Mohan's and Rekha's second, Lakshmi's registration and first."""

DOSES = {1: 1, 2: 2, 3: 2, 4: 2, 5: REGISTRATION, 6: 1}


def entered(number: int, at: int = 12_000, *, issued: str = "") -> Entered:
    return Entered(Entry(number, MEANT[number], DOSES[number]), f"record-{number}", at - 10, at, confirmed=False, issued=issued)


def applied(number: int, at: int = 23_000, *, who: str | None = None) -> Applied:
    return Applied(who or MEANT[number], DOSES[number], at, number)


def looked(who: str, *shown: int, at: int = 12_500, age_s: int | None = None, tried: int | None = None) -> Looked:
    return Looked(who, at, at + 5, frozenset(shown), tried, age_s)


def received(number: int, *, raw: bytes = b"", unanswered: bool = False) -> Received:
    return Received(raw, 12_000, number, unanswered)


def kept_promises() -> Evidence:
    return Evidence(
        came=4,
        served=4,
        entered=[entered(1, 5_000), entered(2), entered(3), entered(5, issued=PROVISIONAL_ID), entered(6), entered(4, 24_000)],
        meant=MEANT,
        double_taps=1,
        in_vain=[],
        put_right=0,
        longest_wait_s=3.0,
        received=[received(1, unanswered=True), *(received(number) for number in (3, 5, 6, 4, 2))],
        applied=[applied(1, 5_000), applied(3), applied(5), applied(6), applied(4, 24_000), applied(2, 25_500)],
        states={f"record-{number}": "delivered" for number in MEANT},
        down=DOWN,
        troubles=[Span(8_000, 9_000), DOWN],
        measured=[Span(10_200, 22_900)],
        looked=[
            looked("asha", at=4_000),
            looked("asha", 1, at=11_000, age_s=6),
            looked("mohan", 1, at=11_900, age_s=2),
            looked("lakshmi", 1),
            looked("rekha", 1, at=21_999, age_s=17),
            Looked("rekha", 21_000, 21_400, None, why="status 503"),
        ],
        had={"mohan": frozenset({1}), "rekha": frozenset({1})},
    )


def states(**changed: str) -> dict[str, str]:
    """Return all records as delivered, but those *changed*: `_2="held"`."""
    return {**kept_promises().states, **{f"record-{name[1:]}": state for name, state in changed.items()}}


def without(*numbers: int) -> list[Applied]:
    return [effect for effect in kept_promises().applied if effect.number not in numbers]


def broken(**changed: Any) -> tuple[str, ...]:
    """Return which guarantees are broken, by the word each sentence begins with."""
    result = judge(dataclasses.replace(kept_promises(), **changed), LIMITS)
    return tuple(sentence.partition(":")[0] for sentence in result.broken)


def test_a_day_without_fault_has_its_figures() -> None:
    result = judge(kept_promises(), LIMITS)
    assert result.broken == ()
    assert (result.walk_ins, result.walk_ins_provisional, result.double_taps) == (1, 1, 1)
    assert (result.doses_given, result.given_in_outage, result.longest_wait_s) == (5, 3, 3.0)
    assert (result.lost, result.twice, result.registered_twice, result.wrong_person, result.out_of_order) == (0, 0, 0, 0, 0)
    assert (result.ids_leaked, result.answers_lost, result.never_known) == (0, 1, 0)
    assert (result.held, result.waiting, result.repaired) == (0, 0, 0)
    assert (result.outage_true_s, result.outage_measured_s) == (12.0, 12.7)
    assert result.drained_after_s == 3.5
    assert (result.look_ups, result.look_ups_in_vain, result.look_ups_wrong) == (6, 1, 0)
    assert (result.look_ups_in_outage, result.look_ups_answered_in_outage) == (4, 3)
    assert (result.look_up_age_median_s, result.look_up_age_max_s) == (4, 6)


@pytest.mark.parametrize(
    "wrong",
    [
        looked("asha", at=5_001),
        looked("asha", 1, 2, at=11_984),
        looked("mohan", 1, 2, at=11_984),
        looked("mohan"),
        looked("mohan", 2, at=12_500),
        looked("lakshmi", *NOT_THEM, at=24_000),
        looked("rekha", 1, 2, at=20_000, tried=3),
    ],
    ids=["an old dose is missing", "a dose too early", "not yet given", "a dose of before the day", "only one of two", "not them", "tried"],
)
def test_a_look_up_that_shows_other_doses_than_there_are_is_seen(wrong: Looked) -> None:
    assert broken(looked=[wrong]) == ("look-ups",)


def test_a_dose_of_which_the_desk_was_told_nothing_may_be_there_or_not() -> None:
    assert broken(looked=[looked("rekha", 1, at=20_000, tried=2), looked("rekha", 1, 2, at=20_000, tried=2)]) == ()


def test_a_dose_that_is_entered_while_the_answer_comes_may_be_there_or_not() -> None:
    while_asked = [looked("mohan", 1, at=11_988), looked("mohan", 1, 2, at=11_988)]  # to 11,993; the dose is asked for at 11,990
    assert broken(looked=while_asked) == ()


def test_look_ups_while_the_sidecar_is_dead_count_nowhere_but_are_judged() -> None:
    dead = [Looked("asha", 13_000, 15_000, None, why="no answer"), looked("asha", at=15_000)]
    result = judge(dataclasses.replace(kept_promises(), looked=dead, dead=DEAD), LIMITS)
    assert (result.look_ups, result.look_ups_in_vain, result.look_ups_wrong) == (0, 0, 1)


@pytest.mark.parametrize("state", ["delivered", "refused", "discarded", "(no such record)"])
@pytest.mark.parametrize("number", [2, 6], ids=["dose", "dose of a walk-in"])
def test_a_dose_that_neither_server_nor_sidecar_has_is_lost(number: int, state: str) -> None:
    assert broken(applied=without(number), states=states(**{f"_{number}": state})) == ("lost",)


def test_a_walk_in_whom_neither_server_nor_sidecar_has_is_lost() -> None:
    assert broken(applied=without(5)) == ("lost",)


@pytest.mark.parametrize("state", ["pending", "sending", "unknown"])
def test_a_dose_that_is_still_to_be_sent_is_not_lost_but_not_drained(state: str) -> None:
    result = judge(dataclasses.replace(kept_promises(), applied=without(2), states=states(_2=state)), LIMITS)
    assert (result.lost, result.waiting, result.drained_after_s) == (0, 1, None)
    assert [sentence.partition(":")[0] for sentence in result.broken] == ["drained"]


def test_a_held_record_waits_for_a_person_and_others_behind_it() -> None:
    day = dataclasses.replace(kept_promises(), applied=without(5, 6), states=states(_5="held", _6="pending"))
    result = judge(day, LIMITS)
    assert (result.lost, result.held, result.behind_held, result.waiting) == (0, 1, 1, 0)
    assert result.broken == ("repaired: 1 records still wait for a person",)


def test_a_held_dose_that_the_server_has_still_waits_for_a_person() -> None:
    assert broken(states=states(_3="held")) == ("repaired",)


def test_what_a_person_repaired_does_not_count_as_slow_to_drain() -> None:
    result = judge(dataclasses.replace(kept_promises(), repaired=["record-2"]), LIMITS)
    assert (result.broken, result.repaired, result.drained_after_s) == ((), 1, 1.0)


def test_nobody_waits_for_somebody_elses_held_dose() -> None:
    doses = [entered(1), entered(3)]
    assert still_waiting(doses, [], {"record-1": "held", "record-3": "pending"}) == [doses[1]]


def test_a_dose_that_took_effect_twice_is_seen() -> None:
    assert broken(applied=[*kept_promises().applied, applied(3)]) == ("twice",)


def test_a_walk_in_who_was_registered_twice_is_seen() -> None:
    assert broken(applied=[*kept_promises().applied, applied(5)]) == ("registered",)


def test_a_dose_for_another_person_than_the_one_at_the_desk_is_seen() -> None:
    assert broken(applied=[*kept_promises().applied, applied(6, who="mohan")]) == ("person",)


def test_two_people_who_got_each_others_doses_are_seen() -> None:
    swapped = [dataclasses.replace(effect, who={"mohan": "rekha", "rekha": "mohan"}.get(effect.who, effect.who)) for effect in without()]
    assert judge(dataclasses.replace(kept_promises(), applied=swapped), LIMITS).wrong_person == 2


def test_a_dose_that_no_desk_entered_is_seen() -> None:
    assert broken(applied=[*kept_promises().applied, Applied("imran", 1, 23_000, None)]) == ("person",)


@pytest.mark.parametrize("place", ["/find?id={}", "/ HTTP/1.1\r\nX-Id: {}", '/\r\n\r\n{{"id": "{}"}}'])
def test_a_provisional_id_that_reached_the_server_is_seen(place: str) -> None:
    assert broken(received=[received(6, raw=place.format(PROVISIONAL_ID).encode())]) == ("leaked",)


def test_an_id_that_the_server_itself_gave_is_no_leak() -> None:
    day = kept_promises()
    confirmed = [dataclasses.replace(one, confirmed=True) for one in day.entered]
    assert broken(entered=confirmed, received=[received(6, raw=PROVISIONAL_ID.encode())]) == ()


def test_an_answer_that_was_lost_for_good_is_seen() -> None:
    assert broken(states=states(_1="unknown")) == ("answers",)


def test_a_dose_that_overtook_is_seen() -> None:
    assert broken(applied=[applied(2, 25_500), *without(2)]) == ("order",)


def test_two_persons_have_no_order_between_them() -> None:
    assert broken(applied=sorted(kept_promises().applied, key=lambda effect: (effect.who != "rekha", effect.dose))) == ()


def test_a_desk_that_waited_too_long_is_seen() -> None:
    assert broken(longest_wait_s=4.01) == ("wait",)


def test_a_dose_that_could_not_be_recorded_is_seen() -> None:
    result = judge(dataclasses.replace(kept_promises(), in_vain=[InVain(13_000, "status 507"), InVain(17_000, "status 507")]), LIMITS)
    assert result.broken == ("recorded: desks asked in vain: 2 × status 507",)


@pytest.mark.parametrize(
    "measured",
    [[], [Span(10_000, 16_900)], [Span(4_000, 23_500)], [Span(10_000, 22_000), Span(30_000, 36_000)], [Span(10_000, None)]],
    ids=["none", "too short", "too long", "one that never was", "one still running"],
)
def test_an_outage_that_was_measured_wrong_is_seen(measured: list[Span]) -> None:
    assert broken(measured=measured) == ("measured",)


def test_an_outage_of_another_trouble_is_no_part_of_the_great_one() -> None:
    result = judge(dataclasses.replace(kept_promises(), measured=[Span(8_200, 8_900), Span(10_200, 22_900)]), LIMITS)
    assert (result.broken, result.outage_measured_s, result.outages_invented) == ((), 12.7, 0)


def test_what_a_desk_asks_of_a_sidecar_that_was_killed_is_excused_and_nothing_else_is() -> None:
    asked = [InVain(at, "no answer") for at in (13_999, 14_000, 15_999, 16_000)]
    result = judge(dataclasses.replace(kept_promises(), in_vain=asked, dead=DEAD), LIMITS)
    assert (result.not_recorded, result.dead_s) == ({"no answer": 2}, 2.0)


@pytest.mark.parametrize(("waited_s", "expected"), [(6.0, ()), (6.01, ("wait",))])
def test_a_desk_may_wait_as_long_as_its_sidecar_was_dead_and_no_longer(waited_s: float, expected: tuple[str, ...]) -> None:
    assert broken(longest_wait_s=waited_s, dead=DEAD) == expected


def test_a_dose_that_is_entered_from_a_card_is_not_given() -> None:
    day = kept_promises()
    from_card = dataclasses.replace(day.entered[0], entry=dataclasses.replace(day.entered[0].entry, from_card=True))
    result = judge(dataclasses.replace(day, entered=[from_card, *day.entered[1:]]), LIMITS)
    assert (result.broken, result.doses_given, result.second_doses) == ((), 4, 3)


@pytest.mark.parametrize(("asked_at", "at", "counted"), [(9_990, 10_010, 3), (10_000, 21_999, 4), (21_990, 22_010, 3)])
def test_a_dose_is_given_in_the_outage_if_it_was_asked_for_and_recorded_in_it(asked_at: int, at: int, counted: int) -> None:
    day = kept_promises()
    moved = dataclasses.replace(day.entered[0], asked_at=asked_at, at=at)
    assert judge(dataclasses.replace(day, entered=[moved, *day.entered[1:]]), LIMITS).given_in_outage == counted


def test_who_came_and_was_not_served_was_sent_home() -> None:
    assert judge(dataclasses.replace(kept_promises(), came=9), LIMITS).sent_home == 5


def test_a_day_without_dosekeeper_has_figures_and_no_verdict() -> None:
    result = unjudged(dataclasses.replace(kept_promises(), longest_wait_s=99.0, states={}, measured=[]))
    assert (result.broken, result.longest_wait_s, result.lost) == ((), 99.0, 0)


def test_a_leak_is_seen_whatever_other_ids_were_issued() -> None:
    day = kept_promises()
    more = [dataclasses.replace(day.entered[3], record=f"record-{number}", issued=f"995630480000{number}") for number in (25, 33)]
    leaked = [received(6, raw=PROVISIONAL_ID.encode())]
    assert judge(dataclasses.replace(day, entered=[*day.entered, *more], received=leaked), LIMITS).ids_leaked == 1
    assert judge(dataclasses.replace(day, entered=[*day.entered, *more], received=[received(6, raw=b"9956304")]), LIMITS).ids_leaked == 0


def two_centres() -> tuple[Evidence, Evidence]:
    """Return Asha's, Mohan's and Rekha's centre, and Lakshmi's, which was off by more."""
    day = kept_promises()
    here = [one for one in day.entered if one.entry.who != "lakshmi"]
    there = [one for one in day.entered if one.entry.who == "lakshmi"]
    return tuple(  # type: ignore[return-value]
        dataclasses.replace(
            day,
            came=len(own),
            served=len(own),
            entered=own,
            meant={one.entry.number: one.entry.who for one in own},
            applied=[effect for effect in day.applied if effect.number in {one.entry.number for one in own}],
            measured=measured,
        )
        for own, measured in ((here, [Span(10_200, 22_900)]), (there, [Span(10_200, 24_900)]))
    )


def test_all_centres_together_are_what_each_was_and_outages_as_the_worst_has_them() -> None:
    centres = two_centres()
    result = judge(of_all(centres, kept_promises().applied), LIMITS)
    each = [judge(centre, LIMITS) for centre in centres]
    assert result.broken == ()
    assert result.outage_measured_s == 14.7
    assert result.doses_given == sum(one.doses_given for one in each) == 5
    assert result.walk_ins == sum(one.walk_ins for one in each) == 1


def test_what_no_centre_entered_is_seen_in_all_of_them_together() -> None:
    applied = [*kept_promises().applied, Applied("imran", 1, 23_000, None)]
    assert judge(of_all(two_centres(), applied), LIMITS).wrong_person == 1


def test_a_killed_centre_excuses_nobody_elses_waiting_for_nothing() -> None:
    here, there = two_centres()
    vain = [InVain(15_000, "no answer")]
    together = of_all(
        [dataclasses.replace(here, in_vain=vain), dataclasses.replace(there, in_vain=vain, dead=DEAD)], kept_promises().applied
    )
    assert len(together.in_vain) == 1

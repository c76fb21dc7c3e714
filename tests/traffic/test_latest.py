"""What is remembered of records does not grow, and what is forgotten costs no dose."""

from __future__ import annotations

from dataclasses import replace

from proxy.rules.outcome import Outcome, OutcomeKind
from proxy.traffic.latest import KEPT_MAX, Latest
from proxy.traffic.sends import Sends
from proxy.traffic.trials import Trials
from tests.operations.test_waiting import RECORD
from tests.traffic.test_never_stuck import TickingClock

TIMED_OUT = Outcome(OutcomeKind.UNKNOWN, "timeout", maybe_applied=True)
ACCEPTED = Outcome(OutcomeKind.ACCEPTED, "http_200", maybe_applied=True)


def test_what_was_noted_longest_ago_is_forgotten_first() -> None:
    latest = Latest[int, str]()
    assert [latest.note(number, f"note {number}") for number in range(KEPT_MAX)] == [None] * KEPT_MAX
    assert latest.note(0, "anew") is None
    assert latest.note(KEPT_MAX, "one more") == "note 1"
    assert (len(latest), latest[0]) == (KEPT_MAX, "anew")


def test_a_record_that_fails_while_others_succeed_is_found_however_many_timed_out_before() -> None:
    """Those were found by their look-ups, of which nobody hears here."""
    trials = Trials()

    def tried(number: int, outcome: Outcome) -> bool:
        return trials.poison(replace(RECORD, number=number, id=number.to_bytes(16)), outcome, 1)

    assert not any(tried(number, TIMED_OUT) for number in range(1, KEPT_MAX + 1))
    held = []
    for _ in range(3):
        held.append(tried(5_000, TIMED_OUT))
        assert not any(tried(number, ACCEPTED) for number in range(6_000, 6_004))
    assert held == [False, False, True]
    assert len(trials._of) <= KEPT_MAX


def test_a_send_that_is_forgotten_counts_as_later_than_it_was() -> None:
    times = [0.0, *(float(second) for second in range(1, KEPT_MAX + 11))]
    sends = Sends(TickingClock(*times))
    for number in range(1, KEPT_MAX + 11):
        sends.ended(number)
    assert [sends.last_s(number) for number in (1, 10, 11, KEPT_MAX + 10)] == [10.0, 10.0, 11.0, KEPT_MAX + 10.0]
    assert sends.last_s(9_999) == 10.0, "sent by nobody we remember"
    assert len(sends._ended_s) == KEPT_MAX

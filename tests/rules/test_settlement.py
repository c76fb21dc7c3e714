"""Outcome × what the desk was told → the record's next state; by the columns 'then' of DESIGN §4, and for every combination there is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.profiles.model import IfRefused
from proxy.rules.outcome import Outcome, OutcomeKind
from proxy.rules.settlement import Sent, Told, reason_of, settlement
from store.record_search import FAR_MS
from store.records import TRANSITIONS, RecordState

K, S, HOLD, PASS_BY = OutcomeKind, RecordState, IfRefused.HOLD, IfRefused.PASS_BY
VERDICT, RECEIPT, NOTHING = Told.VERDICT, Told.RECEIPT, Told.NOTHING

NOW: Final = 1_627_637_640_000
MAYBE, NOT = True, False
"""Whether the upstream may have taken the record."""

OUTCOMES: Final = {
    "accepted": Outcome(K.ACCEPTED, "http_200", MAYBE),
    "refused": Outcome(K.REFUSED, "http_400", NOT, code="APPOIN0006"),
    "already recorded": Outcome(K.ALREADY_RECORDED, "http_400", NOT, code="APPOIN0022"),
    "not sent": Outcome(K.NOT_SENT, "refused", NOT),
    "throttled": Outcome(K.THROTTLED, "waf", NOT, retry_after_s=60.0),
    "its own 503": Outcome(K.UNAVAILABLE, "http_503", NOT, retry_after_s=60.0),
    "its own 503, no wish": Outcome(K.UNAVAILABLE, "http_503", NOT),
    "somebody's 503": Outcome(K.UNAVAILABLE, "http_503", MAYBE, retry_after_s=60.0),
    "auth": Outcome(K.AUTH, "http_401", NOT),
    "impostor": Outcome(K.IMPOSTOR, "portal", MAYBE),
    "unknown": Outcome(K.UNKNOWN, "timeout", MAYBE),
}
"""Every kind, and both sides of the one that has two."""


def sent(
    told: Told = RECEIPT,
    if_refused: IfRefused = HOLD,
    *,
    maybe_before: bool = False,
    own_failure: bool = False,
    retry_s: float = 7.5,
    can_look_up: bool = False,
) -> Sent:
    return Sent(told, if_refused, NOW, retry_s, own_failure, answer_status=200, maybe_applied_before=maybe_before, can_look_up=can_look_up)


@dataclass(frozen=True)
class Row:
    """One outcome, by what the desk was told and what the route says of refusals."""

    outcome: str
    verdict: RecordState
    receipt: RecordState
    receipt_passed_by: RecordState
    maybe_before: bool = False


ROWS: Final = [
    Row("accepted", S.DELIVERED, S.DELIVERED, S.DELIVERED),
    Row("refused", S.REFUSED, S.HELD, S.REFUSED),
    Row("already recorded", S.REFUSED, S.HELD, S.REFUSED),
    Row("already recorded", S.DELIVERED, S.DELIVERED, S.DELIVERED, maybe_before=True),
    Row("not sent", S.PENDING, S.PENDING, S.PENDING),
    Row("throttled", S.PENDING, S.PENDING, S.PENDING),
    Row("its own 503", S.PENDING, S.PENDING, S.PENDING),
    Row("its own 503, no wish", S.PENDING, S.PENDING, S.PENDING),
    Row("somebody's 503", S.HELD, S.HELD, S.HELD),
    Row("auth", S.REFUSED, S.PENDING, S.PENDING),
    Row("impostor", S.HELD, S.HELD, S.HELD),
    Row("unknown", S.HELD, S.HELD, S.HELD),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.outcome}{', sent before' * row.maybe_before}")
def test_what_becomes_of_the_record(row: Row) -> None:
    outcome = OUTCOMES[row.outcome]
    assert settlement(outcome, sent(VERDICT, maybe_before=row.maybe_before)).state is row.verdict
    assert settlement(outcome, sent(RECEIPT, maybe_before=row.maybe_before)).state is row.receipt
    assert settlement(outcome, sent(RECEIPT, PASS_BY, maybe_before=row.maybe_before)).state is row.receipt_passed_by


UNCERTAIN: Final = {"somebody's 503", "impostor", "unknown"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.outcome}{', sent before' * row.maybe_before}")
def test_what_is_not_certain_is_looked_up_where_the_route_can_and_nothing_else_is_any_different(row: Row) -> None:
    outcome = OUTCOMES[row.outcome]
    for told, if_refused in product(Told, IfRefused):
        able = settlement(outcome, sent(told, if_refused, maybe_before=row.maybe_before, can_look_up=True))
        unable = settlement(outcome, sent(told, if_refused, maybe_before=row.maybe_before))
        assert able == (replace(unable, state=S.UNKNOWN) if row.outcome in UNCERTAIN else unable)


def test_what_is_kept_of_a_send_that_has_to_be_looked_up() -> None:
    made = settlement(OUTCOMES["unknown"], sent(can_look_up=True, own_failure=True))
    assert (made.state, made.outcome, made.reason) == (S.UNKNOWN, "unknown", "unknown timeout")
    assert made.maybe_applied
    assert (made.due_at, made.failed) == (0, False)


def test_the_table_has_every_kind() -> None:
    assert {outcome.kind for outcome in OUTCOMES.values()} == set(OutcomeKind)
    assert {row.outcome for row in ROWS} == set(OUTCOMES)


DUE: Final = [
    # outcome, own failure, its own wait → seconds until due, counted as its failure
    ("its own 503", True, 7.5, 60.0, True),
    ("its own 503", True, 400.0, 400.0, True),
    ("its own 503", False, 400.0, 60.0, False),
    ("its own 503, no wish", True, 0.5, 0.5, True),
    ("its own 503, no wish", False, 400.0, 0.0, False),
    ("not sent", True, 400.0, None, False),
    ("throttled", True, 400.0, None, False),
    ("auth", True, 400.0, 15, False),
    ("unknown", True, 400.0, None, False),
]


@pytest.mark.parametrize(("outcome", "own_failure", "retry_s", "wait_s", "failed"), DUE)
def test_when_it_is_due_again_and_whose_failure_it_was(
    outcome: str, own_failure: bool, retry_s: float, wait_s: float | None, failed: bool
) -> None:
    made = settlement(OUTCOMES[outcome], sent(own_failure=own_failure, retry_s=retry_s))
    assert made.due_at == (0 if wait_s is None else NOW + wait_s * 1000)
    assert made.failed is failed


def test_no_due_time_is_so_far_off_that_the_journal_takes_it_for_a_clock_that_jumped() -> None:
    patient = replace(OUTCOMES["its own 503"], retry_after_s=3600.0)
    assert settlement(patient, sent(own_failure=False)).due_at == NOW + FAR_MS


def test_what_is_kept_of_the_answer() -> None:
    made = settlement(OUTCOMES["refused"], sent())
    assert (made.outcome, made.reason, made.answer_status) == ("refused", "refused http_400 APPOIN0006", 200)
    assert settlement(OUTCOMES["accepted"], sent()).reason is None
    assert reason_of(OUTCOMES["unknown"]) == "unknown timeout"


# For every combination there is ---------------------------------------------------------------------------------------------------

EVERY: Final = [
    (name, sent(told, if_refused, maybe_before=maybe_before, own_failure=own_failure, can_look_up=can_look_up))
    for name, told, if_refused, maybe_before, own_failure, can_look_up in product(
        OUTCOMES, Told, IfRefused, (False, True), (False, True), (False, True)
    )
]


@pytest.mark.parametrize(("name", "circumstances"), EVERY)
def test_whatever_happens(name: str, circumstances: Sent) -> None:
    outcome = OUTCOMES[name]
    made = settlement(outcome, circumstances)

    assert made.state in TRANSITIONS[S.SENDING]
    assert made.outcome == outcome.kind.value
    assert made.maybe_applied == (outcome.maybe_applied and made.state is not S.DELIVERED), "what may have got through is never forgotten"
    if outcome.maybe_applied:
        assert made.state is not S.PENDING, "nothing uncertain is sent again blindly"
    assert (made.state is S.UNKNOWN) == (name in UNCERTAIN and circumstances.can_look_up)
    if made.state is S.REFUSED and circumstances.told is RECEIPT:
        assert circumstances.if_refused is PASS_BY, "a refusal that nobody was told waits for a person"
    if made.state is S.DELIVERED:
        assert outcome.kind is K.ACCEPTED or (outcome.kind is K.ALREADY_RECORDED and circumstances.maybe_applied_before)
    assert made.state is S.DELIVERED or made.reason, "whatever is not delivered says why"


kinds_and_certainty: Final = st.one_of(
    st.tuples(st.just(K.ACCEPTED), st.just(MAYBE)),
    st.tuples(st.sampled_from([K.REFUSED, K.ALREADY_RECORDED, K.NOT_SENT, K.THROTTLED, K.AUTH]), st.just(NOT)),
    st.tuples(st.just(K.UNAVAILABLE), st.booleans()),
    st.tuples(st.sampled_from([K.IMPOSTOR, K.UNKNOWN]), st.just(MAYBE)),
)


circumstances: Final = st.builds(
    Sent,
    told=st.sampled_from(Told),
    if_refused=st.sampled_from(IfRefused),
    now=st.integers(0, 2**45),
    retry_s=st.floats(0, 900, exclude_max=True),
    own_failure=st.booleans(),
    maybe_applied_before=st.booleans(),
    can_look_up=st.booleans(),
)


@given(kinds_and_certainty, st.none() | st.floats(0, 3600), circumstances)
def test_no_wait_is_longer_than_the_back_offs_cap_and_no_outage_costs_an_attempt(
    kind: tuple[OutcomeKind, bool], retry_after_s: float | None, sent: Sent
) -> None:
    made = settlement(Outcome(kind[0], "a_cause", kind[1], retry_after_s=retry_after_s), sent)
    assert made.due_at == 0 or sent.now <= made.due_at <= sent.now + FAR_MS
    assert sent.own_failure or not made.failed
    assert made.state is S.PENDING or (made.due_at, made.failed) == (0, False)


UNVOUCHED: Final = {
    "accepted": S.DELIVERED,
    "refused": S.REFUSED,
    "already recorded": S.HELD,
    "not sent": S.REFUSED,
    "throttled": S.REFUSED,
    "its own 503": S.REFUSED,
    "its own 503, no wish": S.REFUSED,
    "somebody's 503": S.HELD,
    "auth": S.REFUSED,
    "impostor": S.HELD,
    "unknown": S.HELD,
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_of_one_whom_nobody_vouches_for_nothing_waits_that_the_server_surely_does_not_have(name: str) -> None:
    assert settlement(OUTCOMES[name], sent(NOTHING)).state is UNVOUCHED[name]

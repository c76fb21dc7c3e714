"""What becomes of a record after one send: outcome × what the desk was told → the record's next state (DESIGN §4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from proxy.profiles.model import IfRefused
from proxy.rules.backoff import RECORD
from proxy.rules.outcome import Outcome, OutcomeKind
from store.records import RecordState, Settlement

AUTH_AGAIN_MS: Final = 15_000
"""Wait until a record whose credential was refused is tried again."""


class Told(StrEnum):
    """What the desk has of this record. It is decided once."""

    VERDICT = "verdict"
    """The desk is there and is given the server's own answer."""
    RECEIPT = "receipt"
    """The desk has the receipt, or has hung up: a refusal would reach nobody."""
    NOTHING = "nothing"
    """Nobody vouches for who sent it, and the server gave no verdict: the desk is told that nothing was recorded."""


@dataclass(frozen=True, slots=True)
class Sent:
    """
    The circumstances of a send.

    `now` is wall-clock milliseconds UTC; `retry_s` the record's own back-off, drawn by the caller; `own_failure` says that the
    circuit stands closed, so that a failure is the record's and not the outage's.
    """

    told: Told
    if_refused: IfRefused
    now: int
    retry_s: float
    own_failure: bool
    answer_status: int | None = None
    maybe_applied_before: bool = False
    can_look_up: bool = False


def settlement(outcome: Outcome, sent: Sent) -> Settlement:  # noqa: PLR0911 - one row, one return
    """Return what *outcome* makes of the record; a state that `TRANSITIONS` allows from `sending`."""
    match outcome.kind:
        case _ if sent.told is Told.NOTHING and not outcome.maybe_applied and outcome.kind is not OutcomeKind.ALREADY_RECORDED:
            return _to(RecordState.REFUSED, outcome, sent)
        case OutcomeKind.ACCEPTED:
            return _to(RecordState.DELIVERED, outcome, sent)
        case OutcomeKind.ALREADY_RECORDED:
            return _already_there(outcome, sent)
        case OutcomeKind.REFUSED:
            return _refused(outcome, sent)
        case OutcomeKind.AUTH if sent.told is Told.VERDICT:
            return _to(RecordState.REFUSED, outcome, sent)
        case OutcomeKind.AUTH:
            # Asked again at the probe's pace: a credential is put right by a person, and one record's stops nobody else.
            return _to(RecordState.PENDING, outcome, sent, due_at=sent.now + AUTH_AGAIN_MS)
        case OutcomeKind.NOT_SENT | OutcomeKind.THROTTLED:
            # Said of the line, the pace or the log-in, never of the record: it waits for those, not for a back-off of its own.
            return _to(RecordState.PENDING, outcome, sent)
        case OutcomeKind.UNAVAILABLE | OutcomeKind.IMPOSTOR | OutcomeKind.UNKNOWN:
            return _uncertain(outcome, sent) if outcome.maybe_applied else _again(outcome, sent)
        case _:
            assert_never(outcome.kind)


def _already_there(outcome: Outcome, sent: Sent) -> Settlement:
    if sent.maybe_applied_before:
        return _to(RecordState.DELIVERED, outcome, sent)
    if outcome.maybe_applied and sent.can_look_up:
        # A success, but of whose making? What is there may have other content: the look-up tells.
        return _uncertain(outcome, sent)
    return _refused(outcome, sent)


def _refused(outcome: Outcome, sent: Sent) -> Settlement:
    passes = sent.told is Told.VERDICT or sent.if_refused is IfRefused.PASS_BY
    return _to(RecordState.REFUSED if passes else RecordState.HELD, outcome, sent)


def _uncertain(outcome: Outcome, sent: Sent) -> Settlement:
    # Never sent again blindly: the look-up decides, and a person where there is none.
    return _to(RecordState.UNKNOWN if sent.can_look_up else RecordState.HELD, outcome, sent)


def _again(outcome: Outcome, sent: Sent) -> Settlement:
    wait_s = max(outcome.retry_after_s or 0.0, sent.retry_s if sent.own_failure else 0.0)
    # The journal takes a due time beyond the back-off's cap for a clock that jumped, and the record for due at once.
    due_at = sent.now + int(min(wait_s, RECORD.ceiling_s) * 1000)
    return _to(RecordState.PENDING, outcome, sent, due_at=due_at, failed=sent.own_failure)


def _to(state: RecordState, outcome: Outcome, sent: Sent, *, due_at: int = 0, failed: bool = False) -> Settlement:
    applied = outcome.maybe_applied and state not in (RecordState.DELIVERED, RecordState.REFUSED)
    reason = None if state is RecordState.DELIVERED else reason_of(outcome)
    return Settlement(state, outcome.kind.value, reason, due_at, failed, applied, sent.answer_status)


def reason_of(outcome: Outcome) -> str:
    """Return the reason as kept with the record: the outcome, its cause and the server's code, nothing of its text."""
    return " ".join(part for part in (outcome.kind.value, outcome.cause, outcome.code) if part)

"""The column 'circuit' of the table of outcomes (DESIGN §4)."""

from __future__ import annotations

from typing import Final

import pytest

from proxy.rules.circuit import BAD_SIGNS, Sign
from proxy.rules.evidence import sign_of
from proxy.rules.outcome import OutcomeKind

K = OutcomeKind

SIGNS: Final = {
    K.ACCEPTED: Sign.GOOD,
    K.REFUSED: Sign.GOOD,
    K.ALREADY_RECORDED: Sign.GOOD,
    K.NOT_SENT: Sign.NOT_SENT,
    K.THROTTLED: Sign.THROTTLED,
    K.UNAVAILABLE: Sign.BAD,
    K.AUTH: Sign.AUTH,
    K.IMPOSTOR: Sign.IMPOSTOR,
    K.UNKNOWN: Sign.BAD,
}


@pytest.mark.parametrize("kind", OutcomeKind)
def test_what_an_outcome_says_of_the_upstream(kind: OutcomeKind) -> None:
    assert sign_of(kind) is SIGNS[kind]


def test_bad_for_the_circuit_are_the_rows_the_table_calls_bad() -> None:
    assert {kind for kind in OutcomeKind if sign_of(kind) in BAD_SIGNS} == {K.NOT_SENT, K.UNAVAILABLE, K.IMPOSTOR, K.UNKNOWN}

"""What the outcome of a call says of the upstream's health."""

from __future__ import annotations

from typing import assert_never

from proxy.rules.circuit import Sign
from proxy.rules.outcome import OutcomeKind


def sign_of(kind: OutcomeKind) -> Sign:
    """Return the evidence in an outcome; a refusal is good evidence: the upstream is alive."""
    match kind:
        case OutcomeKind.ACCEPTED | OutcomeKind.REFUSED | OutcomeKind.ALREADY_RECORDED:
            return Sign.GOOD
        case OutcomeKind.NOT_SENT:
            return Sign.NOT_SENT
        case OutcomeKind.IMPOSTOR:
            return Sign.IMPOSTOR
        case OutcomeKind.THROTTLED:
            return Sign.THROTTLED
        case OutcomeKind.AUTH:
            return Sign.AUTH
        case OutcomeKind.UNAVAILABLE | OutcomeKind.UNKNOWN:
            return Sign.BAD
        case _:
            assert_never(kind)

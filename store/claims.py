"""
Claims: one fact is one record, and so is one request.

`refused` and `discarded` records let go of both keys (the database's doing); all others keep them, also when their bodies are purged.
"""

from __future__ import annotations

from typing import Final

from store.queries import Db, rows, run, value
from store.records import Conflict, KeyReused, NewRecord, RecordState, Same

HAS_IT: Final = 0
"""In `fact_claim.beside`: this record has the key."""


def known(db: Db, new: NewRecord) -> Same | Conflict | KeyReused | None:
    """Return what there is already of a request or of its fact; None where it is to be kept."""
    return _known_request(db, new) or _known_fact(db, new)


def beside(db: Db, number: int, new: NewRecord) -> int:
    """Return how a record that is kept stands to its fact: `HAS_IT`, or, beside the one that has it, its own *number*."""
    # Without an override it is kept only where nobody has the fact: that was asked in this transaction.
    return HAS_IT if new.override is None or fact_holder(db, new.natural_key) is None else number


def name_too(db: Db, number: int, new: NewRecord) -> None:
    """Let the key of a second tap name the record of the first too."""
    if new.idempotency_key is not None and not rows(db, "request_claim", idempotency_key=new.idempotency_key):
        run(db, "claim_request", idempotency_key=new.idempotency_key, fingerprint=new.fingerprint, number=number)


def claim_fact(db: Db, number: int, natural_key: bytes) -> int | None:
    """Claim a fact, or stand beside the record that has it; return that one's number."""
    holder = fact_holder(db, natural_key)
    run(db, "claim_fact", natural_key=natural_key, beside=HAS_IT if holder is None else number, number=number)
    return holder


def unclaim_fact(db: Db, number: int, natural_key: bytes | None) -> None:
    """Let go of a fact."""
    run(db, "unclaim_fact", natural_key=natural_key, number=number)


def fact_holder(db: Db, natural_key: bytes | None) -> int | None:
    """Return the record that has a fact; where that one has let go, the first that stood beside it."""
    holder: int | None = value(db, "fact_claims", natural_key=natural_key, content=b"")
    return holder


def _known_request(db: Db, new: NewRecord) -> Same | KeyReused | None:
    if new.idempotency_key is None:
        return None
    for number, id_, state, issues, fingerprint in rows(db, "request_claim", idempotency_key=new.idempotency_key):
        if fingerprint == new.fingerprint:
            return Same(number, id_, RecordState(state), issues)
        return KeyReused(number, id_, RecordState(state))
    return None


def _known_fact(db: Db, new: NewRecord) -> Same | Conflict | None:
    if new.natural_key is None:
        return None
    claims = rows(db, "fact_claims", natural_key=new.natural_key, content=new.content)
    for number, id_, state, issues, same in claims:
        if same:
            return Same(number, id_, RecordState(state), issues)
    if not claims or new.override is not None:
        return None
    number, id_, state, *_ = claims[0]
    return Conflict(number, id_, RecordState(state))

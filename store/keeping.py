"""
Keep what the desks of one commit ask for, together: what there is already is asked once for all of them, what is new is written at once.

Each statement hands the interpreter's lock to the event loop's thread and waits until it is given back, so that nine for a record cost
more than what they do. What there may be something of already is kept by itself, in its turn.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from store import record_ledger
from store.identity_ledger import LaneHash
from store.new_rows import Kept, next_number, write
from store.queries import Db, rows
from store.records import Admission, NewRecord, Recorded, RecordState

LARGE: Final = 32 * 1024
"""Bytes of a body that is written by itself: SQLite copies all that it is given for a statement, and keeps it until the next."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A write that a desk wants kept; the rest is as `record_ledger.record` has it, and for a registration as `register` has it."""

    new: NewRecord
    send: bool
    may_wait: bool
    issue: Callable[[int], str] | None
    lane_hash: LaneHash


def keep_all(db: Db, wishes: Sequence[Wish]) -> list[Admission]:
    """Keep what *wishes* ask for, in their order; return what came of each, as if each had come alone."""
    if len(wishes) == 1:
        return [_alone(db, wishes[0])]  # of one there is less to ask
    taken, number = _taken(db, [wish.new for wish in wishes]), next_number(db)
    admissions: list[Admission] = []
    together: list[Kept] = []
    for wish in wishes:
        new, hashes = wish.new, _hashes(wish.new)
        if wish.issue is None and not new.awaits and len(new.body) <= LARGE and taken.isdisjoint(hashes):
            kept = Kept(number, new, RecordState.SENDING if wish.send else RecordState.PENDING, tuple(dict.fromkeys(new.lanes)))
            together.append(kept)
            admissions.append(Recorded(number, kept.state))
            number += 1
        else:
            write(db, together)  # what it asks the journal has to see them
            together = []
            admissions.append(_alone(db, wish))
            number = next_number(db)
        taken.update(hashes)
    write(db, together)
    return admissions


def _alone(db: Db, wish: Wish) -> Admission:
    if wish.issue is None:
        return record_ledger.record(db, wish.new, send=wish.send, may_wait=wish.may_wait)
    return record_ledger.register(db, wish.new, wish.issue, wish.lane_hash, send=wish.send, may_wait=wish.may_wait)


def _hashes(new: NewRecord) -> list[bytes]:
    """Return what it may have in common with another record: persons, fact, request."""
    return [*new.lanes, *filter(None, (new.natural_key, new.idempotency_key))]


def _taken(db: Db, news: Sequence[NewRecord]) -> set[bytes]:
    """Return of *news* the lanes in which somebody waits, and the facts and requests that are a record already."""
    lanes = _listed(lane for new in news for lane in new.lanes)
    facts, requests = _listed(new.natural_key for new in news), _listed(new.idempotency_key for new in news)
    return {hash_ for (hash_,) in rows(db, "taken", lanes=lanes, facts=facts, requests=requests)}


def _listed(hashes: Iterable[bytes | None]) -> str:
    return json.dumps([hash_.hex() for hash_ in hashes if hash_ is not None])

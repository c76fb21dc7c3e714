"""The verbs that give out provisional ids and learn whom they stand for. Each runs inside a transaction of the engine's."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from itertools import count
from typing import Final

from store import audit, claims, lanes
from store.errors import IdsUsedUp
from store.identities import Identity, Learnt, RealOf, Rekeyed
from store.queries import Db, rows, run, value
from store.record_row import record_of
from store.records import NewRecord, Outrun, Record, RecordState
from store.traces import is_damaged

log = logging.getLogger(__name__)

PROVISIONAL_IDS: Final = "provisional_ids"
"""Durable counter from which provisional ids are made."""

SAME_FACT: Final = "same-fact-as"
"""A held record's reason, with the other's number: two records turned out to be one fact."""

CONTRADICTED: Final = "id-contradicted"
"""In the audit: a second real id came for one provisional id. The first one stands."""

BY_ITSELF: Final = "dosekeeper"
"""Who did in the audit what no person did."""

DAY_MS: Final = 24 * 60 * 60 * 1000

REUSED_AFTER_MS: Final = 120 * DAY_MS
"""After so long an id that was learnt may be given to somebody else: a slip is known again for 90 days at least (DESIGN §8)."""

TRIES_MAX: Final = 1_000
"""Ids asked for one by one until one is free; then all are looked at together (100,000, all of them taken: 0.45 s, measured)."""

LaneHash = Callable[[str], bytes]


def next_provisional(db: Db, issue: Callable[[int], str], now: int) -> str:
    """
    Return a provisional id that nobody has, or had in the last `REUSED_AFTER_MS`.

    Raises:
        IdsUsedUp: there is none: more registrations in that time than an id has running numbers.
    """
    for _ in range(TRIES_MAX):
        number: int = value(db, "count_next", name=PROVISIONAL_IDS, label="")
        provisional = issue(number)
        holder = identities(db, [provisional]).get(provisional)
        if holder is None:
            return provisional
        if holder.learnt_at is not None and now - holder.learnt_at >= REUSED_AFTER_MS:
            run(db, "forget_identity", provisional=provisional)
            return provisional
    free = _next_free(db, issue, number, now)
    run(db, "skip_count", name=PROVISIONAL_IDS, label="", gap=free - number)
    run(db, "forget_identity", provisional=issue(free))
    return issue(free)


def _next_free(db: Db, issue: Callable[[int], str], after: int, now: int) -> int:
    """Return the next running number behind *after* of which the id is free; they come round, and so end at the first that comes again."""
    taken = {provisional for (provisional,) in rows(db, "taken_identities", learnt_after=now - REUSED_AFTER_MS)}
    first = issue(after + 1)
    for number in count(after + 1):
        provisional = issue(number)
        if provisional not in taken:
            return number
        if provisional == first and number > after + 1:
            break
    raise IdsUsedUp(days=REUSED_AFTER_MS // DAY_MS)


def issued(db: Db, provisional: str, number: int, now: int) -> None:
    """Note that an id was given out with a registration."""
    run(db, "issue_identity", provisional=provisional, number=number, now=now)


def identities(db: Db, provisionals: Collection[str]) -> dict[str, Identity]:
    """Return what is known of each id; those that are not ours are left out."""
    found = [row for provisional in provisionals for row in rows(db, "identity", provisional=provisional)]
    return {row[0]: Identity(*(*row[:5], bool(row[5]))) for row in found}


def outrun(db: Db, new: NewRecord) -> Outrun | None:
    """Return the first id *new* is keyed by that has been learnt since."""
    for identity in identities(db, new.awaits).values():
        if identity.real is not None:
            return Outrun(identity.provisional, identity.real)
    return None


def learn(db: Db, learnt: Learnt, lane_hash: LaneHash, now: int) -> bool:
    """
    Note whom an id stands for, and key anew every open record of either.

    Returns:
        False where the id is not ours, or is known to stand for somebody else: then nothing is changed.
    """
    identity = identities(db, [learnt.provisional]).get(learnt.provisional)
    if identity is None:
        return False
    if identity.real not in (None, learnt.real):
        # Records may have gone up under the other id: a person has to see it, and no later answer may hide it.
        audit.note(db, now, BY_ITSELF, CONTRADICTED, identity.number, "its provisional id is known to stand for another id")
        return False
    if identity.real is None:
        run(db, "learn_identity", provisional=learnt.provisional, real=learnt.real, adopted=learnt.adopted, now=now)
        _key_anew(db, learnt, lane_hash)
    return True


def _key_anew(db: Db, learnt: Learnt, lane_hash: LaneHash) -> None:
    of_person = {lane_hash(learnt.provisional), lane_hash(learnt.real)}

    def real_of(provisional: str) -> str | None:
        real: str | None = value(db, "real_of", provisional=provisional)
        return real

    changes = list(_changes(db, learnt, real_of, of_person, lane_hash))
    touched = set(of_person)
    for record, rekeyed in changes:
        touched |= lanes.exchange(db, record.number, rekeyed.lanes)
    contested = {rekeyed.natural_key for record, rekeyed in changes if rekeyed.natural_key != record.natural_key}
    _claim_anew(db, [(record, rekeyed) for record, rekeyed in changes if rekeyed.natural_key in contested])
    for record, rekeyed in changes:
        if rekeyed.content is not None:
            run(db, "set_fact", number=record.number, natural_key=rekeyed.natural_key, content=rekeyed.content)
    lanes.recount(db, touched)


def _changes(db: Db, learnt: Learnt, real_of: RealOf, of_person: Iterable[bytes], lane_hash: LaneHash) -> Iterable[tuple[Record, Rekeyed]]:
    for number in lanes.open_in(db, of_person):
        record = record_of(db, number)
        assert record is not None  # what is in a lane is a record
        rekeyed = _keyed_anew(db, record, learnt, real_of, lane_hash)
        if record.issues is not None:  # a registration goes before what concerns its person
            rekeyed = replace(rekeyed, lanes=(*rekeyed.lanes, lane_hash(real_of(record.issues) or record.issues)))
        yield record, rekeyed


def _keyed_anew(db: Db, record: Record, learnt: Learnt, real_of: RealOf, lane_hash: LaneHash) -> Rekeyed:
    """
    Key a record by what it says; one that cannot be read that way only goes from the provisional lane to the real one.

    Its request is lost, or the profile is not the one that it was kept under: neither may keep the id of its person from being learnt.
    """
    try:
        rekeyed = None if is_damaged(record) else learnt.rekey(record, real_of)
    except Exception:
        log.exception("record not keyed anew", extra={"action": "not_keyed", "number": record.number})
        rekeyed = None
    if rekeyed is not None:
        return rekeyed
    real = {lane_hash(learnt.provisional): lane_hash(learnt.real)}
    return Rekeyed(tuple(real.get(lane, lane) for lane in lanes.of(db, record.number)), record.natural_key, None)


def _claim_anew(db: Db, changes: list[tuple[Record, Rekeyed]]) -> None:
    """Let the records claim their new facts, the oldest first; what comes too late is held."""
    for record, _ in changes:
        claims.unclaim_fact(db, record.number, record.natural_key)
    for record, rekeyed in sorted(changes, key=_claims_first):
        if rekeyed.natural_key is None:
            continue
        holder = claims.claim_fact(db, record.number, rekeyed.natural_key)
        if holder is not None and record.override is None:
            run(db, "hold_double", number=record.number, reason=f"{SAME_FACT} {holder}")


def _claims_first(change: tuple[Record, Rekeyed]) -> tuple[bool, int]:
    # What the server may have already cannot be taken back: it has the fact before what is older and was not sent.
    record, _ = change
    in_effect = record.maybe_applied or record.state is RecordState.SENDING
    return not in_effect, record.number

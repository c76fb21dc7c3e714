"""
The verbs of a person who decides. Each is one transaction with its audit entry, and compares what the person saw.

A decision that is not taken changes nothing and is not in the audit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from store import audit, claims, identity_ledger, lanes, record_ledger, topics
from store.decisions import Act, Decided, Decision, Edited, HeldGroup, NotDecided, Obstacle, Revision
from store.file.ends import require_end
from store.identities import Learnt
from store.identity_ledger import LaneHash
from store.queries import Db, rows, run
from store.record_row import record_of
from store.records import Record, RecordState, Settlement
from store.traces import is_damaged

_S = RecordState

_WAITING: Final = frozenset({_S.PENDING, _S.UNKNOWN, _S.HELD})
"""No send is under way, and nothing is decided yet."""

Check = Callable[[Db, Record], NotDecided | None]


def edit(db: Db, seen: Record, edited: Edited, act: Act, lane_hash: LaneHash, now: int) -> Decision:
    """Let a record say something else, and queue it; what it said is kept. For what is held, and what was never sent."""

    def free(db: Db, record: Record) -> NotDecided | None:
        if any(identity.real is not None for identity in identity_ledger.identities(db, edited.awaits).values()):
            return _not(record, Obstacle.MOVED_ON)  # keyed by an id of which the real one has become known since
        never_sent = record.state is _S.PENDING and record.attempt == 0
        if record.state is not _S.HELD and not never_sent:
            return _not(record, Obstacle.NOT_FROM_THIS_STATE)
        return _not_whole(record) or _unsure(record, act) or _known_otherwise(db, record, edited.natural_key, act)

    def change(db: Db, record: Record) -> None:
        run(db, "keep_revision", number=record.number, now=now, by=act.by, reason=act.reason)
        run(db, "edit_request", number=record.number, target=edited.target, headers=edited.headers, body=edited.body)
        run(db, "edit_record", number=record.number, natural_key=edited.natural_key, content=edited.content)
        _claim_again(db, record, edited.natural_key, act)
        # A registration stays in the lane of the id that was issued with it: its person's records wait there.
        issued = () if record.issues is None else (lane_hash(record.issues),)
        lanes.recount(db, lanes.exchange(db, record.number, (*edited.lanes, *issued)))
        own = () if record.issues is None else (topics.topic_of(record.issues, lane_hash),)
        topics.enter(db, record.number, (*edited.topics, *own))
        _to(db, record, Settlement(_S.PENDING, None, cleared=True), now)

    return _decide(db, seen, act, "edit", now, free, change)


def retry(db: Db, seen: Record, act: Act, now: int) -> Decision:
    """Let a record be sent, or (where a send may have got through) looked up, at once."""

    def free(db: Db, record: Record) -> NotDecided | None:
        if record.state not in _WAITING:
            return _not(record, Obstacle.NOT_FROM_THIS_STATE)
        return _not_whole(record) or _known_otherwise(db, record, record.natural_key, act) if record.state is _S.HELD else None

    def change(db: Db, record: Record) -> None:
        run(db, "begin_anew", number=record.number)
        _claim_again(db, record, record.natural_key, act)
        _to(db, record, Settlement(_retried(record, cleared=act.word), None, cleared=act.word), now)

    return _decide(db, seen, act, "retry", now, free, change)


def settle(db: Db, seen: Record, reference: str, act: Act, learnt: Learnt | None, lane_hash: LaneHash, now: int) -> Decision:
    """Take a person's word that the server has a record, with the reference by which they found it there."""

    def free(_: Db, record: Record) -> NotDecided | None:
        return None if record.state in _WAITING else _not(record, Obstacle.NOT_FROM_THIS_STATE)

    def change(db: Db, record: Record) -> None:
        run(db, "set_reference", number=record.number, reference=reference)
        if learnt is not None:
            identity_ledger.learn(db, learnt, lane_hash, now)
        _to(db, record, Settlement(_S.DELIVERED, None), now)

    return _decide(db, seen, act, "settle", now, free, change)


def discard(db: Db, seen: Record, act: Act, lane_hash: LaneHash, now: int) -> Decision:
    """Give a record up. A registration whose person's records wait behind it is not."""

    def free(db: Db, record: Record) -> NotDecided | None:
        if record.state not in (_S.PENDING, _S.HELD):
            return _not(record, Obstacle.NOT_FROM_THIS_STATE)
        return _unsure(record, act) or _has_children(db, record, lane_hash)

    def change(db: Db, record: Record) -> None:
        _to(db, record, Settlement(_S.DISCARDED, None, reason=record.reason), now)

    return _decide(db, seen, act, "discard", now, free, change)


def held_groups(db: Db) -> list[HeldGroup]:
    """Return the held records by route and reason, most first."""
    return [HeldGroup(*row) for row in rows(db, "held_groups")]


def revisions(db: Db, number: int) -> list[Revision]:
    """Return what a record said before each of its edits, the original first."""
    found = [Revision(*row) for row in rows(db, "revisions", number=number)]
    for revision in found:
        require_end(revision.body)
    return found


def _decide(db: Db, seen: Record, act: Act, action: str, now: int, free: Check, change: Callable[[Db, Record], None]) -> Decision:
    record = record_of(db, seen.number)
    if record is None or _stand(record) != _stand(seen):
        return NotDecided(seen.number, None if record is None else record.state, Obstacle.MOVED_ON)
    if (obstacle := free(db, record)) is not None:
        return obstacle
    change(db, record)
    after = record_of(db, seen.number)
    assert after is not None  # a record is never deleted
    details = {"from": record.state, "to": after.state, "revision": after.revision, "word": act.word}
    audit.note(db, now, act.by, action, record.number, act.reason, details)
    return Decided(record.number, after.state, after.revision)


def _stand(record: Record) -> tuple[RecordState, int, int]:
    return record.state, record.attempt, record.revision


def _to(db: Db, record: Record, to: Settlement, now: int) -> None:
    moved = record_ledger.move(db, record.number, record.state, to, now)
    assert moved  # its state was read in this transaction


def _not(record: Record, obstacle: Obstacle, other: int | None = None) -> NotDecided:
    return NotDecided(record.number, record.state, obstacle, other)


def _not_whole(record: Record) -> NotDecided | None:
    return _not(record, Obstacle.NOT_WHOLE) if is_damaged(record) else None


def _unsure(record: Record, act: Act) -> NotDecided | None:
    return _not(record, Obstacle.MAYBE_APPLIED) if record.maybe_applied and not act.word else None


def _known_otherwise(db: Db, record: Record, natural_key: bytes | None, act: Act) -> NotDecided | None:
    if natural_key is None or act.word or (record.override is not None and natural_key == record.natural_key):
        return None
    other = claims.fact_holder(db, natural_key)
    return None if other in (None, record.number) else _not(record, Obstacle.FACT_IS_KNOWN, other)


def _has_children(db: Db, record: Record, lane_hash: LaneHash) -> NotDecided | None:
    if record.issues is None:
        return None
    child = next((number for number in lanes.open_in(db, [lane_hash(record.issues)]) if number != record.number), None)
    return None if child is None else _not(record, Obstacle.CHILDREN_WAIT, child)


def _retried(record: Record, *, cleared: bool) -> RecordState:
    if record.state is not _S.HELD:
        return _S.PENDING if cleared else record.state
    # What was never sent by us cannot be `unknown`; that it may be there is kept with it, and replay looks it up as well.
    return _S.UNKNOWN if record.maybe_applied and not cleared and record.attempt > 0 else _S.PENDING


def _claim_again(db: Db, record: Record, natural_key: bytes | None, act: Act) -> None:
    """Claim the fact that a record is now; also one that has become free since. Beside another it stands by the person's word."""
    if natural_key == record.natural_key and claims.fact_holder(db, natural_key) == record.number:
        return
    claims.unclaim_fact(db, record.number, record.natural_key)
    if natural_key is not None and claims.claim_fact(db, record.number, natural_key) is not None:
        run(db, "set_override", number=record.number, override=record.override or act.reason)

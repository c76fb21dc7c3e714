"""The verbs that make and move records. Each runs inside a transaction of the engine's."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Final

from store import claims, identity_ledger, lanes, topics
from store.identities import Learnt
from store.identity_ledger import LaneHash
from store.new_rows import Kept, next_number, write
from store.queries import Db, rows, run, value
from store.record_row import record_of
from store.records import (
    OPEN_STATES,
    Admission,
    Conflict,
    KeyReused,
    NewRecord,
    NotKept,
    Outrun,
    Record,
    Recorded,
    RecordState,
    Same,
    Settlement,
    StoredAnswer,
)

SENDS_TOTAL: Final = "sends_total"
"""Durable counter of sends; its label is the outcome."""

DELAY_BOUNDS_S: Final = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 10800.0, 21600.0, 43200.0, 86400.0, 172800.0)
"""Upper bounds of the delivery delay's buckets; one more, without bound, follows."""

EDITED_SINCE: Final = "delivered before its edit"
"""A held record's reason: a send that was under way when it was held, and edited, has got through as it was before."""

CLEARED_FROM: Final = frozenset({RecordState.PENDING, RecordState.UNKNOWN, RecordState.HELD})
"""Where a look-up, or a person, may say that no send got through."""


def record(db: Db, new: NewRecord, *, send: bool, may_wait: bool = True) -> Admission:
    """
    Keep a record, unless it is known; as `sending` if the caller is to send it at once and it heads all its lanes, else `pending`.

    One that would be `pending` and may not wait is not kept.
    """
    return _outcome_of_asking(db, new, may_wait=may_wait) or _keep(db, new, new.lanes, None, send=send)


def register(db: Db, new: NewRecord, issue: Callable[[int], str], lane_hash: LaneHash, *, send: bool, may_wait: bool = True) -> Admission:
    """Keep the record of a person who gets a provisional id with it; as `record`, and in that id's lane too."""
    if (known := _outcome_of_asking(db, new, may_wait=may_wait)) is not None:
        return known
    provisional = identity_ledger.next_provisional(db, issue, new.recorded_at)
    new = replace(new, topics=(*new.topics, topics.topic_of(provisional, lane_hash)))
    recorded = _keep(db, new, (*new.lanes, lane_hash(provisional)), provisional, send=send)
    identity_ledger.issued(db, provisional, recorded.number, new.recorded_at)
    return recorded


def begin_send(db: Db, number: int, now: int, seen: Record | None = None) -> Record | None:
    """
    Claim a pending record that heads all its lanes for one send; None where it is not that, or one of its lanes is busy.

    Nor where it is no longer as it was *seen*, when it was found that it need not be looked up.
    """
    if seen is not None and not still_stands(db, seen):
        return None
    if lanes.under_way_behind(db, number) or not rows(db, "begin_send", number=number, now=now):
        return None
    return record_of(db, number)


def settle(
    db: Db,
    number: int,
    attempt: int,
    settlement: Settlement,
    now: int,
    answer: StoredAnswer | None = None,
    revision: int | None = None,
) -> bool:
    """
    Write what one attempt came to, if the record is still in that attempt. A delivery is taken in any open state: it is proof.

    But not of what the record says since, where that is another *revision* than was sent: then a person decides.
    The send is counted in any case: it was made, whatever has become of the record meanwhile.
    """
    if settlement.outcome is not None:
        run(db, "count_up", name=SENDS_TOTAL, label=settlement.outcome)
    late = settlement.state is RecordState.DELIVERED
    if late and revision is not None and revision != value(db, "revision_of", number=number):
        settlement = replace(settlement, state=RecordState.HELD, reason=EDITED_SINCE, maybe_applied=True)
    changed = _change(db, number, RecordState.SENDING, settlement, now, attempt=attempt, late=late)
    if changed and answer is not None:
        run(db, "keep_answer", number=number, status=answer.status, reason=answer.reason, headers=answer.headers, body=answer.body)
    return changed


def move(db: Db, number: int, from_state: RecordState, to: Settlement, now: int) -> bool:
    """
    Move a record by a decision that no send of ours brought about, if it still stands in *from_state*.

    Raises:
        ValueError: *to* clears what may have been applied, but *from_state* is not one in which a look-up or a person tells that.
    """
    if to.cleared and from_state not in CLEARED_FROM:
        raise ValueError(from_state)
    return _change(db, number, from_state, to, now, attempt=None, late=False)


def still_stands(db: Db, seen: Record) -> bool:
    """Whether a record is as it was *seen*; else what was found out about it is about another: it was edited, or is on paper now."""
    stands: int = value(
        db,
        "still_stands",
        number=seen.number,
        state=seen.state,
        attempt=seen.attempt,
        revision=seen.revision,
        exported_at=seen.exported_at,
        looked_up_at=seen.looked_up_at,
    )
    return bool(stands)


def learning(
    db: Db, learnt: Learnt | None, lane_hash: LaneHash, change: Callable[[Db], bool], now: int, seen: Record | None = None
) -> bool:
    """
    Make a change of a registration, and learn with it whom its id stands for: for both it is the same moment.

    Neither where the record is no longer as it was *seen*.
    """
    if seen is not None and not still_stands(db, seen):
        return False
    if learnt is not None:
        identity_ledger.learn(db, learnt, lane_hash, now)
    return change(db)


def postpone(db: Db, number: int, state: RecordState, due_at: int) -> bool:
    """Look at a record again at *due_at*, if it still stands in *state*."""
    return run(db, "postpone", number=number, state=state, due_at=due_at) > 0


def recover(db: Db, now: int) -> int:
    """Make every `sending` left by a stop `unknown`; return how many there were."""
    return run(db, "interrupt_sends", now=now)


def hold_told_paper(db: Db, ids: Collection[bytes]) -> int:
    """Hold those of these records that are in the journal although their desks were told to use paper; return how many there were."""
    return sum(run(db, "hold_told_paper", id=id_) for id_ in ids)


def known(db: Db, new: NewRecord) -> Same | Conflict | KeyReused | Outrun | None:
    """Return what the journal knows of a write already; None where it would be kept."""
    return identity_ledger.outrun(db, new) or claims.known(db, new)


def _outcome_of_asking(db: Db, new: NewRecord, *, may_wait: bool) -> Admission | None:
    found = known(db, new)
    if isinstance(found, Same):
        claims.name_too(db, found.number, new)
    return NotKept() if found is None and not may_wait and lanes.behind(db, new.lanes) else found


def _keep(db: Db, new: NewRecord, its_lanes: Sequence[bytes], issues: str | None, *, send: bool) -> Recorded:
    own_lanes = lanes.unpacked(lanes.packed(its_lanes))
    behind = lanes.behind(db, own_lanes)
    state = RecordState.SENDING if send and behind == 0 else RecordState.PENDING
    number = next_number(db)
    write(db, [Kept(number, new, state, own_lanes, behind, claims.beside(db, number, new), issues)])
    return Recorded(number, state, issues)


def _change(db: Db, number: int, from_state: RecordState, to: Settlement, now: int, *, attempt: int | None, late: bool) -> bool:
    changed = rows(
        db,
        "change_record",
        number=number,
        from_state=from_state,
        attempt=attempt,
        late=late,
        state=to.state,
        now=now,
        due_at=to.due_at,
        failed=to.failed,
        maybe_applied=to.maybe_applied,
        cleared=to.cleared,
        looked_up=to.looked_up,
        answer_status=to.answer_status,
        reason=to.reason,
    )
    if not changed:
        return False
    ((packed_lanes, recorded_at),) = changed
    _follow_lanes(db, number, lanes.unpacked(packed_lanes), was_open=from_state in OPEN_STATES, is_open=to.state in OPEN_STATES)
    if to.state is RecordState.DELIVERED:
        _observe_delay(db, max(0, now - recorded_at))
    return True


def _follow_lanes(db: Db, number: int, own_lanes: list[bytes], *, was_open: bool, is_open: bool) -> None:
    if was_open and not is_open:
        lanes.leave(db, number, own_lanes)
    elif is_open and not was_open:
        lanes.reenter(db, number, own_lanes)


def _observe_delay(db: Db, delay_ms: int) -> None:
    bucket = bisect_left(DELAY_BOUNDS_S, delay_ms / 1000)
    bound_s = DELAY_BOUNDS_S[bucket] if bucket < len(DELAY_BOUNDS_S) else float("inf")
    run(db, "observe_delay", bound_s=bound_s, delay_ms=delay_ms)

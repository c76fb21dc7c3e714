"""The verbs that make and move records. Each runs inside a transaction of the engine's."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, Final

from store import lanes
from store.queries import Db, rows, run, value
from store.records import OPEN_STATES, NewRecord, Record, Recorded, RecordState, Settlement

RECORDED_TOTAL: Final = "records_recorded_total"
"""Durable counter of records kept; its label is the route."""

SENDS_TOTAL: Final = "sends_total"
"""Durable counter of sends; its label is the outcome."""

DELAY_BOUNDS_S: Final = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 10800.0, 21600.0, 43200.0, 86400.0, 172800.0)
"""Upper bounds of the delivery delay's buckets; one more, without bound, follows."""


def as_record(row: tuple[Any, ...]) -> Record:
    """Return a row of `whole_record`: its columns are Record's fields, in order (a test holds it)."""
    fields = (*row[:2], RecordState(row[2]), *row[3:10], bool(row[10]), *row[11:])
    return Record(*fields)


def record(db: Db, new: NewRecord, *, send: bool) -> Recorded:
    """Keep a record; as `sending` if the caller is to send it at once and it heads all its lanes, else as `pending`."""
    own_lanes = lanes.unpacked(lanes.packed(new.lanes))
    behind = lanes.behind(db, own_lanes)
    state = RecordState.SENDING if send and behind == 0 else RecordState.PENDING
    number: int = _insert(db, new, state, behind)
    lanes.enter(db, number, own_lanes)
    run(db, "count_up", name=RECORDED_TOTAL, label=new.route)
    run(db, "count_into_running_outage", route_group=new.group)
    return Recorded(number, state)


def begin_send(db: Db, number: int, now: int) -> Record | None:
    """Claim a pending record that heads all its lanes for one send; None where it is not that."""
    if not rows(db, "begin_send", number=number, now=now):
        return None
    return as_record(rows(db, "record_by_number", key=number)[0])


def settle(db: Db, number: int, attempt: int, settlement: Settlement, now: int) -> bool:
    """
    Write what one attempt came to, if the record is still in that attempt. A delivery is taken in any open state: it is proof.

    The send is counted in any case: it was made, whatever has become of the record meanwhile.
    """
    if settlement.outcome is not None:
        run(db, "count_up", name=SENDS_TOTAL, label=settlement.outcome)
    return _change(db, number, RecordState.SENDING, settlement, now, attempt=attempt, late=settlement.state is RecordState.DELIVERED)


def move(db: Db, number: int, from_state: RecordState, to: Settlement, now: int) -> bool:
    """Move a record by a decision that no send of ours brought about, if it still stands in *from_state*."""
    return _change(db, number, from_state, to, now, attempt=None, late=False)


def recover(db: Db, now: int) -> int:
    """Make every `sending` left by a stop `unknown`; return how many there were."""
    return run(db, "interrupt_sends", now=now)


def _insert(db: Db, new: NewRecord, state: RecordState, behind: int) -> int:
    sending = state is RecordState.SENDING
    number: int = value(
        db,
        "insert_record",
        id=new.id,
        state=state,
        route=new.route,
        route_group=new.group,
        lanes=lanes.packed(new.lanes),
        behind=behind,
        recorded_at=new.recorded_at,
        begun_at=new.recorded_at if sending else None,
        attempt=int(sending),
        principal=new.principal,
    )
    run(db, "insert_request", number=number, method=new.method, target=new.target, headers=new.headers, body=new.body)
    return number


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

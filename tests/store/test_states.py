from __future__ import annotations

import itertools
from dataclasses import fields

import pytest
import sqlcipher3

from store.queries import Db
from store.record_ledger import record
from store.records import FIRST_STATES, TRANSITIONS, Record, RecordState
from tests.store.helpers import MakeRecord

S = RecordState
WAYS = {  # how a record gets into each state, step by step
    S.PENDING: [],
    S.SENDING: [S.SENDING],
    S.UNKNOWN: [S.SENDING, S.UNKNOWN],
    S.HELD: [S.SENDING, S.HELD],
    S.DELIVERED: [S.DELIVERED],
    S.REFUSED: [S.SENDING, S.REFUSED],
    S.DISCARDED: [S.DISCARDED],
}
CLOSED = {S.DELIVERED, S.REFUSED, S.DISCARDED}


def step(db: Db, state: RecordState) -> None:
    """Move record 1 with everything else as it has to be, so that only the transition itself can be refused."""
    db.execute(
        "UPDATE record SET state = :state, attempt = attempt + (:state = 'sending' AND state <> 'sending'),"
        " maybe_applied = (:state = 'unknown'), settled_at = CASE WHEN :closed THEN 1 END,"
        " failures = 0 WHERE number = 1",
        {"state": state, "closed": state in CLOSED},
    )


def test_the_database_knows_the_same_transitions(db: Db) -> None:
    told = {(source, target) for source, targets in TRANSITIONS.items() for target in targets}
    assert set(db.execute("SELECT from_state, to_state FROM record_transition")) == told


@pytest.mark.parametrize(("source", "target"), [pair for pair in itertools.product(S, S) if pair[0] is not pair[1]])
def test_the_database_refuses_every_other_transition(db: Db, make: MakeRecord, source: RecordState, target: RecordState) -> None:
    record(db, make(), send=False)
    for state in WAYS[source]:
        step(db, state)
    if target in TRANSITIONS[source]:
        step(db, target)
    else:
        with pytest.raises(sqlcipher3.IntegrityError):
            step(db, target)


@pytest.mark.parametrize("state", list(S))
def test_a_record_is_born_pending_or_sending(db: Db, state: RecordState) -> None:
    sql = (
        "INSERT INTO record (id, state, route, route_group, lanes, behind, recorded_at, attempt, maybe_applied, settled_at)"
        " VALUES (zeroblob(16), ?, 'r', 'g', x'', 0, 1, ?, ?, ?)"
    )
    values = (state, int(state is not S.PENDING), int(state is S.UNKNOWN), 1 if state in CLOSED else None)
    if state in FIRST_STATES:
        db.execute(sql, values)
    else:
        with pytest.raises(sqlcipher3.IntegrityError, match="born"):
            db.execute(sql, values)


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("UPDATE record SET state = 'sending', attempt = 3", "an attempt is counted"),
        ("UPDATE record SET attempt = 1", "an attempt is counted"),
        ("UPDATE record SET behind = 1, state = 'sending', attempt = 1", "head of its lanes"),
        ("UPDATE record SET state = 'sent'", "no such transition"),
        ("UPDATE record SET state = 'delivered'", "CHECK"),
        ("UPDATE record SET settled_at = 1", "CHECK"),
        ("UPDATE record SET behind = -1", "CHECK"),
        ("UPDATE record SET failures = 1", "CHECK"),
        ("UPDATE record SET maybe_applied = 2", "CHECK"),
        ("UPDATE record SET recorded_at = 5", "not altered"),
        ("UPDATE record SET id = zeroblob(16)", "not altered"),
        ("UPDATE record SET route_group = 'other'", "not altered"),
        ("UPDATE record_request SET body = x'00'", "not altered"),
        ("DELETE FROM record", "never deleted"),
        ("DELETE FROM record_request", "until its record is closed"),
        ("UPDATE counter SET total = 0", "never falls"),
        ("DELETE FROM counter", "never falls"),
        ("INSERT INTO record_lane VALUES (x'00', 1)", "CHECK"),
        ("INSERT INTO record_lane VALUES (zeroblob(16), 2)", "FOREIGN KEY"),
        ("UPDATE record SET reason = 5.5 || x'00', due_at = 'soon'", "cannot store TEXT"),
    ],
)
def test_the_database_refuses_impossible_rows(db: Db, make: MakeRecord, sql: str, why: str) -> None:
    record(db, make(), send=False)
    with pytest.raises(sqlcipher3.IntegrityError, match=why):
        db.execute(sql)


def test_a_held_record_that_was_never_sent_cannot_be_unknown(db: Db, make: MakeRecord) -> None:
    record(db, make(), send=False)
    step(db, S.HELD)
    with pytest.raises(sqlcipher3.IntegrityError, match="CHECK"):
        step(db, S.UNKNOWN)


def test_the_view_has_the_fields_of_a_record(db: Db) -> None:
    columns = [name for _, name, *_ in db.execute("PRAGMA table_info(whole_record)")]
    assert columns == ["route_group" if field.name == "group" else field.name for field in fields(Record)]

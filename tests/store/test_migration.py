from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlcipher3

from store.afterwards import purge
from store.file.migrate import MIGRATIONS, migrate, version
from store.operator_hold import release
from store.outage_ledger import OutageFilter, notes, outages
from store.queries import Db
from store.record_ledger import begin_send, settle
from store.record_search import RecordFilter, find, heads
from store.records import Record, RecordState, Settlement

S = RecordState

OF_THE_FIRST_VERSION = """
    INSERT INTO record (id, state, route, route_group, lanes, behind, recorded_at, begun_at, attempt, principal)
    VALUES (x'00000000000000000000000000000001', 'sending', 'r', 'g', CAST('{a}' AS BLOB), 0, 5, 5, 1, NULL),
           (x'00000000000000000000000000000002', 'pending', 'r', 'g', CAST('{a}{b}' AS BLOB), 1, 6, NULL, 0, x'AA'),
           (x'00000000000000000000000000000003', 'sending', 'r', 'g', CAST('{c}' AS BLOB), 0, 7, 7, 1, NULL);
    INSERT INTO record_request
    VALUES (1, 'POST', '/one', x'01', x'11'), (2, 'POST', '/two', x'02', x'22'), (3, 'PUT', '/three', x'03', x'33');
    INSERT INTO record_lane VALUES (CAST('{a}' AS BLOB), 1), (CAST('{a}' AS BLOB), 2),
                                   (CAST('{b}' AS BLOB), 2), (CAST('{c}' AS BLOB), 3);
    INSERT INTO outage (route_group, started_at, detected_at, last_bad_at, ended_at, cause, scope, seen_at)
    VALUES ('g', 4, 4, 5, 6, 'refused', 'upstream', 6), ('g', 8, 8, 8, NULL, 'refused', 'upstream', 9);
    INSERT INTO operator_hold (until, reason, held_by, held_at) VALUES (NULL, 'the ministry said so', 'asha', 6);
    UPDATE record SET state = 'unknown', maybe_applied = 1, reason = 'interrupted', failures = 1 WHERE number = 3;
    INSERT INTO counter VALUES ('records_recorded_total', 'r', 3);
"""


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Db]:
    """A journal of the first version with records in it."""
    db: Db = sqlcipher3.connect(str(tmp_path / "old.db"), isolation_level=None)
    db.execute("PRAGMA foreign_keys = ON")
    migrate(db, {1: MIGRATIONS[1]})
    db.executescript(OF_THE_FIRST_VERSION.format(a="a" * 16, b="b" * 16, c="c" * 16))
    yield db
    db.close()


def test_a_journal_of_the_first_version_loses_nothing(old: Db) -> None:
    before = {table: list(old.execute(f"SELECT * FROM {table}")) for table in ("record_request", "record_lane", "record_tally", "counter")}
    records = list(old.execute("SELECT * FROM whole_record"))
    migrate(old)
    assert version(old) == max(MIGRATIONS)
    assert {table: list(old.execute(f"SELECT * FROM {table}")) for table in before} == before
    assert [row[: len(records[0])] for row in old.execute("SELECT * FROM whole_record")] == records
    one, two, three = find(old, RecordFilter())
    assert two == Record(2, bytes(15) + b"\2", S.PENDING, "r", "g", 6, None, 0, 0, 0, False, None, b"\xaa", "POST", "/two", b"\2", b"\x22")
    assert (one.state, three.state, three.maybe_applied, three.failures, three.revision) == (S.SENDING, S.UNKNOWN, True, 1, 1)


def test_what_was_refused_before_the_upgrade_is_purged_after_it(old: Db) -> None:
    old.execute("UPDATE record SET state = 'refused', settled_at = 8 WHERE number = 1")
    migrate(old)
    assert purge(old, 9, 10) == 1
    assert old.execute("SELECT number FROM record_request").fetchall() == [(2,), (3,)]


def test_a_journal_of_the_first_version_goes_on(old: Db) -> None:
    migrate(old)
    assert [head.number for head in heads(old, ["g"], 9, 9, [b"\xaa"])] == [3]
    assert settle(old, 1, 1, Settlement(S.DELIVERED, "accepted"), 9)
    assert [head.number for head in heads(old, ["g"], 9, 9, [b"\xaa"])] == [2, 3]
    assert begin_send(old, 2, 9)
    over, running, held = outages(old, OutageFilter())
    assert (over.seen_wall_at, over.last_number, running.seen_wall_at, running.last_number) == (6, 2, 9, None)
    assert not over.clock_doubtful
    assert (held.group, held.kind, held.started_at, held.ended_at, held.first_number) == ("*", "planned", 6, None, 2)
    assert [(note.by, note.reason) for note in notes(old, [held.id])] == [("asha", "the ministry said so")]
    assert release(old, "asha", 9)
    assert outages(old, OutageFilter())[2].ended_at == 9

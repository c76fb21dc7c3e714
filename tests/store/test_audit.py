from __future__ import annotations

import json

import pytest
import sqlcipher3

from store import audit
from store.decisions import Act, Decided, NotDecided
from store.journal import Journal
from store.queries import Db
from tests.store.helpers import NOON, MakeRecord, never_holds

PROTECTED = ("audit_is_altered", "audit_is_deleted")


async def test_each_decision_is_in_the_audit_and_what_is_not_taken_is_not(journal: Journal, make: MakeRecord) -> None:
    await journal.record(make(), send=False)
    seen = await journal.get(1)
    assert seen is not None
    assert isinstance(await journal.discard(seen, Act("asha", "twice"), NOON), Decided)
    assert isinstance(await journal.discard(seen, Act("ravi", "twice"), NOON), NotDecided)
    await journal.hold(None, "maintenance", "ravi", NOON + 1)
    await journal.release("ravi", NOON + 2)
    assert not await journal.release("ravi", NOON + 3)
    await journal.note("asha", "export", "for the paper register", NOON + 4, {"records": 3})
    entries = await journal.audit_entries()
    assert [(entry.id, entry.by, entry.action, entry.number, entry.reason, entry.at - NOON) for entry in entries] == [
        (1, "asha", "discard", 1, "twice", 0),
        (2, "ravi", "hold", None, "maintenance", 1),
        (3, "ravi", "release", None, "", 2),
        (4, "asha", "export", None, "for the paper register", 4),
    ]
    assert json.loads(entries[0].details) == {"from": "pending", "to": "discarded", "revision": 1, "word": False}
    assert await journal.audit_entries(number=1) == entries[:1]
    assert await journal.audit_entries(after=1, limit=2) == entries[1:3]
    assert await journal.verify_audit() is None
    assert (await journal.snapshot(NOON, never_holds)).operator_actions_total == {"discard": 1, "hold": 1, "release": 1, "export": 1}


@pytest.fixture
def written(db: Db) -> Db:
    for number in range(5):
        audit.note(db, NOON + number, "asha", "hold", None, f"reason {number}")
    return db


@pytest.mark.parametrize("sql", ["UPDATE audit SET reason = ''", "DELETE FROM audit"])
def test_an_entry_is_neither_altered_nor_deleted(written: Db, sql: str) -> None:
    with pytest.raises(sqlcipher3.IntegrityError, match="only added to"):
        written.execute(sql)


def test_an_entry_without_its_place_in_the_chain_is_refused(written: Db) -> None:
    with pytest.raises(sqlcipher3.IntegrityError, match="one chain"):
        written.execute("INSERT INTO audit SELECT 99, at, done_by, action, number, reason, details, previous, hash FROM audit WHERE id = 2")


@pytest.mark.parametrize(
    ("sql", "broken"),
    [
        ("UPDATE audit SET reason = 'other' WHERE id = 3", 3),
        ("UPDATE audit SET at = at + 1 WHERE id = 5", 5),
        ("UPDATE audit SET done_by = 'ravi' WHERE id = 1", 1),
        ("DELETE FROM audit WHERE id = 3", 4),
        ("DELETE FROM audit WHERE id = 1", 2),
        ("DELETE FROM audit WHERE id = 3; UPDATE audit SET id = id - 1 WHERE id > 3", 3),
    ],
)
def test_whoever_gets_round_the_database_is_found_out(written: Db, sql: str, broken: int) -> None:
    assert audit.first_broken(written) is None
    for trigger in PROTECTED:
        written.execute(f"DROP TRIGGER {trigger}")
    written.executescript(sql)
    assert audit.first_broken(written) == broken


def test_a_last_entry_that_is_gone_is_found_out_by_the_next(written: Db) -> None:
    written.execute("DROP TRIGGER audit_is_deleted")
    written.execute("DELETE FROM audit WHERE id = 5")
    audit.note(written, NOON, "asha", "hold", None, "the next")
    assert audit.first_broken(written) == 6

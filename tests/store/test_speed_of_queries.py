"""With very much waiting, what is asked at every moment must still be a short walk along an index."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from store.queries import SQL, Db, rows
from store.record_search import counts, heads, next_due, oldest_unsent_at, undecided
from store.records import RecordState

WAITING = 200_000

FILL = """
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {waiting})
    INSERT INTO {into} SELECT {values} FROM n
"""


@pytest.fixture
def full(db: Db) -> Db:
    """A journal in which a whole state's backlog waits, each record the head of its lane."""
    db.execute("BEGIN")
    for into, values in {
        "record (id, state, route, route_group, lanes, behind, recorded_at, attempt, principal)": (
            "CAST(printf('%016d', i) AS BLOB), 'pending', 'r', CASE WHEN i % 2 THEN 'a' ELSE 'b' END, x'', 0, i, 0,"
            " CASE WHEN i % 10 THEN NULL ELSE x'AA' END"
        ),
        "record_request": "i, 'POST', '/', x'', x''",
    }.items():
        db.execute(FILL.format(waiting=WAITING, into=into, values=values))
    db.execute("COMMIT")
    return db


def steps(db: Db, query: Callable[[], object]) -> int:
    """Return how many thousands of instructions of SQLite's machine *query* takes."""
    ticks = 0

    def tick() -> int:
        nonlocal ticks
        ticks += 1
        return 0

    db.set_progress_handler(tick, 1000)
    try:
        query()
    finally:
        db.set_progress_handler(None, 0)
    return ticks


def test_heads_with_deadlines_are_a_short_walk_too(full: Db) -> None:
    db = full
    db.execute(
        FILL.format(
            waiting=WAITING // 10,
            into="record (id, state, route, route_group, lanes, behind, recorded_at, attempt, deadline_at)",
            values="CAST(printf('d%015d', i) AS BLOB), 'pending', 'r', 'a', x'', 0, i, 0, i / 1000",
        )
    )
    assert [record.deadline_at for record in heads(db, ["b", "a"], 3, 1_500)] == [4] * 1000 + [5] * 500
    assert [record.deadline_at for record in heads(db, ["a"], 1 << 50, 1)] == [0]
    for now in (3, 1 << 50):
        assert steps(db, lambda: heads(db, ["a", "b"], now, 100)) < 20  # noqa: B023 - called at once


def test_what_is_asked_at_every_moment_does_not_grow_with_the_backlog(full: Db) -> None:
    assert [record.number for record in heads(full, ["b", "a"], 1, 3)] == [1, 2, 3]
    assert undecided(full, RecordState.SENDING, 5) == []
    assert next_due(full, ["a", "b"], 1) is None
    assert oldest_unsent_at(full) == 1
    assert sum(counts(full).values()) == WAITING
    assert steps(full, lambda: heads(full, ["a", "b"], 1, 100, [b"asha", b"ravi"])) < 20
    for query in (
        lambda: undecided(full, RecordState.UNKNOWN, 100),
        lambda: next_due(full, ["a"], 1),
        lambda: oldest_unsent_at(full),
        lambda: counts(full),
    ):
        assert steps(full, query) < 2
    assert steps(full, lambda: rows(full, "interrupt_sends", now=1)) < 2
    assert steps(full, lambda: rows(full, "recorded_since", route_group="a", since=WAITING - 100, now=1 << 62)) < 20


def test_who_comes_does_not_pay_for_all_who_wait_in_the_lane(full: Db) -> None:
    full.execute(FILL.format(waiting=WAITING, into="record_lane", values="zeroblob(16), i"))
    lanes = json.dumps([bytes(16).hex(), b"somebody else...".hex()])
    assert steps(full, lambda: rows(full, "taken", lanes=lanes, facts="[]", requests="[]")) < 2
    assert rows(full, "taken", lanes=lanes, facts="[]", requests="[]") == [(bytes(16),)]


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("heads_ahead", "record_head"),
        ("heads_overdue", "record_head"),
        ("heads_undated", "record_head"),
        ("next_due", "record_backing_off"),
        ("undecided", "record_undecided"),
        ("under_way", "record_undecided"),
        ("oldest_unsent", "record_unsent"),
        ("mark_drained", "record_unsent"),
        ("mark_holds_drained", "record_unsent"),
        ("undrained", "record_unsent"),
        ("interrupt_sends", "record_undecided"),
        ("waits_damaged", "record_undecided"),
        ("delivered_since", "record_delivered"),
        ("purgeable", "record_delivered"),
        ("purgeable", "record_given_up"),
        ("count_into_running_outage", "outage_running"),
    ],
)
def test_the_index_made_for_a_statement_is_used(db: Db, name: str, index: str) -> None:
    values = dict.fromkeys(re.findall(r":(\w+)", SQL[name]))
    plan = "\n".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {SQL[name]}", values))
    assert index in plan
    assert not re.search(r"(SCAN (r|record|record_request|q)\b(?! USING)|USING INTEGER PRIMARY KEY \(rowid<)", plan), plan

"""What one commit carries is kept together: each desk is told, and each row is, as if every record had come alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import keeping
from store.errors import JournalRefused
from store.file.batch import Done, Failed, Joint, run_batch
from store.identities import Learnt, Rekeyed
from store.identity_ledger import learn
from store.journal import Journal
from store.keeping import Wish, keep_all
from store.outage_ledger import open_outage
from store.queries import ROWS_MAX, Db, rows
from store.record_ledger import record, register
from store.records import Conflict, KeyReused, NewRecord, Recorded, RecordState, Same
from tests.proof.mode import PROOF
from tests.store.helpers import NOON, MakeRecord, new_journal, seen_at

FACT, KEY = b"f" * 16, b"k" * 16


def hashed(text: str) -> bytes:
    return text.encode().rjust(16, b".")


def issue(running: int) -> str:
    return f"99{running:04}"


def a_wish(new: NewRecord, **more: Any) -> Wish:
    return replace(Wish(new, send=False, may_wait=True, issue=None, lane_hash=hashed), **more)


def a_record() -> NewRecord:
    return NewRecord(bytes(16), "register", "vaccinator", (bytes(16),), "POST", "/", b"", b"{}", NOON)


def everything(db: Db) -> dict[str, list[Any]]:
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'meta'")]
    return {table: sorted(db.execute(f"SELECT * FROM {table}"), key=repr) for table in tables}


def hashes(first: str) -> st.SearchStrategy[bytes]:
    return st.sampled_from([hashed(f"{first}{number}") for number in range(4)])


WISHES = st.builds(
    lambda new, send, may_wait, registers: a_wish(new, send=send, may_wait=may_wait, issue=issue if registers else None),
    st.builds(
        NewRecord,
        id=st.binary(min_size=16, max_size=16),
        route=st.sampled_from(["vaccinate", "register"]),
        group=st.sampled_from(["vaccinator", "registration"]),
        lanes=st.lists(hashes("lane"), min_size=1, max_size=3).map(tuple),
        method=st.just("POST"),
        target=st.just("/"),
        headers=st.just(b""),
        body=st.sampled_from([b"{}", b"x" * (keeping.LARGE + 1)]),
        recorded_at=st.just(NOON),
        principal=st.none() | hashes("principal"),
        natural_key=st.none() | hashes("fact"),
        content=st.sampled_from([b"a", b"b"]),
        override=st.none() | st.just("both are true"),
        idempotency_key=st.none() | hashes("key"),
        fingerprint=st.sampled_from([b"1", b"2"]),
        awaits=st.sampled_from([(), (), (issue(1),)]),
        deadline_at=st.none() | st.just(NOON + 1),
        same=st.none() | hashes("same"),
        topics=st.lists(hashes("topic"), max_size=3).map(tuple),
    ),
    st.booleans(),
    st.booleans(),
    st.booleans() if PROOF else st.just(value=False) | st.booleans(),
)


@settings(max_examples=500 if PROOF else 60, deadline=None)
@pytest.mark.timeout(900 if PROOF else 60)
@given(st.lists(st.lists(WISHES, max_size=12), max_size=3))
def test_what_comes_together_is_kept_as_if_each_had_come_alone(groups: list[list[Wish]]) -> None:
    with new_journal() as one, new_journal() as other:
        for db in (one, other):
            open_outage(db, "vaccinator", NOON, NOON, "refused", "upstream", seen_at(NOON))
            register(db, a_record(), issue, hashed, send=False)
            learn(db, Learnt(issue(1), "a real id", lambda _record, _real_of: Rekeyed((hashed("real"),), None, b"")), hashed, NOON)
        seen = {bytes(16)}
        for group in groups:
            fresh = [wish for wish in group if wish.new.id not in seen and not seen.add(wish.new.id)]  # type: ignore[func-returns-value]
            alone = [
                record(other, wish.new, send=wish.send, may_wait=wish.may_wait)
                if wish.issue is None
                else register(other, wish.new, issue, hashed, send=wish.send, may_wait=wish.may_wait)
                for wish in fresh
            ]
            assert keep_all(one, fresh) == alone
        assert everything(one) == everything(other)


async def test_of_one_fact_and_of_one_request_in_a_commit_the_first_is_the_record(journal: Journal, make: MakeRecord) -> None:
    first, also = replace(make(), natural_key=FACT, content=b"a"), replace(make(), idempotency_key=KEY, fingerprint=b"1")
    others = [replace(make(), natural_key=FACT, content=content) for content in (b"a", b"b")]
    again = [replace(make(), idempotency_key=KEY, fingerprint=fingerprint) for fingerprint in (b"1", b"2")]
    told = await asyncio.gather(*(journal.record(new, send=True) for new in (first, make(), *others, also, *again, make())))
    sending = RecordState.SENDING
    assert told == [
        Recorded(1, sending),
        Recorded(2, sending),
        Same(1, first.id, sending),
        Conflict(1, first.id, sending),
        Recorded(3, sending),
        Same(3, also.id, sending),
        KeyReused(3, also.id, sending),
        Recorded(4, sending),
    ]


async def test_of_one_person_in_a_commit_the_second_waits_for_the_first(journal: Journal, make: MakeRecord) -> None:
    own = make()
    told = await asyncio.gather(*(journal.record(replace(make(), lanes=own.lanes), send=True) for _ in range(3)))
    assert told == [Recorded(1, RecordState.SENDING), Recorded(2, RecordState.PENDING), Recorded(3, RecordState.PENDING)]


def test_one_that_the_database_refuses_costs_none_of_its_neighbours(db: Db, make: MakeRecord, tmp_path: Any) -> None:
    db.execute(
        "CREATE TRIGGER no_such_body BEFORE INSERT ON record_request WHEN NEW.body = x'00' BEGIN SELECT RAISE(ABORT, 'not that one'); END"
    )
    news = [make() for _ in range(2 * ROWS_MAX)]
    news[ROWS_MAX + 3] = replace(make(), body=b"\0")
    results = run_batch(db, [Joint(keep_all, a_wish(new)) for new in news], tmp_path).results
    refused = results.pop(ROWS_MAX + 3)
    assert isinstance(refused, Failed)
    assert isinstance(refused.error, JournalRefused)
    assert results == [Done(Recorded(number, RecordState.PENDING)) for number in range(1, 2 * ROWS_MAX)]
    in_file = {id_ for (id_,) in db.execute("SELECT id FROM record JOIN record_request USING (number) JOIN record_lane USING (number)")}
    assert in_file == {new.id for new in news} - {news[ROWS_MAX + 3].id}
    assert rows(db, "counters") == [("records_recorded_total", "vaccinate", 2 * ROWS_MAX - 1)]


def test_a_commit_of_many_takes_a_few_statements(db: Db, make: MakeRecord) -> None:
    asked: list[str] = []
    db.set_trace_callback(asked.append)
    keep_all(db, [a_wish(replace(make(), natural_key=make().id)) for _ in range(ROWS_MAX)])
    db.set_trace_callback(None)
    assert len(set(asked)) <= 8  # a trigger's is told as the statement that fired it


def test_verbs_of_another_kind_keep_their_place_between_them(db: Db, make: MakeRecord, tmp_path: Any) -> None:
    def counted(at: Db) -> int:
        return int(at.execute("SELECT COUNT(*) FROM record").fetchone()[0])

    some = [Joint(keep_all, a_wish(make())) for _ in range(4)]
    results = run_batch(db, [some[0], some[1], counted, some[2], counted, some[3]], tmp_path).results
    assert [result.value for result in results if isinstance(result, Done)][2::2] == [2, 3]

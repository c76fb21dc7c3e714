from __future__ import annotations

from dataclasses import replace

import pytest

from store.afterwards import PURGED_BYTES, PURGED_MAX
from store.decisions import Act, Edited
from store.errors import JournalRefused
from store.journal import Journal
from store.queries import Db
from store.record_search import RecordFilter
from store.records import RecordState, Same, Settlement, StoredAnswer
from tests.store.helpers import NOON, MakeRecord, never_holds

S = RecordState
DELIVERED = Settlement(S.DELIVERED, "accepted")
ANSWER = StoredAnswer(200, "OK", b"", b"answer-in-clear")
FACT = b"f" * 16


async def test_what_was_delivered_is_asked_for_once_more_and_once(journal: Journal, make: MakeRecord) -> None:
    for number in range(1, 6):
        await journal.record(make(), send=True)
        await journal.settle(number, 1, DELIVERED if number != 3 else Settlement(S.HELD, "refused"), NOON + number)

    async def left(after: int = 0, limit: int = 10) -> list[int]:
        return [record.number for record in await journal.delivered_since(NOON + 2, after, limit)]

    assert await left() == [2, 4, 5]
    assert await left(2, 1) == [4]
    assert await journal.mark_swept(4, NOON)
    assert not await journal.mark_swept(3, NOON)
    assert await left() == [2, 5]
    await journal.move(4, S.DELIVERED, Settlement(S.HELD, None, "missing", maybe_applied=True), NOON)
    missing = await journal.get(4)
    assert missing is not None
    assert (missing.state, missing.reason, missing.maybe_applied) == (S.HELD, "missing", True)
    await journal.move(4, S.HELD, Settlement(S.DELIVERED, None), NOON + 9)
    assert await left() == [2, 4, 5]


async def test_what_a_person_settled_is_not_asked_for(journal: Journal, make: MakeRecord) -> None:
    for number in range(1, 3):
        await journal.record(make(), send=True)
        await journal.settle(number, 1, Settlement(S.HELD, "refused"), NOON)
    seen = await journal.get(1)
    assert seen is not None
    await journal.settle_by_person(seen, "the-id-they-gave", Act("asha", "entered by hand"), NOON)
    await journal.move(2, S.HELD, DELIVERED, NOON)
    assert [record.number for record in await journal.delivered_since(NOON, 0, 9)] == [2]


async def test_an_export_is_marked(journal: Journal, make: MakeRecord) -> None:
    for _ in range(3):
        await journal.record(make(), send=False)
    assert await journal.mark_exported([1, 3, 9], NOON) == 2
    assert [record.exported_at for record in await journal.find(RecordFilter())] == [NOON, None, NOON]


async def test_a_purge_forgets_what_was_said_and_nothing_else(journal: Journal, make: MakeRecord) -> None:
    new = replace(make(), natural_key=FACT, content=b"1")
    await journal.record(new, send=False)
    seen = await journal.get(1)
    assert seen is not None
    await journal.edit(seen, Edited("/edited", b"", b"edited", new.lanes, FACT, b"2"), Act("asha", "typing error"), NOON)
    await journal.begin_send(1, NOON)
    await journal.settle(1, 1, DELIVERED, NOON, answer=ANSWER)
    await journal.record(make(), send=True)
    await journal.settle(2, 1, DELIVERED, NOON + 1)
    await journal.record(make(), send=False)

    assert await journal.purge(NOON + 1, NOON + 2) == 1
    assert await journal.purge(NOON + 1, NOON + 3) == 0
    purged, kept, waiting = await journal.find(RecordFilter())
    assert (purged.target, purged.headers, purged.body, purged.natural_key) == ("", b"", b"", FACT)
    assert b"dose" in kept.body
    assert b"dose" in waiting.body
    assert [(old.target, old.headers, old.body, old.reason) for old in await journal.revisions(1)] == [("", b"", b"", "typing error")]
    assert await journal.answer_of(1) is None
    assert [record.number for record in await journal.delivered_since(0, 0, 9)] == [2]
    for content in (b"1", b"2"):
        assert await journal.record(replace(make(), natural_key=FACT, content=content), send=True) == Same(1, new.id, S.DELIVERED)
    assert await journal.verify_audit() is None


async def test_a_purge_takes_a_bounded_bite(journal: Journal, make: MakeRecord) -> None:
    for number in range(1, PURGED_MAX + 2):
        await journal.record(make(), send=False)
        await journal.move(number, S.PENDING, Settlement(S.DELIVERED, None), NOON)
    assert [await journal.purge(NOON + 1, NOON) for _ in range(3)] == [PURGED_MAX, 1, 0]


async def test_deadlines_go_first_and_the_overdue_before_those_without(journal: Journal, make: MakeRecord) -> None:
    for deadline_at in (None, NOON + 20, NOON - 5, NOON + 10, NOON - 9, None, NOON + 10):
        await journal.record(replace(make(), deadline_at=deadline_at), send=False)
    assert [record.number for record in await journal.heads(["vaccinator"], NOON, 10)] == [4, 7, 2, 5, 3, 1, 6]
    assert [record.number for record in await journal.heads(["vaccinator"], NOON, 4)] == [4, 7, 2, 5]
    assert await journal.next_deadline_at(NOON) == NOON + 10
    assert (await journal.snapshot(NOON, never_holds)).past_deadline == 2
    await journal.move(5, S.PENDING, DELIVERED, NOON)
    await journal.move(3, S.PENDING, Settlement(S.HELD, None), NOON)
    figures = await journal.snapshot(NOON + 10, never_holds)
    assert (figures.next_deadline_at, figures.past_deadline) == (NOON + 20, 3)


async def test_the_order_by_deadline_is_that_of_all_groups_and_principals_together(journal: Journal, make: MakeRecord) -> None:
    for group, principal, deadline_at in (("a", None, NOON + 3), ("b", b"asha", NOON + 1), ("a", b"asha", NOON + 2), ("b", None, NOON - 1)):
        await journal.record(replace(make(group=group, principal=principal), deadline_at=deadline_at), send=False)
    assert [record.number for record in await journal.heads(["a", "b"], NOON, 10, [b"asha"])] == [2, 3, 1, 4]


async def test_what_is_unknown_heads_its_lane_until_it_is_looked_up(journal: Journal, make: MakeRecord) -> None:
    lane = b"l" * 16
    await journal.record(make(lanes=(lane,)), send=True)
    await journal.record(make(lanes=(lane,)), send=False)
    await journal.recover(NOON)
    (head,) = await journal.heads(["vaccinator"], NOON, 10)
    assert (head.number, head.state, head.last_sent_at, head.looked_up_at) == (1, S.UNKNOWN, NOON, None)
    assert await journal.postpone(1, S.UNKNOWN, NOON + 60_000)
    assert not await journal.postpone(1, S.PENDING, NOON)
    assert await journal.heads(["vaccinator"], NOON + 5, 10) == []
    assert await journal.next_due(["vaccinator"], NOON + 5) == NOON + 60_000
    assert await journal.postpone(1, S.UNKNOWN, 0)
    assert [head.number for head in await journal.heads(["vaccinator"], NOON + 6, 10)] == [1]


async def test_a_due_time_further_ahead_than_its_own_wait_can_be_is_due(journal: Journal, make: MakeRecord) -> None:
    await journal.record(make(), send=True)
    await journal.record(make(), send=True)
    await journal.settle(1, 1, Settlement(S.UNKNOWN, "unknown", maybe_applied=True), NOON)
    await journal.postpone(1, S.UNKNOWN, NOON + 120_000)
    await journal.settle(2, 1, Settlement(S.PENDING, "unavailable", due_at=NOON + 120_000), NOON)

    async def due(now: int, unknown_far_ms: int) -> list[int]:
        return [head.number for head in await journal.heads(["vaccinator"], now, 9, (), unknown_far_ms)]

    assert await due(NOON, 120_000) == []
    assert await due(NOON, 119_999) == [1], "settle's own cap, not the back-off's"
    assert await due(NOON - 900_000 + 120_000, 3_600_000) == []
    assert await due(NOON - 900_000 + 119_999, 3_600_000) == [2], "a settle of an hour is no clock that jumped"
    assert await journal.next_due(["vaccinator"], NOON, 120_000) == NOON + 120_000
    assert await journal.next_due(["vaccinator"], NOON - 900_000, 1_000) is None


async def test_the_latest_record_made_by_a_good_clock(journal: Journal, make: MakeRecord) -> None:
    assert await journal.latest_recorded_at() is None
    await journal.record(make(at=NOON), send=False)
    await journal.record(make(at=NOON + 5), send=False)
    await journal.record(replace(make(at=NOON + 10**10), clock_doubt="a year that cannot be"), send=False)
    assert await journal.latest_recorded_at() == NOON + 5
    doubted = await journal.get(3)
    assert doubted is not None
    assert doubted.clock_doubt == "a year that cannot be"


async def test_a_purge_takes_about_a_mebibyte(journal: Journal, make: MakeRecord) -> None:
    for number in range(1, 9):
        await journal.record(make(body=bytes(PURGED_BYTES // 4)), send=True)
        await journal.settle(number, 1, DELIVERED, NOON, answer=replace(ANSWER, body=bytes(PURGED_BYTES // 4)))
    assert [await journal.purge(NOON + 1, NOON) for _ in range(5)] == [2, 2, 2, 2, 0]


@pytest.mark.parametrize("state", [S.DELIVERED, S.REFUSED, S.DISCARDED])
async def test_nothing_that_was_purged_is_in_any_table(journal: Journal, make: MakeRecord, state: RecordState) -> None:
    new = replace(make(), topics=(FACT,))
    await journal.record(new, send=False)
    seen = await journal.get(1)
    assert seen is not None
    await journal.edit(seen, Edited("/edited", b"", b"edited-in-clear", new.lanes, FACT, b"2"), Act("asha", "typing error"), NOON)
    await journal.begin_send(1, NOON)
    if state is S.DISCARDED:
        await journal.settle(1, 1, Settlement(S.HELD, "refused", reason="refused http_400"), NOON, answer=ANSWER)
        seen = await journal.get(1)
        assert seen is not None
        await journal.discard(seen, Act("asha", "recorded twice", word=True), NOON)
    else:
        await journal.settle(1, 1, Settlement(state, "accepted", reason="told"), NOON, answer=ANSWER)

    def everything(db: Db) -> str:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return repr([list(db.execute(f"SELECT * FROM {table}")) for table in tables])

    def topics(db: Db) -> object:
        return db.execute("SELECT * FROM record_topic").fetchall()

    words = ("48448366834980", "edited-in-clear", "answer-in-clear", "application/json")
    before = await journal._engine.read(everything)
    assert await journal.purge(NOON, NOON + 5) == 0
    assert await journal.purge(NOON + 1, NOON + 5) == 1
    after = await journal._engine.read(everything)
    assert [word in before for word in words] == [True] * 4
    assert [word for word in words if word in after] == []
    assert await journal._engine.read(topics) == []
    purged = await journal.get(1)
    assert purged is not None
    assert (purged.state, purged.settled_at, purged.revision) == (state, NOON, 2)
    assert purged.reason is not None
    assert await journal.verify_audit() is None
    assert await journal.purge(NOON + 1, NOON + 5) == 0


@pytest.mark.parametrize("state", [S.PENDING, S.SENDING, S.UNKNOWN, S.HELD])
async def test_what_is_open_is_never_purged(journal: Journal, make: MakeRecord, state: RecordState) -> None:
    await journal.record(make(), send=state is not S.PENDING)
    if state in (S.UNKNOWN, S.HELD):
        await journal.settle(1, 1, Settlement(state, "unknown", maybe_applied=True), NOON)
    assert await journal.purge(1 << 60, NOON) == 0
    with pytest.raises(JournalRefused, match="until its record is closed"):
        await journal._engine.write(lambda db: db.execute("DELETE FROM record_request"))


async def test_an_export_takes_the_word_of_an_earlier_look_up_away(journal: Journal, make: MakeRecord) -> None:
    await journal.record(make(), send=False)
    await journal.move(1, S.PENDING, Settlement(S.PENDING, None, looked_up=True), NOON)
    looked_up = await journal.get(1)
    assert looked_up is not None
    assert looked_up.looked_up_at == NOON
    await journal.mark_exported([1], NOON - 1)
    exported = await journal.get(1)
    assert exported is not None
    assert (exported.exported_at, exported.looked_up_at) == (NOON - 1, None)

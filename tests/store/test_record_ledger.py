from __future__ import annotations

import asyncio

import pytest

from store.decisions import Act, Decided, Edited
from store.errors import JournalRefused
from store.identities import Learnt, Rekeyed
from store.journal import Journal
from store.record_search import FAR_MS, RecordFilter
from store.records import RecordState, Settlement
from tests.store.helpers import NOON, MakeRecord, kept, never_holds, seen_at

S = RecordState
LANE = bytes(16)
DELIVERED = Settlement(S.DELIVERED, "accepted")


async def state(journal: Journal, number: int) -> RecordState:
    record = await journal.get(number)
    assert record is not None
    return record.state


async def test_a_record_is_kept_as_it_came(journal: Journal, make: MakeRecord) -> None:
    new = make()
    recorded = kept(await journal.record(new, send=True))
    record = await journal.get(new.id)
    assert record == await journal.get(recorded.number)
    assert record is not None
    assert (record.number, record.state, record.attempt) == (1, S.SENDING, 1)
    assert (record.group, record.route, record.method, record.target) == (new.group, new.route, new.method, new.target)
    assert (record.headers, record.body, record.principal) == (new.headers, new.body, None)
    assert record.maybe_applied is False
    assert await journal.get(2) is None


async def test_a_record_behind_another_of_its_lane_waits(journal: Journal, make: MakeRecord) -> None:
    assert kept(await journal.record(make(lanes=(LANE,)), send=True)).state is S.SENDING
    assert kept(await journal.record(make(lanes=(LANE,)), send=True)).state is S.PENDING
    assert await journal.begin_send(2, NOON) is None
    assert await journal.settle(1, 1, DELIVERED, NOON)
    begun = await journal.begin_send(2, NOON)
    assert begun is not None
    assert (begun.state, begun.attempt) == (S.SENDING, 1)
    assert await journal.begin_send(2, NOON) is None


async def test_an_id_is_kept_once(journal: Journal, make: MakeRecord) -> None:
    new = make()
    await journal.record(new, send=False)
    with pytest.raises(JournalRefused, match=r"record\.id"):
        await journal.record(new, send=False)
    assert kept(await journal.record(make(), send=False)).number == 2


async def test_settling_compares_the_attempt(journal: Journal, make: MakeRecord) -> None:
    await journal.record(make(), send=True)
    not_sent = Settlement(S.PENDING, "not_sent", reason="refused")
    assert await journal.settle(1, 1, not_sent, NOON)
    assert await journal.begin_send(1, NOON)
    assert not await journal.settle(1, 1, Settlement(S.HELD, "refused"), NOON)
    assert await state(journal, 1) is S.SENDING
    assert not await journal.settle(9, 1, not_sent, NOON)


@pytest.mark.parametrize("meanwhile", [S.PENDING, S.UNKNOWN, S.HELD])
async def test_a_late_delivery_is_never_dropped(journal: Journal, make: MakeRecord, meanwhile: RecordState) -> None:
    await journal.record(make(), send=True)
    assert await journal.settle(1, 1, Settlement(meanwhile, "unknown", maybe_applied=True), NOON)
    assert await journal.settle(1, 1, DELIVERED, NOON)
    record = await journal.get(1)
    assert record is not None
    assert (record.state, record.maybe_applied, record.settled_at) == (S.DELIVERED, False, NOON)
    assert not await journal.settle(1, 1, DELIVERED, NOON)


async def test_a_late_delivery_counts_while_the_next_attempt_is_under_way(journal: Journal, make: MakeRecord) -> None:
    await journal.record(make(), send=True)
    await journal.settle(1, 1, Settlement(S.PENDING, "throttled"), NOON)
    await journal.begin_send(1, NOON)
    assert await journal.settle(1, 1, DELIVERED, NOON)
    assert not await journal.settle(1, 2, Settlement(S.UNKNOWN, "unknown"), NOON)
    assert await state(journal, 1) is S.DELIVERED


async def test_a_refusal_is_final_even_for_a_late_delivery(journal: Journal, make: MakeRecord) -> None:
    await journal.record(make(), send=True)
    await journal.settle(1, 1, Settlement(S.REFUSED, "refused"), NOON)
    assert not await journal.settle(1, 1, DELIVERED, NOON)


async def test_that_a_send_may_have_got_through_is_not_forgotten(journal: Journal, make: MakeRecord) -> None:
    await journal.record(make(), send=True)
    await journal.settle(1, 1, Settlement(S.UNKNOWN, "unknown", failed=True), NOON)
    assert await journal.move(1, S.UNKNOWN, Settlement(S.HELD, None, reason="no look-up"), NOON)
    assert not await journal.move(1, S.UNKNOWN, Settlement(S.HELD, None), NOON)
    record = await journal.get(1)
    assert record is not None
    assert (record.maybe_applied, record.failures, record.reason) == (True, 1, "no look-up")


async def test_a_stop_leaves_sends_unknown(journal: Journal, make: MakeRecord) -> None:
    await journal.record(make(), send=True)
    await journal.record(make(), send=True)
    await journal.record(make(), send=False)
    assert await journal.recover(NOON) == 2
    assert await journal.recover(NOON) == 0
    unknown = await journal.unknowns(10)
    assert [(record.number, record.maybe_applied, record.reason) for record in unknown] == [
        (1, True, "interrupted"),
        (2, True, "interrupted"),
    ]
    assert [record.number for record in await journal.unknowns(1)] == [1]
    assert [record.number for record in await journal.unknowns(1, after=1)] == [2]


async def test_a_delivery_found_missing_returns_to_its_old_place(journal: Journal, make: MakeRecord) -> None:
    other = bytes([1]) * 16
    await journal.record(make(lanes=(LANE,)), send=True)
    await journal.record(make(lanes=(LANE, other)), send=False)
    await journal.record(make(lanes=(other,)), send=False)
    await journal.settle(1, 1, DELIVERED, NOON)
    assert await journal.move(2, S.PENDING, DELIVERED, NOON)
    assert [record.number for record in await journal.heads(["vaccinator"], NOON, 10)] == [3]
    assert await journal.move(1, S.DELIVERED, Settlement(S.HELD, None, reason="missing"), NOON)
    assert await journal.move(2, S.DELIVERED, Settlement(S.HELD, None, reason="missing"), NOON)
    assert await journal.heads(["vaccinator"], NOON, 10) == []
    assert await journal.move(1, S.HELD, Settlement(S.PENDING, None), NOON)
    assert await journal.move(2, S.HELD, Settlement(S.PENDING, None), NOON)
    assert [record.number for record in await journal.heads(["vaccinator"], NOON, 10)] == [1]
    assert await journal.move(1, S.PENDING, DELIVERED, NOON)
    assert [record.number for record in await journal.heads(["vaccinator"], NOON, 10)] == [2]


async def test_an_impossible_move_is_an_error(journal: Journal, make: MakeRecord) -> None:
    await journal.record(make(), send=False)
    with pytest.raises(JournalRefused, match="no such transition"):
        await journal.move(1, S.PENDING, Settlement(S.REFUSED, None), NOON)


async def test_heads_are_due_oldest_first_of_the_groups_asked_for(journal: Journal, make: MakeRecord) -> None:
    await journal.record(make(group="b"), send=False)
    await journal.record(make(group="a", lanes=(LANE,)), send=False)
    await journal.record(make(group="a", lanes=(LANE,)), send=False)
    await journal.record(make(group="c"), send=False)
    await journal.record(make(group="a"), send=False)

    async def heads(*groups: str, limit: int = 10) -> list[int]:
        return [record.number for record in await journal.heads(groups, NOON, limit)]

    assert await heads("a", "b") == [1, 2, 5]
    assert await heads("a", "b", limit=2) == [1, 2]
    assert await heads() == []


async def test_heads_are_of_the_principals_asked_for_and_of_none_in_particular(journal: Journal, make: MakeRecord) -> None:
    for principal in (b"asha", b"ravi", None, b"asha"):
        await journal.record(make(principal=principal), send=False)

    async def heads(*principals: bytes, limit: int = 10) -> list[int]:
        return [record.number for record in await journal.heads(["vaccinator"], NOON, limit, principals)]

    assert await heads() == [3]
    assert await heads(b"asha") == [1, 3, 4]
    assert await heads(b"asha", b"ravi", limit=3) == [1, 2, 3]


async def test_a_lane_is_open_until_its_last_record_is_closed(journal: Journal, make: MakeRecord) -> None:
    await journal.record(make(lanes=(LANE,)), send=True)
    assert await journal.any_open([bytes([1]) * 16, LANE])
    assert not await journal.any_open([bytes([1]) * 16])
    await journal.settle(1, 1, DELIVERED, NOON)
    assert not await journal.any_open([LANE])


async def test_a_record_that_backs_off_is_not_due_and_a_jumped_clock_delays_nothing(journal: Journal, make: MakeRecord) -> None:
    for due_at in (0, NOON + 5_000, NOON + FAR_MS, NOON + FAR_MS + 1):
        recorded = kept(await journal.record(make(), send=True))
        await journal.settle(recorded.number, 1, Settlement(S.PENDING, "unavailable", due_at=due_at), NOON)
    assert [record.number for record in await journal.heads(["vaccinator"], NOON, 10)] == [1, 4]
    assert await journal.next_due(["vaccinator", "auth"], NOON) == NOON + 5_000
    assert [record.number for record in await journal.heads(["vaccinator"], NOON + 5_000, 10)] == [1, 2]
    assert await journal.next_due(["auth"], NOON) is None


async def test_find_fits_pages_and_keeps_order(journal: Journal, make: MakeRecord) -> None:
    other = bytes([7]) * 16
    for number in range(6):
        await journal.record(make(at=NOON + number, route="register" if number % 2 else "vaccinate"), send=number < 2)
    await journal.record(make(at=NOON + 6, lanes=(LANE, other)), send=False)
    await journal.settle(1, 1, DELIVERED, NOON)

    async def found(wanted: RecordFilter) -> list[int]:
        return [record.number for record in await journal.find(wanted)]

    assert await found(RecordFilter()) == [1, 2, 3, 4, 5, 6, 7]
    assert await found(RecordFilter(states=[S.DELIVERED, S.SENDING])) == [1, 2]
    assert await found(RecordFilter(routes=["register"], since=NOON + 2)) == [4, 6]
    assert await found(RecordFilter(lane=other)) == [7]
    assert await found(RecordFilter(limit=2, after=3)) == [4, 5]
    assert await found(RecordFilter(outage=1)) == []


async def test_find_by_outage(journal: Journal, make: MakeRecord) -> None:
    for at, group in ((1, "vaccinator"), (2, "vaccinator"), (3, "auth"), (4, "vaccinator"), (9, "vaccinator")):
        await journal.record(make(at=NOON + at, group=group), send=False)
    outage = await journal.open_outage("vaccinator", NOON + 2, NOON + 2, "refused", "upstream", seen_at(NOON))
    assert [record.number for record in await journal.find(RecordFilter(outage=outage.id))] == [2, 4, 5]
    await journal.end_outage(outage.id, NOON + 5, seen_at(NOON + 5))
    assert [record.number for record in await journal.find(RecordFilter(outage=outage.id))] == [2, 4]


async def test_counts_follow_every_change(journal: Journal, make: MakeRecord) -> None:
    assert await journal.counts() == dict.fromkeys(S, 0)
    assert (await journal.snapshot(NOON, never_holds)).oldest_unsent_at is None
    for number in range(4):
        await journal.record(make(at=NOON - number, group="auth" if number == 3 else "vaccinator"), send=True)
    await journal.settle(1, 1, DELIVERED, NOON)
    await journal.settle(2, 1, Settlement(S.HELD, "refused"), NOON)
    await journal.settle(4, 1, Settlement(S.UNKNOWN, "unknown"), NOON)
    counts = await journal.counts()
    assert {state: n for state, n in counts.items() if n} == {S.DELIVERED: 1, S.HELD: 1, S.SENDING: 1, S.UNKNOWN: 1}
    assert await journal.count_unsent(["vaccinator"]) == 1
    assert await journal.count_unsent(["vaccinator", "auth"]) == 2
    assert (await journal.snapshot(NOON, never_holds)).oldest_unsent_at == NOON - 3


async def test_two_hundred_at_once_have_numbers_without_a_gap(journal: Journal, make: MakeRecord) -> None:
    recorded = await asyncio.gather(*(journal.record(make(), send=True) for _ in range(200)))
    assert sorted(kept(one).number for one in recorded) == list(range(1, 201))


@pytest.mark.parametrize("meanwhile", ["sent", "edited", "exported", "in hand"])
async def test_what_was_found_out_about_a_record_as_it_was_changes_nothing_of_what_it_is(
    journal: Journal, make: MakeRecord, meanwhile: str
) -> None:
    await journal.record(make(), send=False, issue=lambda _: "990001")
    await journal.move(1, S.PENDING, Settlement(S.PENDING, None, looked_up=True), NOON)
    seen = await journal.get(1)
    assert seen is not None
    if meanwhile == "sent":
        assert await journal.begin_send(1, NOON, seen=seen)
        await journal.settle(1, 1, Settlement(S.PENDING, "not_sent"), NOON)
    elif meanwhile == "edited":
        edited = Edited(seen.target, seen.headers, b'{"dose":2}', (LANE,), None, b"2")
        assert isinstance(await journal.edit(seen, edited, Act("asha", "mistyped"), NOON), Decided)
    elif meanwhile == "exported":
        await journal.mark_exported([1], NOON + 1)
    else:
        assert isinstance(await journal.retry(seen, Act("asha", "looked"), NOON), Decided)
    now = await journal.get(1)
    learnt = Learnt("990001", "4844", lambda record, _: Rekeyed((LANE,), record.natural_key, b""))
    assert not await journal.move(1, S.PENDING, DELIVERED, NOON, learnt=learnt, seen=seen)
    assert not await journal.begin_send(1, NOON, seen=seen)
    assert await journal.get(1) == now
    assert (await journal.identities(["990001"]))["990001"].real is None, "nor is it learnt whom the id stands for"
    assert now is not None
    assert (now.looked_up_at is None) is (meanwhile != "sent"), "what was looked up of it before is not believed either"
    assert await journal.move(1, S.PENDING, DELIVERED, NOON, learnt=learnt, seen=now)

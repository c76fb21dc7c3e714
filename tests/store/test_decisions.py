from __future__ import annotations

from dataclasses import replace
from time import perf_counter

import pytest
import sqlcipher3

from store.decision_ledger import held_groups
from store.decisions import Act, Decided, Edited, HeldGroup, NotDecided, Obstacle
from store.errors import JournalRefused
from store.identities import Learnt, Rekeyed
from store.journal import Journal
from store.queries import Db
from store.record_ledger import move, record
from store.records import Conflict, NewRecord, Record, Recorded, RecordState, Same, Settlement
from tests.store.helpers import NOON, MakeRecord

S, NO = RecordState, Obstacle
ACT = Act("asha", "telephoned the centre")
WORD = replace(ACT, word=True)
FACT, OTHER, LANE = b"f" * 16, b"o" * 16, b"l" * 16
EDITED = Edited("/api/v2/x", b"A: b\r\n", b'{"dose":2}', (LANE,), FACT, b"2")


async def stands(journal: Journal, number: int = 1) -> Record:
    found = await journal.get(number)
    assert found is not None
    return found


async def held(journal: Journal, new: NewRecord, *, maybe_applied: bool = False) -> Record:
    """Keep a record that was refused in replay; or of which nobody knows."""
    await journal.record(new, send=True)
    newest = await stands(journal, sum((await journal.counts()).values()))
    await journal.settle(
        newest.number, 1, Settlement(S.HELD, "refused", "refused APPOIN0001", maybe_applied=maybe_applied, failed=True), NOON
    )
    return await stands(journal, newest.number)


async def test_an_edit_is_a_new_revision_and_the_original_is_kept(journal: Journal, make: MakeRecord) -> None:
    new = replace(make(), natural_key=FACT, content=b"1")
    seen = await held(journal, new)
    assert await journal.edit(seen, EDITED, ACT, NOON) == Decided(1, S.PENDING, 2)
    now = await stands(journal)
    assert (now.state, now.revision, now.failures, now.reason) == (S.PENDING, 2, 0, None)
    assert (now.target, now.headers, now.body, now.natural_key) == (EDITED.target, EDITED.headers, EDITED.body, FACT)
    (original,) = await journal.revisions(1)
    assert (original.revision, original.target, original.headers, original.body) == (1, new.target, new.headers, new.body)
    assert (original.replaced_by, original.reason, original.replaced_at) == (ACT.by, ACT.reason, NOON)
    for content in (b"1", b"2"):  # a tap with either telling is this record
        assert isinstance(await journal.record(replace(make(), natural_key=FACT, content=content), send=False), Same)
    assert isinstance(await journal.record(replace(make(), natural_key=FACT, content=b"3"), send=False), Conflict)


async def test_an_edit_may_make_it_another_persons(journal: Journal, make: MakeRecord) -> None:
    seen = await held(journal, make(lanes=(OTHER,)))
    await journal.record(make(lanes=(OTHER,)), send=False)
    await journal.record(make(lanes=(LANE,)), send=False)
    assert [head.number for head in await journal.heads(["vaccinator"], NOON, 9)] == [3]
    await journal.edit(seen, EDITED, ACT, NOON)
    assert [head.number for head in await journal.heads(["vaccinator"], NOON, 9)] == [1, 2]


async def test_an_edit_keyed_by_an_id_that_has_become_known_is_not_taken(journal: Journal, make: MakeRecord) -> None:
    await journal.record(make(), send=False, issue=lambda _: "99000001")
    seen = await held(journal, make(lanes=(OTHER,)))
    awaiting = replace(EDITED, awaits=("99000001",))
    await journal.learn("99000001", "48448366834980", lambda record, _: Rekeyed((), record.natural_key, b""), NOON)
    assert await journal.edit(seen, awaiting, ACT, NOON) == NotDecided(2, S.HELD, NO.MOVED_ON)
    assert isinstance(await journal.edit(seen, EDITED, ACT, NOON), Decided)


async def test_an_edit_of_what_may_have_got_through_needs_a_word(journal: Journal, make: MakeRecord) -> None:
    seen = await held(journal, make(), maybe_applied=True)
    assert await journal.edit(seen, EDITED, ACT, NOON) == NotDecided(1, S.HELD, NO.MAYBE_APPLIED)
    assert await journal.discard(seen, ACT, NOON) == NotDecided(1, S.HELD, NO.MAYBE_APPLIED)
    assert await journal.edit(seen, EDITED, WORD, NOON) == Decided(1, S.PENDING, 2)
    assert not (await stands(journal)).maybe_applied


async def test_what_was_never_sent_may_be_edited_and_what_was_may_not(journal: Journal, make: MakeRecord) -> None:
    await journal.record(make(), send=False)
    seen = await stands(journal)
    assert isinstance(await journal.edit(seen, EDITED, ACT, NOON), Decided)
    assert await journal.edit(seen, EDITED, ACT, NOON) == NotDecided(1, S.PENDING, NO.MOVED_ON)
    await journal.begin_send(1, NOON)
    assert await journal.edit(await stands(journal), EDITED, ACT, NOON) == NotDecided(1, S.SENDING, NO.NOT_FROM_THIS_STATE)
    await journal.settle(1, 1, Settlement(S.PENDING, "throttled"), NOON)
    assert await journal.edit(await stands(journal), EDITED, ACT, NOON) == NotDecided(1, S.PENDING, NO.NOT_FROM_THIS_STATE)


async def test_an_edit_into_a_known_fact_needs_a_word_and_keeps_it(journal: Journal, make: MakeRecord) -> None:
    await journal.record(replace(make(), natural_key=FACT), send=False)
    seen = await held(journal, replace(make(), natural_key=OTHER))
    assert await journal.edit(seen, EDITED, ACT, NOON) == NotDecided(2, S.HELD, NO.FACT_IS_KNOWN, 1)
    assert await journal.edit(seen, EDITED, WORD, NOON) == Decided(2, S.PENDING, 2)
    assert (await stands(journal, 2)).override == WORD.reason
    assert isinstance(await journal.record(replace(make(), natural_key=OTHER), send=False), Recorded)


@pytest.mark.parametrize(
    ("maybe_applied", "act", "to", "still"), [(False, ACT, S.PENDING, False), (True, ACT, S.UNKNOWN, True), (True, WORD, S.PENDING, False)]
)
async def test_a_retry_goes_through_the_look_up_where_a_send_may_have_got_through(
    journal: Journal, make: MakeRecord, maybe_applied: bool, act: Act, to: RecordState, still: bool
) -> None:
    seen = await held(journal, make(), maybe_applied=maybe_applied)
    assert await journal.retry(seen, act, NOON) == Decided(1, to, 1)
    now = await stands(journal)
    assert (now.maybe_applied, now.failures, now.due_at) == (still, 0, 0)
    assert [head.number for head in await journal.heads(["vaccinator"], NOON, 9)] == [1]


async def test_a_delivery_found_missing_that_we_never_sent_is_retried_as_pending_and_looked_up(journal: Journal, make: MakeRecord) -> None:
    await journal.record(make(), send=False)
    await journal.move(1, S.PENDING, Settlement(S.DELIVERED, None), NOON)
    await journal.move(1, S.DELIVERED, Settlement(S.HELD, None, "missing", maybe_applied=True), NOON)
    assert await journal.retry(await stands(journal), ACT, NOON) == Decided(1, S.PENDING, 1)
    assert (await stands(journal)).maybe_applied


async def test_of_two_that_are_one_fact_the_one_that_has_it_is_retried_freely(journal: Journal, make: MakeRecord) -> None:
    first = await held(journal, replace(make(), natural_key=FACT, content=b"1"))
    second = await held(journal, replace(make(), natural_key=FACT, content=b"2", override="both"))
    assert isinstance(await journal.retry(first, ACT, NOON), Decided)
    assert isinstance(await journal.retry(second, ACT, NOON), Decided)


async def test_a_person_settles_with_a_reference_and_gives_the_children_their_id(journal: Journal, make: MakeRecord) -> None:
    await journal.record(make(lanes=(OTHER,)), send=False, issue=lambda _: "990001")
    await journal.record(make(lanes=(journal.lane_hash("990001"),)), send=False)
    learnt = Learnt("990001", "4844", lambda record, _: Rekeyed((LANE,), record.natural_key, b""))
    assert await journal.settle_by_person(await stands(journal), "4844", ACT, NOON, learnt=learnt) == Decided(1, S.DELIVERED, 1)
    assert (await stands(journal)).reference == "4844"
    assert (await journal.identities(["990001"]))["990001"].real == "4844"
    assert await journal.any_open([LANE])
    assert not await journal.any_open([journal.lane_hash("990001")])
    seen = await stands(journal)
    assert await journal.settle_by_person(seen, "4845", ACT, NOON) == NotDecided(1, S.DELIVERED, NO.NOT_FROM_THIS_STATE)


async def test_a_registration_is_not_discarded_while_its_persons_records_wait(journal: Journal, make: MakeRecord) -> None:
    await journal.record(make(), send=False, issue=lambda _: "990001")
    await journal.record(make(lanes=(journal.lane_hash("990001"),)), send=False)
    assert await journal.discard(await stands(journal), ACT, NOON) == NotDecided(1, S.PENDING, NO.CHILDREN_WAIT, 2)
    assert await journal.discard(await stands(journal, 2), ACT, NOON) == Decided(2, S.DISCARDED, 1)
    assert await journal.discard(await stands(journal), ACT, NOON) == Decided(1, S.DISCARDED, 1)
    assert await journal.discard(await stands(journal), ACT, NOON) == NotDecided(1, S.DISCARDED, NO.NOT_FROM_THIS_STATE)
    ghost = replace(await stands(journal), number=9)
    assert await journal.discard(ghost, ACT, NOON) == NotDecided(9, None, NO.MOVED_ON)


async def test_an_edited_registration_stays_in_the_lane_of_its_id(journal: Journal, make: MakeRecord) -> None:
    await journal.record(make(), send=False, issue=lambda _: "990001")
    await journal.record(make(lanes=(journal.lane_hash("990001"),)), send=False)
    await journal.edit(await stands(journal), EDITED, ACT, NOON)
    assert [head.number for head in await journal.heads(["vaccinator"], NOON, 9)] == [1]


async def test_held_records_are_told_by_route_and_reason(journal: Journal, make: MakeRecord) -> None:
    for number in range(3):
        await held(journal, make(at=NOON - number, lanes=(LANE, OTHER) if number == 1 else (bytes([number]) * 16,)))
    for number in (4, 5):
        await journal.record(make(route="register"), send=False)
        await journal.move(number, S.PENDING, Settlement(S.HELD, None, f"same-fact-as {number - 3}"), NOON)
    assert await journal.held_groups() == [
        HeldGroup("vaccinate", "refused APPOIN0001", 3, NOON - 2, 3),
        HeldGroup("register", "same-fact-as", 2, NOON, 2),
    ]


async def test_clearing_is_for_those_who_can_tell(journal: Journal, make: MakeRecord) -> None:
    await journal.record(make(), send=True)
    await journal.settle(1, 1, Settlement(S.UNKNOWN, "unknown"), NOON)
    cleared = Settlement(S.PENDING, None, cleared=True, looked_up=True)
    with pytest.raises(ValueError, match="delivered"):
        await journal.move(1, S.DELIVERED, cleared, NOON)
    assert await journal.move(1, S.UNKNOWN, cleared, NOON + 7)
    now = await stands(journal)
    assert (now.state, now.maybe_applied, now.looked_up_at, now.last_sent_at) == (S.PENDING, False, NOON + 7, NOON)


@pytest.mark.parametrize("by", ["look-up", "retry", "edit"])
async def test_what_was_never_sent_from_here_and_may_be_there_is_cleared_by_whoever_can_tell(
    journal: Journal, make: MakeRecord, by: str
) -> None:
    """As `unknown` it cannot stand: no send of ours was made. It waits as `pending`, and must not be looked up for ever."""
    await journal.record(make(), send=False)
    await journal.move(1, S.PENDING, Settlement(S.DELIVERED, None), NOON)
    await journal.move(1, S.DELIVERED, Settlement(S.HELD, None, "missing", maybe_applied=True), NOON)
    assert await journal.retry(await stands(journal), ACT, NOON) == Decided(1, S.PENDING, 1)
    seen = await stands(journal)
    assert seen.maybe_applied
    if by == "look-up":
        assert await journal.move(1, S.PENDING, Settlement(S.PENDING, None, looked_up=True, cleared=True), NOON, seen=seen)
    elif by == "retry":
        assert isinstance(await journal.retry(seen, WORD, NOON), Decided)
    else:
        assert isinstance(await journal.edit(seen, EDITED, WORD, NOON), Decided)
    now = await stands(journal)
    assert (now.state, now.maybe_applied) == (S.PENDING, False)


@pytest.mark.parametrize("sent_again", [False, True])
async def test_what_gets_through_as_it_was_before_its_edit_is_not_what_it_says_now(
    journal: Journal, make: MakeRecord, sent_again: bool
) -> None:
    """A record turns out to be a double while its send is under way, and a person vouches that no send got through."""
    await journal.record(make(), send=False, issue=lambda _: "990001")
    await journal.record(replace(make(), natural_key=FACT), send=True)
    await journal.record(replace(make(lanes=(journal.lane_hash("990001"), LANE)), natural_key=OTHER), send=False)
    await journal.move(1, S.PENDING, Settlement(S.DELIVERED, None), NOON)
    await journal.begin_send(3, NOON)
    await journal.learn("990001", "4844", lambda *_: Rekeyed((LANE,), FACT, b"c"), NOON)
    double = await stands(journal, 3)
    assert (double.state, double.reason, double.maybe_applied) == (S.HELD, "same-fact-as 2", True)
    assert isinstance(await journal.edit(double, replace(EDITED, natural_key=OTHER), WORD, NOON), Decided)
    if sent_again:
        assert await journal.begin_send(3, NOON)
    assert await journal.settle(3, 1, Settlement(S.DELIVERED, "accepted"), NOON, revision=1)
    now = await stands(journal, 3)
    assert (now.state, now.reason, now.maybe_applied, now.revision) == (S.HELD, "delivered before its edit", True, 2)
    if sent_again:
        assert await journal.settle(3, 2, Settlement(S.DELIVERED, "accepted"), NOON, revision=2)
        assert (await stands(journal, 3)).state is S.DELIVERED
    assert not await journal.settle(9, 1, Settlement(S.DELIVERED, "accepted"), NOON, revision=1)


async def test_a_purged_record_is_never_sent_again(journal: Journal, make: MakeRecord) -> None:
    await journal.record(make(), send=True)
    await journal.settle(1, 1, Settlement(S.DELIVERED, "accepted"), NOON)
    assert await journal.purge(NOON + 1, NOON + 1) == 1
    with pytest.raises(JournalRefused, match="stays delivered"):
        await journal.move(1, S.DELIVERED, Settlement(S.HELD, None, "missing", maybe_applied=True), NOON)


def test_a_request_is_altered_only_when_it_is_kept_as_a_revision(db: Db, make: MakeRecord) -> None:
    record(db, make(), send=False)
    keep = "INSERT INTO record_revision SELECT 1, 1, 1, 'asha', 'why', target, headers, body, x'' FROM record_request"
    db.execute(keep)
    db.execute("UPDATE record_request SET body = x'00'")
    for sql in (
        "UPDATE record_request SET body = x'01'",
        "UPDATE record_revision SET reason = ''",
        "UPDATE record_revision SET body = x''",
    ):
        with pytest.raises(sqlcipher3.IntegrityError, match="not altered"):
            db.execute(sql)
    with pytest.raises(sqlcipher3.IntegrityError, match="never deleted"):
        db.execute("DELETE FROM record_revision")


def test_ten_thousand_held_are_told_at_once(db: Db, make: MakeRecord) -> None:
    db.execute("BEGIN")
    for number in range(10_000):
        record(db, make(), send=False)
        move(db, number + 1, S.PENDING, Settlement(S.HELD, None, f"refused {number % 3}"), NOON)
    db.execute("COMMIT")
    began = perf_counter()
    assert [group.count for group in held_groups(db)] == [3334, 3333, 3333]
    assert perf_counter() - began < 1

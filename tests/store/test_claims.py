from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.journal import Journal
from store.queries import Db
from store.record_ledger import begin_send, move, record, settle
from store.records import Admission, Conflict, KeyReused, NewRecord, NotKept, Outrun, Recorded, RecordState, Same, Settlement, StoredAnswer
from tests.proof.mode import PROOF
from tests.store.helpers import NOON, MakeRecord, new_journal

S = RecordState
FACT, KEY = b"f" * 16, b"k" * 16


@pytest.mark.parametrize("state", [S.PENDING, S.SENDING, S.UNKNOWN, S.HELD, S.DELIVERED])
async def test_the_same_fact_is_the_same_record_whatever_became_of_it(journal: Journal, make: MakeRecord, state: RecordState) -> None:
    first = replace(make(), natural_key=FACT, content=b"covishield")
    await journal.record(first, send=state is not S.PENDING)
    if state not in (S.PENDING, S.SENDING):
        await journal.settle(1, 1, Settlement(state, "x", maybe_applied=state is S.UNKNOWN), NOON)
    assert await journal.record(replace(make(), natural_key=FACT, content=b"covishield"), send=True) == Same(1, first.id, state)
    assert await journal.record(replace(make(), natural_key=FACT, content=b"covaxin"), send=True) == Conflict(1, first.id, state)
    assert sum((await journal.counts()).values()) == 1


@pytest.mark.parametrize("state", [S.REFUSED, S.DISCARDED])
async def test_what_was_given_up_lets_go_of_both_keys(journal: Journal, make: MakeRecord, state: RecordState) -> None:
    await journal.record(replace(make(), natural_key=FACT, idempotency_key=KEY, fingerprint=b"1"), send=True)
    await journal.settle(1, 1, Settlement(S.HELD if state is S.DISCARDED else state, "refused"), NOON)
    if state is S.DISCARDED:
        await journal.move(1, S.HELD, Settlement(S.DISCARDED, None), NOON)
    again = await journal.record(replace(make(), natural_key=FACT, idempotency_key=KEY, fingerprint=b"2"), send=True)
    assert again == Recorded(2, S.SENDING)


async def test_a_key_comes_with_one_request(journal: Journal, make: MakeRecord) -> None:
    first = replace(make(), idempotency_key=KEY, fingerprint=b"1")
    await journal.record(first, send=False)
    assert await journal.record(replace(make(), idempotency_key=KEY, fingerprint=b"1"), send=True) == Same(1, first.id, S.PENDING)
    assert await journal.record(replace(make(), idempotency_key=KEY, fingerprint=b"2"), send=True) == KeyReused(1, first.id, S.PENDING)


async def test_the_second_taps_key_names_the_first_taps_record(journal: Journal, make: MakeRecord) -> None:
    await journal.record(replace(make(), natural_key=FACT, idempotency_key=KEY), send=False)
    other = b"o" * 16
    assert isinstance(await journal.record(replace(make(), natural_key=FACT, idempotency_key=other), send=False), Same)
    assert isinstance(await journal.record(replace(make(), idempotency_key=other, fingerprint=b"2"), send=False), KeyReused)


async def test_both_are_true_where_somebody_says_so(journal: Journal, make: MakeRecord) -> None:
    await journal.record(replace(make(), natural_key=FACT, content=b"a"), send=True)
    also = replace(make(), natural_key=FACT, content=b"b", override="the first was a booster")
    assert await journal.record(also, send=True) == Recorded(2, S.SENDING)
    stored = await journal.get(2)
    assert stored is not None
    assert stored.override == "the first was a booster"
    assert await journal.record(replace(also, id=make().id), send=True) == Same(2, also.id, S.SENDING)
    assert isinstance(await journal.record(replace(make(), natural_key=FACT, content=b"c"), send=True), Conflict)
    await journal.settle(1, 1, Settlement(S.REFUSED, "refused"), NOON)
    found = await journal.record(replace(make(), natural_key=FACT, content=b"c"), send=True)
    assert isinstance(found, Conflict)
    assert found.number == 2


async def test_of_two_desks_that_race_one_keeps_the_dose(journal: Journal, make: MakeRecord) -> None:
    facts = [number.to_bytes(16) for number in range(200)]
    taps = [replace(make(), natural_key=fact) for fact in facts for _ in "ab"]
    found = await asyncio.gather(*(journal.record(tap, send=True) for tap in taps))
    assert sum(isinstance(one, Recorded) for one in found) == 200
    assert {one.number for one in found if isinstance(one, Same)} == {one.number for one in found if isinstance(one, Recorded)}


async def test_an_answer_is_kept_with_the_settling_it_came_with(journal: Journal, make: MakeRecord) -> None:
    answer = StoredAnswer(200, "OK", b"Content-Type: text/plain\r\n", b"done")
    await journal.record(make(), send=True)
    assert await journal.answer_of(1) is None
    assert not await journal.settle(1, 7, Settlement(S.REFUSED, "refused"), NOON, answer=answer)
    assert await journal.answer_of(1) is None
    assert await journal.settle(1, 1, Settlement(S.DELIVERED, "accepted"), NOON, answer=answer)
    assert await journal.answer_of(1) == answer


@dataclass
class Oracle:
    """Each record kept: its state, fact, content and override."""

    records: list[tuple[RecordState, int, int, bool]] = field(default_factory=list)

    def expected(self, fact: int, content: int, *, override: bool) -> tuple[type[Admission], set[int]]:
        claims = {
            number: its_content
            for number, (state, its_fact, its_content, _) in enumerate(self.records, 1)
            if its_fact == fact and state not in (S.REFUSED, S.DISCARDED)
        }
        same = {number for number, its_content in claims.items() if its_content == content}
        if same:
            return Same, same
        if claims and not override:
            return Conflict, set(claims)
        return Recorded, {len(self.records) + 1}


def close(db: Db, number: int, to: RecordState) -> None:
    assert begin_send(db, number, 1)
    if to is S.DISCARDED:
        assert settle(db, number, 1, Settlement(S.HELD, "x"), 1)
        assert move(db, number, S.HELD, Settlement(to, None), 1)
    else:
        assert settle(db, number, 1, Settlement(to, "x"), 1)


@settings(max_examples=200 if PROOF else 25, deadline=None)
@pytest.mark.timeout(600 if PROOF else 60)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.integers(0, 2), st.integers(0, 2), st.booleans()),
            st.tuples(st.integers(1, 12), st.sampled_from([S.DELIVERED, S.REFUSED, S.DISCARDED])),
        ),
        max_size=25,
    )
)
def test_claims_are_as_worked_out_from_all_records(steps: list[tuple[int, int, bool] | tuple[int, RecordState]]) -> None:
    oracle = Oracle()
    with new_journal() as db:
        for step in steps:
            match step:
                case (int() as number, RecordState() as to):
                    if number <= len(oracle.records) and oracle.records[number - 1][0] is S.PENDING:
                        close(db, number, to)
                        oracle.records[number - 1] = (to, *oracle.records[number - 1][1:])
                case (int() as fact, int() as content, bool() as override):
                    id_ = len(oracle.records).to_bytes(16)
                    new = NewRecord(id_, "r", "g", (id_,), "POST", "/", b"", b"", 1, None, fact.to_bytes(16), bytes([content]))
                    expected, numbers = oracle.expected(fact, content, override=override)
                    found = record(db, replace(new, override="both" if override else None), send=False)
                    assert isinstance(found, expected)
                    assert not isinstance(found, Outrun | NotKept)
                    assert found.number in numbers
                    if isinstance(found, Recorded):
                        oracle.records.append((S.PENDING, fact, content, override))

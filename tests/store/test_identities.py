from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.errors import IdsUsedUp
from store.identities import Learnt, RealOf, Rekeyed
from store.identity_ledger import PROVISIONAL_IDS, REUSED_AFTER_MS, TRIES_MAX, learn
from store.journal import Journal
from store.queries import run
from store.record_ledger import begin_send, record, register
from store.record_ledger import settle as settle_record
from store.record_search import heads
from store.records import Admission, NewRecord, Outrun, Record, Recorded, RecordState, Same, Settlement
from tests.store.helpers import NOON, MakeRecord, kept, new_journal

S = RecordState
DELIVERED = Settlement(S.DELIVERED, "accepted")
MOBILE = b"m" * 16


def issue(number: int) -> str:
    return f"99{number:04}"


def keyed(hashed: Callable[[str], bytes]) -> Callable[[Record, RealOf], Rekeyed]:
    """Key records whose body is `person` or, of a registration, `mobile+person`; a dose is one fact a person."""

    def rekey(record: Record, real_of: RealOf) -> Rekeyed:
        people = [real_of(person) or person for person in record.body.decode().split("+")]
        fact = record.natural_key if record.issues else hashed("dose " + people[0])
        return Rekeyed(tuple(map(hashed, people)), fact, b"content")

    return rekey


def dose(journal: Journal, new: NewRecord, person: str) -> NewRecord:
    return replace(
        new,
        body=person.encode(),
        lanes=(journal.lane_hash(person),),
        natural_key=journal.lane_hash("dose " + person),
        content=b"content",
        awaits=(person,) if person.startswith("99") else (),
    )


async def walk_in(journal: Journal, new: NewRecord, *, send: bool = False) -> str:
    recorded = kept(await journal.record(replace(new, lanes=(MOBILE,), body=b"mobile"), send=send, issue=issue))
    assert recorded.issues is not None
    return recorded.issues


async def heads_of(journal: Journal) -> list[int]:
    return [head.number for head in await journal.heads(["vaccinator"], NOON, 100)]


async def test_a_registration_is_given_an_id_that_was_never_given_before(journal: Journal, make: MakeRecord) -> None:
    key, new = b"k" * 16, make()
    first = kept(await journal.record(replace(new, idempotency_key=key), send=False, issue=issue))
    assert first == Recorded(1, S.PENDING, "990001")
    assert await journal.record(replace(make(), idempotency_key=key), send=False, issue=issue) == Same(1, new.id, S.PENDING, "990001")
    assert await walk_in(journal, make()) == "990002"
    stored = await journal.get(1)
    assert stored is not None
    assert stored.issues == "990001"
    (identity,) = (await journal.identities(["990001", "990009"])).values()
    assert (identity.number, identity.real, identity.learnt_at, identity.adopted) == (1, None, None, False)


async def test_a_dose_waits_behind_the_registration_and_not_behind_others_of_the_same_mobile(journal: Journal, make: MakeRecord) -> None:
    first, second = await walk_in(journal, make()), await walk_in(journal, make())
    await journal.record(dose(journal, make(), first), send=True)
    assert await heads_of(journal) == [1]
    await journal.begin_send(1, NOON)
    learnt = Learnt(first, "4844", keyed(journal.lane_hash))
    assert await journal.settle(1, 1, DELIVERED, NOON, learnt=learnt)
    assert await heads_of(journal) == [2, 3]
    assert (await journal.identities([first]))[first].real == "4844"
    assert (await journal.identities([second]))[second].real is None


async def test_a_dose_for_the_real_id_waits_behind_the_one_for_the_provisional_id(journal: Journal, make: MakeRecord) -> None:
    provisional = await walk_in(journal, make())
    await journal.record(replace(dose(journal, make(), provisional), natural_key=None), send=False)
    assert kept(await journal.record(replace(dose(journal, make(), "4844"), natural_key=None), send=False)).number == 3
    assert await heads_of(journal) == [1, 3]
    await journal.begin_send(1, NOON)
    rekey = keyed(journal.lane_hash)
    await journal.settle(
        1, 1, DELIVERED, NOON, learnt=Learnt(provisional, "4844", lambda r, real: replace(rekey(r, real), natural_key=None))
    )
    assert await heads_of(journal) == [2]


async def test_where_two_are_one_fact_the_younger_is_held(journal: Journal, make: MakeRecord) -> None:
    provisional = await walk_in(journal, make())
    await journal.record(dose(journal, make(), provisional), send=False)
    await journal.record(dose(journal, make(), "4844"), send=False)
    assert await journal.learn(provisional, "4844", keyed(journal.lane_hash), NOON)
    second, third = await journal.get(2), await journal.get(3)
    assert second is not None
    assert third is not None
    assert (second.state, third.state, third.reason) == (S.PENDING, S.HELD, "same-fact-as 2")
    assert second.natural_key == third.natural_key == journal.lane_hash("dose 4844")
    assert isinstance(await journal.record(dose(journal, make(), "4844"), send=False), Same)


async def test_what_the_server_may_have_is_the_fact_before_what_is_older(journal: Journal, make: MakeRecord) -> None:
    provisional = await walk_in(journal, make())
    await journal.record(dose(journal, make(), provisional), send=False)
    await journal.record(dose(journal, make(), "4844"), send=True)
    assert await journal.learn(provisional, "4844", keyed(journal.lane_hash), NOON)
    second, third = await journal.get(2), await journal.get(3)
    assert second is not None
    assert third is not None
    assert (second.state, second.reason, third.state) == (S.HELD, "same-fact-as 3", S.SENDING)


async def test_a_double_whose_send_is_under_way_is_held_as_one_that_may_get_through(journal: Journal, make: MakeRecord) -> None:
    provisional = await walk_in(journal, make(), send=True)
    await journal.settle(1, 1, DELIVERED, NOON)
    await journal.record(dose(journal, make(), provisional), send=True)
    await journal.record(dose(journal, make(), "4844"), send=True)
    await journal.learn(provisional, "4844", keyed(journal.lane_hash), NOON)
    second, third = await journal.get(2), await journal.get(3)
    assert second is not None
    assert third is not None
    assert (second.state, third.state, third.maybe_applied) == (S.SENDING, S.HELD, True)
    assert await journal.settle(3, 1, DELIVERED, NOON)


async def test_a_delivered_dose_is_the_fact_before_an_older_one_that_is_not(journal: Journal, make: MakeRecord) -> None:
    provisional = await walk_in(journal, make())
    await journal.record(dose(journal, make(), provisional), send=False)
    await journal.record(dose(journal, make(), "4844"), send=True)
    await journal.settle(3, 1, DELIVERED, NOON)
    await journal.learn(provisional, "4844", keyed(journal.lane_hash), NOON)
    second = await journal.get(2)
    assert second is not None
    assert (second.state, second.reason) == (S.HELD, "same-fact-as 3")


async def test_one_of_a_person_is_under_way_at_a_time_also_when_two_lanes_become_one(journal: Journal, make: MakeRecord) -> None:
    provisional = await walk_in(journal, make())
    await journal.record(replace(dose(journal, make(), provisional), natural_key=None), send=False)
    await journal.record(replace(dose(journal, make(), "4844"), natural_key=None), send=True)
    rekey = keyed(journal.lane_hash)
    await journal.begin_send(1, NOON)
    await journal.settle(
        1, 1, DELIVERED, NOON, learnt=Learnt(provisional, "4844", lambda r, real: replace(rekey(r, real), natural_key=None))
    )
    assert await journal.begin_send(2, NOON) is None
    assert await heads_of(journal) == [], "it would be refused again and again"
    assert [head.number for head in await journal.heads(["vaccinator"], NOON, 100, free=False)] == [2]
    await journal.record(dose(journal, make(), "4845"), send=False)
    assert [head.number for head in await journal.heads(["vaccinator"], NOON, 1)] == [4], "who is not overtaken is found behind it"
    await journal.settle(3, 1, DELIVERED, NOON)
    assert await journal.begin_send(2, NOON) is not None


async def test_two_registrations_that_are_one_person_are_one_lane(journal: Journal, make: MakeRecord) -> None:
    one, two = await walk_in(journal, make()), await walk_in(journal, replace(make(), group="other"))
    for provisional in (two, one):
        await journal.record(replace(dose(journal, make(), provisional), natural_key=None), send=False)

    def rekey(record: Record, real_of: RealOf) -> Rekeyed:
        return replace(keyed(journal.lane_hash)(record, real_of), natural_key=None)

    for number, provisional in ((1, one), (2, two)):
        assert await journal.move(number, S.PENDING, DELIVERED, NOON, learnt=Learnt(provisional, "4844", rekey, adopted=True))
    assert await heads_of(journal) == [3]
    assert all(identity.adopted for identity in (await journal.identities([one, two])).values())


@pytest.mark.parametrize("why", ["its route is gone", "the profile does not fit it"])
async def test_a_record_that_cannot_be_keyed_anew_keeps_nobodys_id_from_being_learnt(
    journal: Journal, make: MakeRecord, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    provisional = await walk_in(journal, make())
    odd, plain = dose(journal, make(), provisional), replace(dose(journal, make(), provisional), natural_key=None)
    await journal.record(odd, send=False)
    await journal.record(plain, send=False)
    keyed_by = keyed(journal.lane_hash)
    caplog.set_level("CRITICAL", "store.identity_ledger")

    def rekey(record: Record, real_of: RealOf) -> Rekeyed | None:
        if record.number != 2:
            return replace(keyed_by(record, real_of), natural_key=None)
        if why == "its route is gone":
            return None
        raise ValueError(why)

    await journal.begin_send(1, NOON)
    assert await journal.settle(1, 1, DELIVERED, NOON, learnt=Learnt(provisional, "4844", rekey))
    assert (await journal.identities([provisional]))[provisional].real == "4844"
    assert await heads_of(journal) == [2], "it goes before what is younger of its person"
    late = replace(dose(journal, make(), "4844"), natural_key=None)
    assert kept(await journal.record(late, send=True)).state is S.PENDING
    assert isinstance(await journal.record(replace(make(), natural_key=odd.natural_key, content=odd.content), send=False), Same)


async def test_an_id_is_learnt_once(journal: Journal, make: MakeRecord) -> None:
    provisional = await walk_in(journal, make())
    rekey = keyed(journal.lane_hash)
    assert await journal.learn(provisional, "4844", rekey, NOON)
    assert await journal.learn(provisional, "4844", rekey, NOON)
    assert await journal.audit_entries() == []
    assert not await journal.learn(provisional, "4845", rekey, NOON)
    assert [(entry.action, entry.number) for entry in await journal.audit_entries()] == [("id-contradicted", 1)]
    assert (await journal.identities([provisional]))[provisional].real == "4844"
    assert not await journal.learn("999999", "4844", rekey, NOON)


async def test_a_record_keyed_by_an_id_that_was_learnt_meanwhile_is_not_kept(journal: Journal, make: MakeRecord) -> None:
    provisional = await walk_in(journal, make())
    late = dose(journal, make(), provisional)
    await journal.learn(provisional, "4844", keyed(journal.lane_hash), NOON)
    assert await journal.record(late, send=True) == Outrun(provisional, "4844")
    assert isinstance(await journal.record(dose(journal, make(), "4844"), send=True), Recorded)


async def test_a_registration_that_is_open_still_goes_before_its_persons_records(journal: Journal, make: MakeRecord) -> None:
    provisional = await walk_in(journal, make())
    await journal.record(dose(journal, make(), provisional), send=False)
    await journal.learn(provisional, "4844", keyed(journal.lane_hash), NOON)
    assert kept(await journal.record(replace(dose(journal, make(), "4844"), natural_key=None), send=True)).state is S.PENDING
    assert await heads_of(journal) == [1]


PEOPLE = ["A", "B", "990001", "990002"]


def hashed(text: str) -> bytes:
    return text.encode().ljust(16, b"_")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("dose"), st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=2, unique=True)),
            st.tuples(st.just("close"), st.integers(3, 10)),
            st.tuples(st.just("learn"), st.sampled_from(PEOPLE[2:]), st.sampled_from(PEOPLE[:2])),
        ),
        max_size=20,
    )
)
def test_heads_after_learning_are_the_first_open_of_each_person(steps: list[tuple[object, ...]]) -> None:
    """Against an oracle that knows persons, not lanes."""
    real: dict[str, str] = {}
    people: dict[int, set[str]] = {1: {"990001"}, 2: {"990002"}}

    def rekey(record: Record, real_of: RealOf) -> Rekeyed:
        return Rekeyed(tuple(hashed(real_of(person) or person) for person in record.body.decode().split("+") if person), None, b"")

    with new_journal() as db:
        for number, provisional in enumerate(PEOPLE[2:], 1):
            new = NewRecord(bytes([number]) * 16, "register", "g", (), "POST", "/", b"", provisional.encode(), 1)
            register(db, new, issue, hashed, send=False)
        for count, step in enumerate(steps):
            match step:
                case ("dose", list() as whom):
                    lanes = tuple(hashed(real.get(str(person), str(person))) for person in whom)
                    new = NewRecord(b"d" * 8 + count.to_bytes(8), "dose", "g", lanes, "POST", "/", b"", "+".join(whom).encode(), 1)
                    people[kept(record(db, new, send=False)).number] = set(whom)
                case ("close", int() as number):
                    if begin_send(db, number, 1):
                        settle_record(db, number, 1, DELIVERED, 1)
                        del people[number]
                case ("learn", str() as provisional, str() as whose):
                    assert learn(db, Learnt(provisional, whose, rekey), hashed, 1) is (real.get(provisional, whose) == whose)
                    real.setdefault(provisional, whose)
                case _:
                    raise AssertionError(step)
            persons_of = {number: {real.get(person, person) for person in whom} for number, whom in people.items()}
            expected = [n for n in sorted(persons_of) if not any(m < n and persons_of[m] & persons_of[n] for m in persons_of)]
            assert [head.number for head in heads(db, ["g"], 1, 100)] == expected


async def test_a_running_number_comes_again_only_when_its_person_is_known_and_the_slip_is_old(journal: Journal, make: MakeRecord) -> None:
    def one_of_two(number: int) -> str:
        return issue(number % 2)

    def keep(at: int) -> Awaitable[Admission]:
        return journal.record(replace(make(), recorded_at=at), send=False, issue=one_of_two)

    first = kept(await keep(NOON)).issues
    assert {first, kept(await keep(NOON)).issues} == {"990000", "990001"}
    with pytest.raises(IdsUsedUp):
        await keep(NOON)
    assert first is not None
    await journal.learn(first, "4844", keyed(journal.lane_hash), NOON)
    with pytest.raises(IdsUsedUp):
        await keep(NOON + REUSED_AFTER_MS - 1)
    assert kept(await keep(NOON + REUSED_AFTER_MS)).issues == first
    assert (await journal.identities([first]))[first].real is None


@pytest.mark.parametrize("given_before", [False, True], ids=["one never given", "one given long ago"])
def test_behind_many_ids_in_a_row_that_are_taken_the_next_free_one_is_found(given_before: bool) -> None:
    """Such as those of registrations that were given up: nobody ever learns whom they stand for."""
    taken = TRIES_MAX + 5

    def one_of_some(number: int) -> str:
        return issue(number % (taken + 1))

    with new_journal() as db:

        def given(at: int) -> str | None:
            new = NewRecord(secrets.token_bytes(16), "register", "g", (), "POST", "/", b"", b"", at)
            return kept(register(db, new, one_of_some, hashed, send=False)).issues

        for _ in range(taken):
            given(NOON)
        if given_before:
            assert given(NOON) == one_of_some(0)
            learn(db, Learnt(one_of_some(0), "4844", lambda *_: Rekeyed((), None, b"")), hashed, NOON)
        else:
            run(db, "skip_count", name=PROVISIONAL_IDS, label="", gap=1)
        assert given(NOON + REUSED_AFTER_MS) == one_of_some(0)
        for _ in range(2):
            with pytest.raises(IdsUsedUp):
                given(NOON + REUSED_AFTER_MS)

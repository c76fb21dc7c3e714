"""Accepted credentials and stand-ins, as the journal keeps them."""

from __future__ import annotations

from dataclasses import replace

from store.journal import Journal
from store.principal_ledger import CREDENTIALS_MAX, Accepted, Waiting
from store.records import NotKept, Recorded, RecordState
from tests.store.helpers import NOON, MakeRecord, kept

ASHA, RAVI, FACILITY = b"a" * 16, b"r" * 16, b"f" * 16


async def test_the_latest_acceptance_counts_and_a_refusal_since(journal: Journal) -> None:
    await journal.accept_credential(Accepted(ASHA, NOON, "boot", 1.5))
    await journal.refuse_credential(ASHA, NOON + 1)
    await journal.refuse_credential(RAVI, NOON + 2)
    never = Accepted(RAVI, 0, "", 0.0, NOON + 2)
    assert await journal.accepted_credentials() == [Accepted(ASHA, NOON, "boot", 1.5, NOON + 1), never]
    await journal.accept_credential(Accepted(ASHA, NOON + 3, "next boot", 0.5))
    assert await journal.accepted_credentials() == [never, Accepted(ASHA, NOON + 3, "next boot", 0.5)]


async def test_they_are_bounded_and_the_oldest_goes_first(journal: Journal) -> None:
    for number in range(CREDENTIALS_MAX + 3):
        if number % 2:
            await journal.accept_credential(Accepted(number.to_bytes(16), NOON + number, "boot", 0.0))
        else:
            await journal.refuse_credential(number.to_bytes(16), NOON + number)
    left = await journal.accepted_credentials()
    assert [row.credential for row in left] == [number.to_bytes(16) for number in range(3, CREDENTIALS_MAX + 3)]


async def test_who_stands_in_for_whom_is_kept_with_the_record(journal: Journal, make: MakeRecord) -> None:
    for principal, same in ((ASHA, FACILITY), (RAVI, None), (None, FACILITY), (ASHA, FACILITY)):
        kept(await journal.record(replace(make(principal=principal), same=same), send=False))
    assert await journal.stand_ins() == {ASHA: FACILITY}


async def test_what_waits_for_a_log_in(journal: Journal, make: MakeRecord) -> None:
    await journal.record(replace(make(principal=ASHA, at=NOON + 5), deadline_at=NOON + 90), send=False)
    await journal.record(make(principal=ASHA, at=NOON), send=False)
    lane = (b"l" * 16,)
    await journal.record(make(principal=RAVI, lanes=lane), send=False)
    await journal.record(make(principal=RAVI, lanes=lane), send=False)
    await journal.record(make(), send=False)
    assert await journal.waiting_for_log_in() == [
        Waiting("vaccinator", ASHA, 2, NOON, NOON + 90),
        Waiting("vaccinator", RAVI, 1, NOON, None),
    ]


async def test_what_may_not_wait_is_sent_at_once_or_not_kept(journal: Journal, make: MakeRecord) -> None:
    lane = (b"l" * 16,)
    first = await journal.record(make(lanes=lane), send=True, may_wait=False)
    assert isinstance(first, Recorded)
    assert first.state is RecordState.SENDING
    assert await journal.record(make(lanes=lane), send=True, may_wait=False) == NotKept()
    assert sum((await journal.counts()).values()) == 1


async def test_what_is_remembered_takes_the_place_of_what_was(journal: Journal) -> None:
    assert await journal.noted("keys") is None
    await journal.note_down("keys", b"one")
    await journal.note_down("keys", b"two")
    assert await journal.noted("keys") == b"two"

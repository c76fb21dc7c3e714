from __future__ import annotations

from pathlib import Path

from store.journal import Journal
from store.operator_hold import OperatorHold
from store.records import RecordState, Settlement
from tests.store.helpers import NOON, Closing, MakeRecord, kept, never_holds

S = RecordState


async def test_a_new_journal_tells_zeros_and_nothing_that_has_no_value(journal: Journal) -> None:
    figures = await journal.snapshot(NOON, never_holds)
    assert figures.records == dict.fromkeys(S, 0)
    assert (figures.recorded_total, figures.sends_total, figures.outages) == ({}, {}, {})
    assert (figures.oldest_unsent_at, figures.hold) == (None, None)
    assert (sum(figures.delivery_delay.counts), figures.delivery_delay.sum_s) == (0, 0)
    assert figures.journal_size_bytes > 0


async def test_figures_survive_a_restart(path: Path, key: bytes, make: MakeRecord, closing: Closing) -> None:
    journal = await closing(Journal.open(path, key))
    for delay_ms in (500, 1_000, 1_001, 3_600_000, 10_000_000_000):
        recorded = kept(await journal.record(make(), send=True))
        await journal.settle(recorded.number, 1, Settlement(S.DELIVERED, "accepted"), NOON + delay_ms)
    recorded = kept(await journal.record(make(route="register"), send=True))
    await journal.settle(recorded.number, 1, Settlement(S.HELD, "refused"), NOON)
    await journal.settle(recorded.number, 1, Settlement(S.HELD, "refused"), NOON)
    await journal.record(make(at=NOON - 7), send=False)
    before = await journal.snapshot(NOON, never_holds)
    await journal.close()

    assert before.recorded_total == {"vaccinate": 6, "register": 1}
    assert before.sends_total == {"accepted": 5, "refused": 2}  # a send counts although its record had moved on
    assert before.delivery_delay.counts == (2, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1)
    assert before.delivery_delay.sum_s == 10_003_602.501
    assert before.oldest_unsent_at == NOON - 7

    again = await closing(Journal.open(path, key))
    after = await again.snapshot(NOON, never_holds)
    await again.close()
    assert (after.records, after.sends_total, after.delivery_delay) == (before.records, before.sends_total, before.delivery_delay)


async def test_the_operators_hold_lasts_until_it_is_released(path: Path, key: bytes, closing: Closing) -> None:
    journal = await closing(Journal.open(path, key))
    await journal.hold(None, "maintenance", "asha", NOON)
    await journal.hold(NOON + 60_000, "longer maintenance", "ravi", NOON + 1)
    await journal.close()
    again = await closing(Journal.open(path, key))
    held = OperatorHold(NOON + 60_000, "longer maintenance", "ravi", NOON + 1)
    assert await again.operator_hold() == held
    assert (await again.snapshot(NOON, never_holds)).hold == held
    assert not await again.release("its time was over", NOON + 2, OperatorHold(NOON + 50_000, "maintenance", "asha", NOON)), "another's"
    assert await again.operator_hold() == held
    assert await again.release("asha", NOON + 2, held)
    assert not await again.release("asha", NOON + 3)
    assert await again.operator_hold() is None
    await again.close()


async def test_identity_is_made_once_and_hashes_are_keyed_by_it(path: Path, key: bytes, tmp_path: Path, closing: Closing) -> None:
    journal = await closing(Journal.open(path, key))
    identity, hashed = journal.installation_id, journal.lane_hash("48448366834980")
    await journal.close()
    again = await closing(Journal.open(path, key))
    assert (again.installation_id, again.lane_hash("48448366834980")) == (identity, hashed)
    await again.close()
    other = await closing(Journal.open(tmp_path / "other.db", key))
    assert other.installation_id != identity
    assert other.lane_hash("48448366834980") != hashed
    assert (len(identity), len(hashed)) == (16, 16)
    await other.close()

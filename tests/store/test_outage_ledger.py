from __future__ import annotations

import pytest

from store.errors import JournalRefused
from store.journal import Journal
from store.outage_ledger import OutageFilter
from store.outages import Outage
from store.records import RecordState, Settlement
from store.snapshot import END_HOLDS_MS, GroupOutages
from tests.store.helpers import NOON, MakeRecord

GROUP = "vaccinator"


async def begin(journal: Journal, group: str = GROUP, started_at: int = NOON) -> Outage:
    return await journal.open_outage(group, started_at, started_at + 6_000, "refused", "upstream", started_at + 6_000)


async def last(journal: Journal) -> Outage:
    outage = await journal.last_outage(GROUP)
    assert outage is not None
    return outage


async def figures(journal: Journal, now: int) -> GroupOutages:
    return (await journal.snapshot(now)).outages[GROUP]


async def test_an_outage_counts_what_was_recorded_from_its_back_dated_start(journal: Journal, make: MakeRecord) -> None:
    for at in (-1, 0, 1):
        await journal.record(make(at=NOON + at), send=False)
    await journal.record(make(at=NOON + 2, group="auth"), send=False)
    outage = await begin(journal)
    assert outage == Outage(1, GROUP, NOON, NOON + 6_000, NOON + 6_000, None, "refused", "upstream", recorded=2, seen_at=NOON + 6_000)
    await journal.record(make(at=NOON + 9_000), send=False)
    await journal.record(make(at=NOON + 9_000, group="auth"), send=False)
    assert (await last(journal)).recorded == 3


async def test_one_outage_runs_per_group(journal: Journal) -> None:
    await begin(journal)
    with pytest.raises(JournalRefused, match="route_group"):
        await begin(journal)
    await begin(journal, "auth", NOON - 1)
    assert [outage.group for outage in await journal.running_outages()] == ["auth", GROUP]


async def test_what_was_recorded_after_the_end_is_not_counted_and_a_flap_counts_it_again(journal: Journal, make: MakeRecord) -> None:
    outage = await begin(journal)
    for at in (10_000, 20_000, 30_000):
        await journal.record(make(at=NOON + at), send=False)
    assert await journal.end_outage(outage.id, NOON + 15_000, NOON + 31_000)
    assert not await journal.end_outage(outage.id, NOON + 16_000, NOON + 31_000)
    ended = await last(journal)
    assert (ended.ended_at, ended.recorded) == (NOON + 15_000, 1)
    assert await journal.reopen_outage(outage.id, NOON + 40_000, NOON + 40_000)
    assert not await journal.reopen_outage(outage.id, NOON + 40_000, NOON + 40_000)
    again = await last(journal)
    assert (again.id, again.ended_at, again.flaps, again.last_bad_at, again.recorded) == (outage.id, None, 1, NOON + 40_000, 3)


async def test_it_is_drained_when_nothing_from_before_its_end_is_left_to_send(journal: Journal, make: MakeRecord) -> None:
    outage = await begin(journal)
    await journal.record(make(at=NOON + 10_000), send=True)
    await journal.record(make(at=NOON + 10_000), send=True)
    assert not await journal.mark_drained(GROUP, NOON + 11_000)
    await journal.end_outage(outage.id, NOON + 15_000, NOON + 15_000)
    await journal.record(make(at=NOON + 20_000), send=True)
    await journal.settle(1, 1, Settlement(RecordState.DELIVERED, "accepted"), NOON + 20_000)
    assert not await journal.mark_drained(GROUP, NOON + 21_000)
    await journal.settle(2, 1, Settlement(RecordState.HELD, "refused"), NOON + 22_000)
    assert await journal.mark_drained(GROUP, NOON + 23_000)
    assert not await journal.mark_drained(GROUP, NOON + 24_000)
    assert (await last(journal)).drained_at == NOON + 23_000
    await journal.reopen_outage(outage.id, NOON + 30_000, NOON + 30_000)
    assert (await last(journal)).drained_at is None


async def test_the_seconds_counted_never_fall(journal: Journal) -> None:
    outage = await begin(journal)
    seen = [(await figures(journal, NOON)).seconds_total]
    for verb in (
        journal.touch_outage(outage.id, NOON + 50_000, NOON + 50_000),
        journal.touch_outage(outage.id, NOON + 40_000, NOON + 51_000),  # a clock that was set back
        journal.end_outage(outage.id, NOON + 45_000, NOON + 60_000),
        journal.reopen_outage(outage.id, NOON + 30_000, NOON + 61_000),
        journal.end_outage(outage.id, NOON + 90_000, NOON + 90_000),
    ):
        assert await verb
        seen.append((await figures(journal, NOON)).seconds_total)
    assert seen == [6.0, 50.0, 50.0, 50.0, 50.0, 90.0]


async def test_a_duration_is_told_when_its_end_has_held(journal: Journal) -> None:
    outage = await begin(journal)
    await journal.end_outage(outage.id, NOON + 45_000, NOON + 45_000)
    early = await figures(journal, NOON + 45_000 + END_HOLDS_MS - 1)
    held = await figures(journal, NOON + 45_000 + END_HOLDS_MS)
    assert (sum(early.durations.counts), early.durations.sum_s) == (0, 0)
    assert (held.durations.counts[:3], held.durations.sum_s) == ((0, 0, 1), 45.0)
    assert (held.total, held.last_start_at, held.last_end_at, held.running) == (1, NOON, NOON + 45_000, None)


async def test_unobserved_time_is_added_up(journal: Journal) -> None:
    outage = await begin(journal)
    await journal.add_unobserved(outage.id, 3_000)
    await journal.add_unobserved(outage.id, 4_000)
    assert (await last(journal)).unobserved_ms == 7_000
    assert not await journal.add_unobserved(99, 1)


async def test_outages_are_listed_by_group_time_and_page(journal: Journal) -> None:
    for number in range(3):
        outage = await begin(journal, started_at=NOON + number * 100_000)
        await journal.end_outage(outage.id, NOON + number * 100_000 + 50_000, NOON)
    await begin(journal, "auth")

    async def listed(wanted: OutageFilter) -> list[int]:
        return [outage.id for outage in await journal.outages(wanted)]

    assert await listed(OutageFilter()) == [1, 2, 3, 4]
    assert await listed(OutageFilter(groups=["auth"])) == [4]
    assert await listed(OutageFilter(since=NOON + 150_000)) == [2, 3, 4]
    assert await listed(OutageFilter(after=1, limit=2)) == [2, 3]
    assert await journal.last_outage("none") is None

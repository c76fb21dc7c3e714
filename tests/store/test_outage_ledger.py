from __future__ import annotations

from typing import Any

import pytest

from store.errors import JournalRefused
from store.journal import Journal
from store.outage_ledger import OutageFilter
from store.outages import Outage, Seen
from store.record_search import RecordFilter
from store.records import RecordState, Settlement
from store.snapshot import GroupOutages
from tests.store.helpers import NOON, MakeRecord, seen_at

GROUP = "vaccinator"


SEEN: Any = {
    "seen_at": NOON + 6_000,
    "seen_wall_at": NOON + 6_000,
    "seen_boot": "this boot",
    "seen_boot_s": (NOON + 6_000) / 1000,
    "first_number": 2,
}


async def begin(journal: Journal, group: str = GROUP, started_at: int = NOON) -> Outage:
    return await journal.open_outage(group, started_at, started_at + 6_000, "refused", "upstream", seen_at(started_at + 6_000))


async def last(journal: Journal) -> Outage:
    outage = await journal.last_outage(GROUP)
    assert outage is not None
    return outage


async def figures(journal: Journal, *, end_holds: bool = False) -> GroupOutages:
    return (await journal.snapshot(NOON, lambda _: end_holds)).outages[GROUP]


async def test_an_outage_counts_what_was_recorded_from_its_back_dated_start(journal: Journal, make: MakeRecord) -> None:
    for at in (-1, 0, 1):
        await journal.record(make(at=NOON + at), send=False)
    await journal.record(make(at=NOON + 2, group="auth"), send=False)
    outage = await begin(journal)
    assert outage == Outage(1, GROUP, NOON, NOON + 6_000, NOON + 6_000, None, "refused", "upstream", recorded=2, **SEEN)
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
    assert await journal.end_outage(outage.id, NOON + 15_000, seen_at(NOON + 31_000))
    assert not await journal.end_outage(outage.id, NOON + 16_000, seen_at(NOON + 31_000))
    ended = await last(journal)
    assert (ended.ended_at, ended.recorded) == (NOON + 15_000, 1)
    assert await journal.reopen_outage(outage.id, NOON + 40_000, seen_at(NOON + 40_000))
    assert not await journal.reopen_outage(outage.id, NOON + 40_000, seen_at(NOON + 40_000))
    again = await last(journal)
    assert (again.id, again.ended_at, again.flaps, again.last_bad_at, again.recorded) == (outage.id, None, 1, NOON + 40_000, 3)


async def test_it_is_drained_when_nothing_from_before_its_end_is_left_to_send(journal: Journal, make: MakeRecord) -> None:
    outage = await begin(journal)
    await journal.record(make(at=NOON + 10_000), send=True)
    await journal.record(make(at=NOON + 10_000), send=True)
    assert not await journal.mark_drained(GROUP, NOON + 11_000)
    assert await journal.undrained() == []
    await journal.end_outage(outage.id, NOON + 15_000, seen_at(NOON + 15_000))
    await journal.record(make(at=NOON + 20_000), send=True)
    await journal.settle(1, 1, Settlement(RecordState.DELIVERED, "accepted"), NOON + 20_000)
    assert not await journal.mark_drained(GROUP, NOON + 21_000)
    assert await journal.undrained() == [GROUP]
    await journal.settle(2, 1, Settlement(RecordState.HELD, "refused"), NOON + 22_000)
    assert await journal.mark_drained(GROUP, NOON + 23_000)
    assert not await journal.mark_drained(GROUP, NOON + 24_000)
    assert await journal.undrained() == []
    assert (await last(journal)).drained_at == NOON + 23_000
    await journal.reopen_outage(outage.id, NOON + 30_000, seen_at(NOON + 30_000))
    assert (await last(journal)).drained_at is None


async def test_the_seconds_counted_never_fall(journal: Journal) -> None:
    outage = await begin(journal)
    seen = [(await figures(journal)).seconds_total]
    for verb in (
        journal.touch_outage(outage.id, NOON + 50_000, seen_at(NOON + 50_000)),
        journal.touch_outage(outage.id, NOON + 40_000, seen_at(NOON + 51_000)),  # a clock that was set back
        journal.end_outage(outage.id, NOON + 45_000, seen_at(NOON + 60_000)),
        journal.reopen_outage(outage.id, NOON + 30_000, seen_at(NOON + 61_000)),
        journal.end_outage(outage.id, NOON + 90_000, seen_at(NOON + 90_000)),
    ):
        assert await verb
        seen.append((await figures(journal)).seconds_total)
    assert seen == [6.0, 50.0, 50.0, 50.0, 50.0, 90.0]


async def test_a_duration_is_told_when_its_end_has_held(journal: Journal) -> None:
    outage = await begin(journal)
    await journal.end_outage(outage.id, NOON + 45_000, seen_at(NOON + 45_000))
    early, held = await figures(journal), await figures(journal, end_holds=True)
    assert (sum(early.durations.counts), early.durations.sum_s) == (0, 0)
    assert (held.durations.counts[:3], held.durations.sum_s) == ((0, 0, 1), 45.0)
    assert (held.total, held.last_start_at, held.last_end_at, held.running) == (1, NOON, NOON + 45_000, None)
    await begin(journal, started_at=NOON + 500_000)
    assert (await figures(journal)).durations.sum_s == 45.0, "only the last can come back"


async def test_unobserved_time_is_added_up(journal: Journal) -> None:
    outage = await begin(journal)
    await journal.add_unobserved(outage.id, 3_000, seen_at(NOON))
    await journal.add_unobserved(outage.id, 4_000, seen_at(NOON))
    assert (await last(journal)).unobserved_ms == 7_000
    assert not await journal.add_unobserved(99, 1, seen_at(NOON))


async def test_outages_are_listed_by_group_time_and_page(journal: Journal) -> None:
    for number in range(3):
        outage = await begin(journal, started_at=NOON + number * 100_000)
        await journal.end_outage(outage.id, NOON + number * 100_000 + 50_000, seen_at(NOON))
    await begin(journal, "auth")

    async def listed(wanted: OutageFilter) -> list[int]:
        return [outage.id for outage in await journal.outages(wanted)]

    assert await listed(OutageFilter()) == [1, 2, 3, 4]
    assert await listed(OutageFilter(groups=["auth"])) == [4]
    assert await listed(OutageFilter(since=NOON + 150_000)) == [2, 3, 4]
    assert await listed(OutageFilter(after=1, limit=2)) == [2, 3]
    assert await journal.last_outage("none") is None


SET_BY_MS = -172_800_000
"""The wall clock is put back by two days in the outage, whose row goes on as if it were not."""


def seen_after_setting(at: int) -> Seen:
    return Seen(at, at + SET_BY_MS, "this boot", at / 1000, doubtful=True)


async def test_what_was_recorded_in_it_is_counted_by_the_clock_as_it_stood_for_each(journal: Journal, make: MakeRecord) -> None:
    outage = await begin(journal)
    for at in (7_000, 8_000):
        await journal.record(make(at=NOON + at), send=False)
    for at in (9_000, 16_000, 17_000):
        await journal.record(make(at=NOON + at + SET_BY_MS), send=False)
    await journal.end_outage(outage.id, NOON + 15_000, seen_after_setting(NOON + 20_000))
    ended = await last(journal)
    assert (ended.recorded, ended.clock_doubtful, ended.first_number, ended.last_number) == (3, True, 1, 5)
    await journal.record(make(at=NOON + 10_000), send=False)
    assert [record.number for record in await journal.find(RecordFilter(outage=outage.id))] == [1, 2, 3, 4, 5]


async def test_none_is_counted_off_when_the_clock_was_put_back_and_nothing_was_recorded_since(journal: Journal, make: MakeRecord) -> None:
    outage = await begin(journal)
    await journal.record(make(at=NOON + 7_000), send=False)
    await journal.end_outage(outage.id, NOON + 15_000, seen_after_setting(NOON + 20_000))
    assert (await last(journal)).recorded == 1


@pytest.mark.parametrize("set_by_ms", [86_400_000, SET_BY_MS])
async def test_it_is_not_drained_by_a_clock_that_was_set(journal: Journal, make: MakeRecord, set_by_ms: int) -> None:
    outage = await begin(journal)
    await journal.record(make(at=NOON + 10_000 + set_by_ms), send=False)
    await journal.end_outage(outage.id, NOON + 15_000, Seen(NOON + 15_000, NOON + 15_000 + set_by_ms, "this boot", 0.0))
    await journal.record(make(at=NOON), send=False)
    assert not await journal.mark_drained(GROUP, NOON)
    await journal.move(1, RecordState.PENDING, Settlement(RecordState.HELD, None), NOON)
    assert await journal.mark_drained(GROUP, NOON)


async def test_a_row_that_was_doubtful_once_stays_so_and_says_when_it_was_seen(journal: Journal) -> None:
    outage = await begin(journal)
    await journal.touch_outage(outage.id, NOON + 7_000, seen_after_setting(NOON + 8_000))
    await journal.add_unobserved(outage.id, 5, seen_at(NOON + 9_000))
    row = await last(journal)
    assert row.clock_doubtful
    assert (row.seen_at, row.seen_wall_at, row.seen_boot, row.seen_boot_s) == (
        NOON + 9_000,
        NOON + 9_000,
        "this boot",
        (NOON + 9_000) / 1000,
    )

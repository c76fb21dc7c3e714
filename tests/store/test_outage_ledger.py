from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from store.errors import JournalRefused
from store.journal import Journal
from store.outage_ledger import OutageFilter
from store.outages import ALL_GROUPS, Failed, Outage, Seen, Slowness, Start
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
    assert await journal.reopen_outage(outage.id, Failed(NOON + 40_000), seen_at(NOON + 40_000))
    assert not await journal.reopen_outage(outage.id, Failed(NOON + 40_000), seen_at(NOON + 40_000))
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
    assert await journal.undrained() == []
    await journal.settle(2, 1, Settlement(RecordState.HELD, "refused"), NOON + 22_000)
    assert await journal.undrained() == [GROUP]
    assert await journal.mark_drained(GROUP, NOON + 23_000)
    assert not await journal.mark_drained(GROUP, NOON + 24_000)
    assert await journal.undrained() == []
    assert (await last(journal)).drained_at == NOON + 23_000
    await journal.reopen_outage(outage.id, Failed(NOON + 30_000), seen_at(NOON + 30_000))
    assert (await last(journal)).drained_at is None


async def test_the_seconds_counted_never_fall(journal: Journal) -> None:
    outage = await begin(journal)
    seen = [(await figures(journal)).seconds_total]
    for verb in (
        journal.touch_outage(outage.id, Failed(NOON + 50_000), seen_at(NOON + 50_000)),
        journal.touch_outage(outage.id, Failed(NOON + 40_000), seen_at(NOON + 51_000)),  # a clock that was set back
        journal.end_outage(outage.id, NOON + 45_000, seen_at(NOON + 60_000)),
        journal.reopen_outage(outage.id, Failed(NOON + 30_000), seen_at(NOON + 61_000)),
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
    await journal.touch_outage(outage.id, Failed(NOON + 7_000), seen_after_setting(NOON + 8_000))
    await journal.add_unobserved(outage.id, 5, seen_at(NOON + 9_000))
    row = await last(journal)
    assert row.clock_doubtful
    assert (row.seen_at, row.seen_wall_at, row.seen_boot, row.seen_boot_s) == (
        NOON + 9_000,
        NOON + 9_000,
        "this boot",
        (NOON + 9_000) / 1000,
    )


async def rows_of(journal: Journal, kind: str) -> list[Outage]:
    return [row for row in await journal.outages(OutageFilter()) if row.kind == kind]


async def test_what_a_row_rests_on_is_kept_and_a_failure_of_which_less_is_known_takes_nothing_away(journal: Journal) -> None:
    start = Start(NOON - 2_000, NOON + 1_000, "connection refused")
    outage = await journal.open_outage(GROUP, NOON, NOON + 6_000, "refused", "upstream", seen_at(NOON + 6_000), start)
    await journal.touch_outage(outage.id, Failed(NOON + 9_000, NOON + 8_000, "503 Service Unavailable"), seen_at(NOON + 9_000))
    await journal.touch_outage(outage.id, Failed(NOON + 9_500), seen_at(NOON + 9_500))
    await journal.end_outage(outage.id, NOON + 10_000, seen_at(NOON + 10_000))
    await journal.reopen_outage(outage.id, Failed(NOON + 20_000), seen_at(NOON + 20_000))
    await journal.place_outage(outage.id, "local")
    assert await journal.lengthen_wait(outage.id, 3_000)
    assert not await journal.lengthen_wait(outage.id, 2_000)
    row = await last(journal)
    assert (row.good_before_at, row.first_bad_at, row.last_asked_at) == (NOON - 2_000, NOON + 1_000, NOON + 8_000)
    assert (row.first_error, row.last_error) == ("connection refused", "503 Service Unavailable")
    assert (row.scope, row.longest_wait_ms) == ("local", 3_000)


async def test_a_hold_is_a_row_of_its_own_kind_with_what_was_recorded_and_when_that_had_gone_up(journal: Journal, make: MakeRecord) -> None:
    await journal.hold(None, "maintenance of the server", "asha", NOON)
    for group in (GROUP, "auth"):
        await journal.record(make(at=NOON + 1_000, group=group), send=False)
    await journal.hold(None, "and longer", "asha", NOON + 5_000)
    assert await journal.release("asha", NOON + 9_000)
    first, second = await rows_of(journal, "planned")
    assert (first.group, first.cause, first.started_at, first.ended_at, first.recorded) == ("*", "hold", NOON, NOON + 5_000, 2)
    assert (second.started_at, second.ended_at, second.recorded) == (NOON + 5_000, NOON + 9_000, 0)
    assert [(note.outage, note.by, note.reason) for note in await journal.outage_notes([first.id, second.id])] == [
        (first.id, "asha", "maintenance of the server"),
        (second.id, "asha", "and longer"),
    ]
    assert (await journal.running_outages(), await journal.last_outage("*")) == ([], None)
    assert [record.number for record in await journal.find(RecordFilter(outage=first.id))] == [1, 2]
    await journal.move(1, RecordState.PENDING, Settlement(RecordState.HELD, None), NOON + 10_000)
    assert (await journal.undrained(), await journal.mark_drained(ALL_GROUPS, NOON + 10_000)) == ([], False), "one of another group waits"
    await journal.move(2, RecordState.PENDING, Settlement(RecordState.HELD, None), NOON + 10_000)
    assert (await journal.undrained(), await journal.mark_drained(ALL_GROUPS, NOON + 11_000)) == ([ALL_GROUPS], True)
    assert [row.drained_at for row in await rows_of(journal, "planned")] == [NOON + 11_000] * 2


async def test_a_hold_that_was_over_while_nothing_ran_ended_when_it_was_to(journal: Journal) -> None:
    await journal.hold(NOON + 5_000, "", "asha", NOON)
    await journal.release("its time was over", NOON + 50_000)
    assert [row.ended_at for row in await rows_of(journal, "planned")] == [NOON + 5_000]


async def test_a_brown_out_runs_beside_an_outage_and_counts_in_no_figure_of_outages(journal: Journal, make: MakeRecord) -> None:
    slow = Slowness(NOON, NOON + 30_000, 12, 3, "answered after 3.2 s", "answered after 4.0 s")
    id_ = await journal.begin_slow(GROUP, slow, seen_at(NOON + 31_000))
    assert (await journal.snapshot(NOON, lambda _: True)).outages == {}
    await begin(journal, started_at=NOON + 40_000)
    await journal.record(make(at=NOON + 41_000), send=False)
    assert await journal.go_on_slow(id_, replace(slow, last_slow_at=NOON + 60_000, calls=20, slow_calls=9), seen_at(NOON + 61_000))
    assert [row.id for row in await journal.running_slow()] == [id_]
    await journal.end_outage(id_, NOON, seen_at(NOON + 200_000))
    (row,) = await rows_of(journal, "slow")
    assert (row.started_at, row.ended_at, row.calls, row.slow_calls, row.recorded) == (NOON, NOON + 60_000, 20, 9, 1)
    assert (await last(journal)).kind == "down"
    assert (await figures(journal)).total == 1


async def test_what_was_recorded_in_an_outage_is_told_by_route_with_when_it_was_confirmed_and_what_is_late(
    journal: Journal, make: MakeRecord
) -> None:
    outage = await begin(journal)
    for number, deadline in enumerate((NOON + 20_000, NOON + 90_000, NOON + 20_000), start=1):
        await journal.record(replace(make(at=NOON + 7_000), deadline_at=deadline), send=True)
        if number < 3:
            await journal.settle(number, 1, Settlement(RecordState.DELIVERED, "accepted"), NOON + 30_000 + number)
    await journal.record(make(at=NOON + 7_000, group="auth"), send=True)
    await journal.record(make(at=NOON + 7_000), send=True)
    await journal.settle(5, 1, Settlement(RecordState.REFUSED, "http_422"), NOON + 40_000)
    await journal.end_outage(outage.id, NOON + 10_000, seen_at(NOON + 10_000))
    (found,) = await journal.records_in(outage.id, NOON + 50_000)
    assert (found.records, found.waiting, found.confirmed_at, found.late, found.given_up) == (3, 1, NOON + 30_002, 2, 1)
    assert (await journal.records_in(outage.id, NOON + 10_000))[0].late == 1, "that which went up too late; the other is still in time"


async def test_when_somebody_watched_is_kept_and_never_shrinks(journal: Journal) -> None:
    first = await journal.begin_watch(NOON, "start")
    assert await journal.go_on_watching(first, NOON + 30_000)
    assert not await journal.go_on_watching(first, NOON + 20_000)
    await journal.begin_watch(NOON + 60_000, "resume")
    assert [(watch.began_at, watch.seen_at, watch.began_by) for watch in await journal.watches(NOON, NOON + 60_000)] == [
        (NOON, NOON + 30_000, "start"),
        (NOON + 60_000, NOON + 60_000, "resume"),
    ]
    assert await journal.watches(NOON + 30_001, NOON + 59_999) == []

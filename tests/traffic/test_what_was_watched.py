"""What goes into the ledger beside outages: when somebody watched, brown-outs, the desks' waits, our own line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from proxy.rules.circuit import Policy
from proxy.rules.outcome import Outcome, OutcomeKind
from proxy.traffic.brown_outs import BrownOuts
from proxy.traffic.circuits import Circuits
from proxy.traffic.clock import Clock
from proxy.traffic.clock_watch import ClockWatch
from proxy.traffic.line import Line
from proxy.traffic.retry import Wake
from proxy.traffic.waits import Waits
from proxy.traffic.watch_keeper import WatchKeeper
from simulator import Simulator
from store.errors import JournalUnwritable
from store.journal import Journal
from store.outage_ledger import OutageFilter
from store.outages import Outage, Seen, Slowness
from tests.traffic.centre import a_centre, people

NOON = 1_627_626_600_000
GROUP = "vaccinator"
GOOD = Outcome(OutcomeKind.ACCEPTED, "http_200", maybe_applied=True)
REFUSED = Outcome(OutcomeKind.NOT_SENT, "refused", maybe_applied=False)


@dataclass
class SetClock(Clock):
    """Stands where it is put; the wall clock is so much ahead of its own course."""

    now_s: float = 1_000.0
    ahead_ms: int = 0

    def wall(self) -> int:
        return NOON + round((self.now_s - 1_000) * 1000) + self.ahead_ms

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    opened = await Journal.open(tmp_path / "journal.db", bytes(32))
    yield opened
    await opened.close()


async def test_what_was_watched_is_kept_over_a_suspend_a_clock_that_is_set_and_a_stop(journal: Journal) -> None:
    clock = SetClock()
    keeper = WatchKeeper(journal, clock, Wake())

    async def watched() -> list[tuple[int, int, str]]:
        return [(one.began_at - NOON, one.seen_at - NOON, one.began_by) for one in await journal.watches(0, NOON * 2)]

    for _ in range(8):
        await keeper.step()
        clock.now_s += 5
    assert await watched() == [(0, 30_000, "start")], "moved on twice a minute"
    clock.now_s += 600
    await keeper.step()
    assert await watched() == [(0, 35_000, "start"), (640_000, 640_000, "resume")]
    clock.now_s, clock.ahead_ms = clock.now_s + 5, 3_600_000
    await keeper.step()
    assert (await watched())[2:] == [(4_245_000, 4_245_000, "clock")]
    clock.now_s += 3
    await keeper.last_word()
    await WatchKeeper(journal, clock, Wake()).last_word()
    assert (await watched())[2:] == [(4_245_000, 4_248_000, "clock")]


async def test_what_the_disk_did_not_take_is_noted_by_a_later_step(tmp_path: Path) -> None:
    clock, path = SetClock(), tmp_path / "journal.db"
    keeper = WatchKeeper(await Journal.open(path, bytes(32)), clock, Wake())
    await keeper.step()
    clock.now_s += 5
    await keeper.step()
    await keeper.journal.close()
    clock.now_s += 60
    with pytest.raises(JournalUnwritable):
        await keeper.step()
    keeper.journal = await Journal.open(path, bytes(32))
    clock.now_s += 5
    await keeper.step()
    watched = [(one.began_at - NOON, one.seen_at - NOON, one.began_by) for one in await keeper.journal.watches(0, NOON * 2)]
    await keeper.journal.close()
    assert watched == [(0, 5_000, "start"), (70_000, 70_000, "resume")]


@dataclass
class Slow:
    """Calls of a group, slow or not, and the keeper that judges them."""

    clock: SetClock
    circuits: Circuits
    keeper: BrownOuts
    journal: Journal

    async def call(self, outcome: Outcome = GOOD, took_s: float = 0.2, times: int = 1, *, judged: bool = True) -> None:
        for _ in range(times):
            permit = self.circuits.probing(GROUP)
            self.clock.now_s += took_s
            self.circuits.observe_probe(permit, outcome)
            self.clock.now_s += 5
            if judged:
                await self.keeper.step()

    async def rows(self) -> list[Outage]:
        return await self.journal.outages(OutageFilter())


@pytest.fixture
def slow(journal: Journal) -> Slow:
    clock = SetClock()
    circuits = Circuits({GROUP: Policy()}, clock, lambda _outage_s, _wish_s: 0.0)
    keeper = BrownOuts(journal, circuits, clock, ClockWatch(clock), Wake(), slow_s=3.0)
    circuits.paced = keeper.note
    return Slow(clock, circuits, keeper, journal)


async def test_a_server_that_answers_late_is_a_row_that_ends_with_its_last_late_answer(slow: Slow) -> None:
    await slow.call(times=3)
    for _ in range(5):
        await slow.call(took_s=4.0)
        await slow.call()
    (row,) = await slow.rows()
    assert (row.kind, row.group, row.started_at - NOON, row.ended_at) == ("slow", GROUP, 15_600, None)
    assert (row.slow_calls, row.calls, row.first_error) == (5, 9, "answered after 4.0 s")
    await slow.call(times=30)
    (row,) = await slow.rows()
    assert (row.ended_at, row.slow_calls, row.calls) == (NOON + 15_600 + 4 * 14_200 + 4_000, 5, 9)


async def test_one_that_then_goes_down_is_slow_up_to_there(slow: Slow) -> None:
    for _ in range(5):
        await slow.call(took_s=4.0)
        await slow.call()
    await slow.call(REFUSED, times=3)
    (row,) = await slow.rows()
    assert row.ended_at == NOON + 4 * 14_200 + 4_000
    await slow.call(REFUSED, took_s=9.0, times=20, judged=False)
    await slow.call(times=3, judged=False)
    slow.circuits.nothing_to_send(GROUP)
    assert slow.circuits.closed(GROUP)
    await slow.call(times=3)
    assert len(await slow.rows()) == 1, "late failures of an outage are the outage's"


async def test_what_the_disk_did_not_take_of_a_brown_out_is_written_by_a_later_step(slow: Slow, tmp_path: Path) -> None:
    async def with_no_disk() -> None:
        kept, slow.keeper.journal = slow.keeper.journal, closed
        with pytest.raises(JournalUnwritable):
            await slow.keeper.step()
        slow.keeper.journal = kept

    closed = await Journal.open(tmp_path / "closed.db", bytes(32))
    await closed.close()
    await slow.call(took_s=4.0, times=6, judged=False)
    await with_no_disk()
    await slow.keeper.step()
    (begun,) = await slow.rows()
    assert (begun.slow_calls, begun.calls) == (6, 6), "it begins with what was heard then"
    slow.clock.now_s += 120
    await with_no_disk()
    assert (await slow.rows())[0].ended_at is None
    await slow.keeper.step()
    ended_at = (await slow.rows())[0].ended_at
    assert ended_at == begun.last_bad_at
    await slow.call(took_s=4.0, times=6)
    assert len(await slow.rows()) == 2, "and the next one is another"


async def test_a_brown_out_whose_beginning_was_written_unheard_is_taken_up(slow: Slow) -> None:
    seen = Seen(NOON, NOON, "this boot", 1_000.0)
    first = await slow.journal.begin_slow(GROUP, Slowness(NOON, NOON, 6, 3, "late", "late"), seen)
    await slow.call(took_s=4.0, times=6)
    (row,) = await slow.rows()
    assert (row.id, row.slow_calls) == (first, 6)


async def test_one_that_was_slow_when_the_service_was_killed_is_ended_at_the_next_start(slow: Slow, journal: Journal) -> None:
    for _ in range(5):
        await slow.call(took_s=4.0)
        await slow.call()
    again = BrownOuts(journal, slow.circuits, slow.clock, ClockWatch(slow.clock), Wake(), slow_s=3.0)
    await again.resume()
    (row,) = await slow.rows()
    assert row.ended_at == row.last_bad_at == NOON + 4 * 14_200 + 4_000


def test_the_longest_wait_is_that_of_those_that_ended_since() -> None:
    waits = Waits()
    for at, waited_s in ((10, 2.0), (20, 5.0), (30, 3.0), (50, 1.0)):
        waits.note(GROUP, at, waited_s)
    assert [waits.longest_s(GROUP, since) for since in (0, 20, 21, 31, 51)] == [5.0, 5.0, 3.0, 1.0, 0.0]
    assert waits.longest_s("auth", 0) == 0.0
    waits.note(GROUP, 2_000, 0.5)
    assert waits.longest_s(GROUP, 0) == 0.5, "what is old is forgotten"


async def test_where_our_own_line_fails_too_the_outage_is_local_and_the_desks_waits_are_told(sim: Simulator, tmp_path: Path) -> None:
    await sim.faults.add("reset_before")
    # No packet can go to that address: it is like a line that was cut.
    async with a_centre(tmp_path, f"{sim.url}/api", outage={"line_check": "255.255.255.255:9"}) as centre:
        await centre.vaccinate(people(sim)[0])
        await centre.go_down()
        found: list[Outage] = []

        async def told() -> bool:
            found[:] = [row for row in await centre.sidecar.journal.outages(OutageFilter()) if row.scope == "local"]
            return bool(found) and found[0].longest_wait_ms > 0

        await centre.until(told)
    (row,) = found
    assert (row.group, row.cause, row.first_error) == (GROUP, "reset", "connection reset")
    assert row.first_bad_at is not None
    assert row.started_at <= row.first_bad_at


async def test_a_line_is_up_when_anything_comes_back(sim: Simulator, unused_tcp_port: int) -> None:
    assert await Line("127.0.0.1", int(sim.url.rpartition(":")[2])).is_up()
    assert await Line("127.0.0.1", unused_tcp_port).is_up(), "it refused"
    assert not await Line("255.255.255.255", 9).is_up()


async def test_what_our_own_disk_takes_is_not_the_servers_time(sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_centre(tmp_path, f"{sim.url}/api") as centre:
        sidecar = centre.sidecar
        asked: list[float] = []
        kept: list[float] = []
        record = sidecar.journal.record

        async def recorded(*args: Any, **options: Any) -> Any:
            made = await record(*args, **options)
            kept.append(sidecar.clock.monotonic())
            return made

        monkeypatch.setattr(sidecar.journal, "record", recorded)
        monkeypatch.setattr(sidecar.circuits, "paced", lambda group, asked_s, _: asked.append(asked_s) if group == GROUP else None)
        await centre.vaccinate(people(sim)[0])

        async def told() -> bool:
            return max(asked, default=0.0) >= kept[0]

        await centre.until(told)
        monkeypatch.undo()

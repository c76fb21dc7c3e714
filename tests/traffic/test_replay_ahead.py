"""Replay reads several heads at a time, and sends the next one while the last is being settled: order and pace stay."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tenacity import wait_none

from proxy.traffic import retry
from proxy.traffic.retry import until_kept
from simulator import Simulator
from store.errors import JournalUnwritable
from store.journal import Journal
from store.records import RecordState
from tests.traffic.centre import Centre, a_centre, doses_applied, people

DOSES = 12


async def backlog(sim: Simulator, centre: Centre) -> list[tuple[str, int | None]]:
    """Let an outage gather doses, and end."""
    await sim.faults.add("refuse")
    await centre.go_down()
    persons = people(sim)[:DOSES]
    for person in persons:
        await centre.vaccinate(person)
    await sim.faults.clear()
    return [(person, 1) for person in persons]


async def test_heads_are_not_read_for_each_record_anew(sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = 0
    heads = Journal.heads

    async def counted(journal: Journal, groups: Any, now: int, limit: int, *more: Any) -> Any:
        nonlocal reads
        reads += centre.sidecar.circuits.closed("vaccinator")  # before that one goes at a time, and is looked for anew
        return await heads(journal, groups, now, limit, *more)

    async with a_centre(tmp_path, f"{sim.url}/api", replay={"concurrency_max": 1}) as centre:
        given = await backlog(sim, centre)
        monkeypatch.setattr(Journal, "heads", counted)
        await centre.until_all(RecordState.DELIVERED, DOSES)
    assert doses_applied(sim) == given
    assert reads < DOSES / 2


async def test_who_had_to_wait_for_the_pace_keeps_its_turn(sim: Simulator, tmp_path: Path) -> None:
    async with a_centre(tmp_path, f"{sim.url}/api", replay={"concurrency_max": 1, "calls_per_minute": 1_200}) as centre:
        given = await backlog(sim, centre)
        budget = centre.sidecar.replayer.budget
        budget.bucket = replace(budget.bucket, shared=0.0, reserved=0.0)  # each has to wait for its token
        await centre.until_all(RecordState.DELIVERED, DOSES)
    assert doses_applied(sim) == given


async def test_the_next_is_sent_while_the_last_is_settled(sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = asyncio.Event()
    settle = Journal.settle

    async def held_up(journal: Journal, *args: Any, **more: Any) -> bool:
        await free.wait()
        return await settle(journal, *args, **more)

    async with a_centre(tmp_path, f"{sim.url}/api", replay={"concurrency_max": 1}) as centre:
        given = await backlog(sim, centre)
        monkeypatch.setattr(Journal, "settle", held_up)

        async def two_sent() -> bool:
            return len(doses_applied(sim)) > 1

        await centre.until(two_sent)
        free.set()
        await centre.until_all(RecordState.DELIVERED, DOSES)
    assert doses_applied(sim) == given


async def test_what_the_journal_does_not_take_is_tried_until_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "WAIT_FOR_DISK", wait_none())
    tried: list[str] = []

    async def act() -> None:
        tried.append("act")
        if len(tried) < 6:
            raise JournalUnwritable(journal=Path("journal.db"), reason="full")

    await until_kept(act, first_failure=lambda: tried.append("told"))
    assert tried == ["act", "told", "act", "told", "act", "told", "act"]

"""Bits flipped anywhere in a journal full of doses; then the server comes back, and its ledger is the judge."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from simulator import Simulator
from store.errors import JournalError
from store.records import RecordState
from store.rescue import Rescue
from tests.traffic.centre import VACCINATE, Centre, a_centre, a_dose, doses_applied, people

FLIPS = 12
PERSONS = 30
WITHIN_S = 45

PATIENT = {"answer_within": "5s"}  # sixty doses at once, on a busy machine

_FILES = ("journal.db", "journal.db-wal")
_MOVING = (RecordState.PENDING, RecordState.SENDING, RecordState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of the doses."""

    recorded: int
    delivered: int
    held: int
    named: int
    altered: int
    twice: int
    overtaken: int
    lost: int
    rescues: tuple[Rescue, ...]


async def stopped(folder: Path, seed: int, flips: int = FLIPS) -> Verdict:
    """Record in an outage; cut the power; flip bits; start again when the server is back."""
    draw = random.Random(seed)
    before, after = folder / "before", folder / "after"
    before.mkdir()
    async with Simulator(seed=seed, people=4 * PERSONS) as sim:
        await sim.faults.add("refuse")
        async with a_centre(before, f"{sim.url}/api", answering=PATIENT) as centre:
            doses = await _record(centre, sim)
            shutil.copytree(before / "data", after / "data")  # as a power cut leaves it: what is in the log stays there
        flip(after / "data", draw, flips)
        await sim.faults.clear()
        async with a_centre(after, f"{sim.url}/api", answering=PATIENT) as centre:
            return await _judged(centre, sim, doses)


async def running(folder: Path, seed: int, flips: int = FLIPS) -> Verdict:
    """Record in an outage; flip bits under the running service, none of whose pages are in memory; let the server come back."""
    async with Simulator(seed=seed, people=4 * PERSONS) as sim:
        await sim.faults.add("refuse")
        async with a_centre(folder, f"{sim.url}/api", answering=PATIENT) as centre:
            doses = await _record(centre, sim)
            await _forget_pages(centre)
            flip(folder / "data", random.Random(seed), flips)
            await sim.faults.clear()
            return await _judged(centre, sim, doses)


def flip(folder: Path, draw: random.Random, flips: int) -> None:
    """Flip bits anywhere in the file and its log."""
    sizes = [(folder / name).stat().st_size for name in _FILES]
    for _ in range(flips):
        place = draw.randrange(sum(sizes))
        name, place = (_FILES[0], place) if place < sizes[0] else (_FILES[1], place - sizes[0])
        with (folder / name).open("r+b") as file:
            file.seek(place)
            (byte,) = file.read(1)
            file.seek(place)
            file.write(bytes([byte ^ 1 << draw.randrange(8)]))


async def _record(centre: Centre, sim: Simulator) -> list[tuple[str, int]]:
    await centre.go_down()
    doses = [(person, dose) for dose in (1, 2) for person in people(sim)[:PERSONS]]
    for told in await asyncio.gather(*(centre.vaccinate(person, dose) for person, dose in doses)):
        assert told.status in (200, 202), told
    return doses


async def _forget_pages(centre: Centre) -> None:
    def forget(db: sqlite3.Connection) -> None:
        db.execute("PRAGMA cache_size = 0")

    journal = centre.sidecar.journal
    await journal._engine.read(forget)
    for connection in (journal._engine._engine._connection, journal._engine._engine._reader):
        await connection.execute_fetchall("PRAGMA shrink_memory")


async def _judged(centre: Centre, sim: Simulator, doses: list[tuple[str, int]]) -> Verdict:
    await _settled(centre)
    journal = centre.sidecar.journal
    await journal.mend()  # what was not read yet; while that goes on, a desk is told to use paper
    told = await centre.vaccinate(people(sim)[-1])
    assert told.status == 200, "the service is up, and records what is new"
    rescues = tuple(await journal.rescues())
    counts = await journal.counts()
    applied = doses_applied(sim)[:-1]
    bodies = {_body(person, dose) for person, dose in doses}
    sent = [entry.body for entry in sim.ledger.received if entry.target.endswith(VACCINATE.encode()) and entry.method == "POST"][:-1]
    held = {number for rescue in rescues for number in rescue.held}
    missing = [dose for dose in doses if dose not in applied]
    named = len(held) + sum(len(rescue.closed) for rescue in rescues)
    return Verdict(
        recorded=len(doses),
        delivered=len(applied),
        held=counts[RecordState.HELD],
        named=named,
        altered=sum(body not in bodies for body in sent),
        twice=sum(times > 1 for times in Counter(applied).values()),
        overtaken=sum((person, 1) not in applied[: applied.index((person, 2))] for person, dose in applied if dose == 2),
        lost=max(0, len(missing) - counts[RecordState.HELD] - sum(len(rescue.closed) + 512 * rescue.commits_lost for rescue in rescues)),
        rescues=rescues,
    )


def _body(person: str, dose: int) -> bytes:
    import json

    return json.dumps(a_dose(person, dose)).encode()


async def _settled(centre: Centre) -> None:
    """Wait until nothing is left that goes up by itself: all is delivered, held, or waits behind what is held."""
    journal = centre.sidecar.journal

    async def settled() -> bool:
        try:
            counts = await journal.counts()
            waiting = {number for behind in (await journal.behind_held()).values() for number in behind}
        except JournalError:
            await journal._engine.mended()
            return False
        return sum(counts[state] for state in _MOVING) <= len(waiting)

    async with asyncio.timeout(WITHIN_S):
        while not await settled():
            centre.bell.event.clear()
            if not await settled():
                await centre.bell.event.wait()

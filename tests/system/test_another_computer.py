# ruff: noqa: ASYNC240 - nothing else waits in a test's loop
"""A backup under load, the original killed, the copy put to work elsewhere: the ledger is the judge."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from ruamel.yaml import YAML

from simulator import Simulator
from simulator.ledger import Received
from store.journal import Journal
from store.record_search import RecordFilter
from store.records import RecordState
from tests.cli.centre import Centre, a_centre
from tests.traffic.centre import doses_applied, people

DESKS = 4
FIND = b"/findByReferenceId"


class Desks:
    """Desks that record one dose after another, and remember for whom they were told that it is recorded."""

    def __init__(self, centre: Centre, persons: Iterator[str]) -> None:
        self.centre = centre
        self.persons = persons
        self.told: list[str] = []
        self.more = asyncio.Event()
        self.desks = [asyncio.create_task(self._work()) for _ in range(DESKS)]

    async def _work(self) -> None:
        for person in self.persons:
            try:
                if await self.centre.vaccinate(person) == 200:
                    self.told.append(person)
                    self.more.set()
            except aiohttp.ClientError:  # killed
                return

    async def have_recorded(self, count: int) -> None:
        async with asyncio.timeout(30):
            while len(self.told) < count:
                self.more.clear()
                await self.more.wait()

    async def end(self) -> None:
        await asyncio.gather(*self.desks)


async def drained(centre: Centre) -> dict[str, int]:
    """Wait until nothing goes up by itself any more; the state is another process's, so it is asked for."""
    async with asyncio.timeout(50):
        while True:
            found: dict[str, int] = (await centre.status())["records"]
            if found["pending"] + found["sending"] + found["unknown"] == 0:
                return found
            await asyncio.sleep(0.05)


async def some_sent(sim: Simulator, backlog: set[str]) -> None:
    """Wait until the original, another process, has sent some of its backlog."""
    async with asyncio.timeout(30):
        while True:
            if not backlog.isdisjoint(person for person, _ in doses_applied(sim)):
                return
            await asyncio.sleep(0.02)


async def unsent_in(backup: Path, key_file: Path, folder: Path) -> set[str]:
    """Return whose doses were unsent when the backup was made."""
    opened = await Journal.open(Path(shutil.copy(backup, folder / "looked-at.db")), bytes.fromhex(key_file.read_text().strip()))
    try:
        records = await opened.find(RecordFilter(states=(RecordState.PENDING, RecordState.UNKNOWN, RecordState.SENDING), limit=10_000))
    finally:
        await opened.close()
    return {json.loads(record.body)["beneficiary_reference_id"] for record in records}


@pytest.mark.timeout(120)
async def test_a_copy_goes_on_where_the_original_was_killed(tmp_path: Path) -> None:
    old, new, stick = (tmp_path / name for name in ("old", "new", "stick"))
    for folder in (old, new / "data", stick):
        folder.mkdir(parents=True)
    async with Simulator(seed=5, people=3_000) as sim, a_centre(old, f"{sim.url}/api") as centre:
        persons = iter([person.id for person in sim.register.people.values() if not person.doses])
        async with centre.serving() as service:
            desks = Desks(centre, persons)
            await desks.have_recorded(30)
            fault = await sim.faults.add("refuse")
            await service.logged("outage_began", group="vaccinator")
            before_the_backlog = len(desks.told)
            await desks.have_recorded(before_the_backlog + 40)
            made = await centre.run("backup", str(stick), "--json")
            after_the_copy = len(desks.told)
            await desks.have_recorded(after_the_copy + 20)
            await sim.faults.lift(fault)
            await some_sent(sim, set(desks.told[before_the_backlog:after_the_copy]))
            service.process.kill()
            await service.process.wait()
            await desks.end()
        assert made.code == 0, made.err
        unsent = await unsent_in(Path(made.json["file"]), old / "data" / "journal.key", tmp_path)
        sent_by_the_original = {person for person, _ in doses_applied(sim)} & unsent
        asked_before = len(sim.ledger.received)
        for file in ("config.yaml", "data/journal.key"):
            shutil.copy(old / file, new / file)
        there = Centre(new, centre.data, centre.admin, centre.desk)
        restored = await there.run("restore", str(stick), "--json")
        assert restored.code == 0, restored.err
        async with there.serving():
            states = await drained(there)
            status = await there.status()
            fresh = next(persons)
            assert await there.vaccinate(fresh) == 200
            numbers = [record["number"] for record in (await there.run("records", "list", "--json")).json]

    assert len(unsent) == made.json["unconfirmed"] >= 40
    assert sent_by_the_original, "what is unsent in the copy, the server may have"
    applied = Counter(doses_applied(sim))
    assert [key for key, times in applied.items() if times > 1] == [], "nothing twice"
    assert {person for person in unsent if not applied[person, 1]} == set(), "nothing lost that was in the copy"
    assert states["delivered"] == sum(made.json["records"].values()), "nothing lost that was in the copy"
    first_asked = {person: next(r.target for r in sim.ledger.received[asked_before:] if names(r, person)) for person in unsent}
    assert {person for person, target in first_asked.items() if FIND not in target} == set(), "looked up before it was sent"
    assert not [r for r in sim.ledger.received[asked_before:] if r.method == "POST" and any(names(r, p) for p in sent_by_the_original)]
    last = status["restored"]["last_number"]
    assert numbers[:-1] == list(range(1, last + 1)), "numbers above that are named as not in it"
    assert numbers[-1] == status["restored"]["next_number"] == last + 10_001, "no number of the original's is given again"


def names(received: Received, person: str) -> bool:
    """Whether a request concerns a person."""
    return person.encode() in received.target + (received.body or b"")


async def test_what_cannot_be_looked_up_waits_for_a_person(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    async with Simulator(seed=5, people=30) as sim, a_centre(old, f"{sim.url}/api") as centre:
        (old / "profile.json").write_text(json.dumps(without_a_look_up("vaccinate")))
        centre.change(lambda text: "profile: profile.json\n" + text)
        (person,) = people(sim)[:1]
        async with centre.serving() as service:
            await sim.faults.add("refuse")
            await service.logged("outage_began", group="vaccinator")
            assert await centre.vaccinate(person) == 200
        shutil.copytree(old, new)
        await sim.faults.clear()
        there = Centre(new, centre.data, centre.admin, centre.desk)
        async with there.serving() as service:
            await service.logged("take_over", held=1)
            held = (await there.run("records", "list", "--state", "held", "--json")).json
            await there.run("records", "retry", "1")
            await service.logged("look_up", found="ambiguous")
            assert (await there.run("records", "list", "--state", "held", "--json")).json != []
        async with there.serving() as service:
            await service.logged("take_over", held=0)
            assert doses_applied(sim) == []
            await there.run("hold")
            vouched = await there.run("records", "retry", "1", "--i-have-looked")
        async with there.serving() as service:
            await service.logged("take_over", held=0)  # a person's word is not taken back by the next start
            await there.run("release")
            await service.logged("settle", state="delivered")
    assert [(record["number"], record["reason"]) for record in held] == [(1, "restored")]
    assert vouched.code == 0, vouched.err
    assert doses_applied(sim) == [(person, 1)]


def without_a_look_up(name: str) -> dict[str, object]:
    """Return the shipped profile, as if one route's records could not be looked up."""
    profile: dict[str, Any] = YAML(typ="safe", pure=True).load((files("proxy.profiles") / "cowin-vaccinator.yaml").read_text("utf-8"))
    for route in profile["routes"]:
        if route["name"] == name:
            del route["look_up"], route["warn_if"]  # warnings are of what the look-up shows
    return profile

"""
Measures "once": every answer lost, two desks on one dose, one record that the server chokes on.

`python -m bench.once` from the root; a table, then one line of JSON. A real sidecar, a real journal, the simulator's ledger as judge.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from http import HTTPStatus
from itertools import chain
from pathlib import Path
from typing import Any, Final

from bench.figures import nested
from simulator import Simulator
from store.record_search import RecordFilter
from store.records import Record, RecordState
from tests.traffic.centre import VACCINATE, Centre, a_centre, doses_applied, people

REGISTER: Final = "/v2/vaccinator/beneficiaries/new"
DOSES: Final = 1_000
WALK_INS: Final = 300
RACES: Final = 1_000
NEIGHBOURS: Final = 300
DESKS: Final = 8
WITHIN_S: Final = 600


async def main() -> dict[str, Any]:
    """Measure all three."""
    return {"answers lost": await lost_answers(), "races": await races(), "poison": await poison()}


async def lost_answers() -> dict[str, Any]:
    """Lose the answer to every send of every write; whatever is sent twice is then in the ledger twice."""
    async with Simulator(seed=11, people=DOSES * 2) as sim:
        with tempfile.TemporaryDirectory() as folder:
            async with a_centre(Path(folder), f"{sim.url}/api") as centre:
                await sim.faults.add("commit_then_drop", routes=["/api/v2/vaccinator/beneficiaries/vaccinate", f"/api{REGISTER}"])
                persons = people(sim)[:DOSES]
                names: dict[str, str] = {}

                async def walk_in(number: int) -> None:
                    told = await centre.post(REGISTER, _walk_in(number))
                    given = json.loads(told.body)["beneficiary_reference_id"]
                    names[given] = _walk_in(number)["name"]
                    await _dose(centre, given)

                started = time.monotonic()
                await _desks(
                    chain((partial(_dose, centre, person) for person in persons), (partial(walk_in, number) for number in range(WALK_INS)))
                )
                told_s = time.monotonic() - started
                await centre.until_all(RecordState.DELIVERED, DOSES + 2 * WALK_INS, WITHIN_S)
                return _judged(sim, persons, names) | {"told_s": round(told_s, 1), "drained_s": round(time.monotonic() - started, 1)}


def _judged(sim: Simulator, persons: list[str], names: dict[str, str]) -> dict[str, int]:
    effects = Counter((entry.effect.kind, entry.effect.key) for entry in sim.ledger.applied)
    dosed = {person for person, _ in doses_applied(sim)}
    dosed_names = {sim.register.people[person].name for person in dosed - set(persons)}
    raw = [(entry.body or b"") + entry.target for entry in sim.ledger.received]
    return {
        "doses": len(persons),
        "walk_ins": len(names),
        "twice": sum(times > 1 for times in effects.values()),
        "lost": len(set(persons) - dosed) + len(set(names.values()) - dosed_names),
        "wrong_person": len(dosed_names - set(names.values())),
        "provisional_ids_sent": sum(any(given.encode() in sent for given in names) for sent in raw),
    }


async def races() -> dict[str, Any]:
    """Let two desks send one dose at once, the server being up."""
    async with Simulator(seed=12, people=RACES * 2) as sim:
        with tempfile.TemporaryDirectory() as folder:
            async with a_centre(Path(folder), f"{sim.url}/api") as centre:
                persons = people(sim)[:RACES]
                several = 0
                for person in persons:
                    told = await asyncio.gather(centre.vaccinate(person), centre.vaccinate(person))
                    several += len({answer.headers["Dosekeeper-Record"] for answer in told}) > 1
                await centre.until_all(RecordState.DELIVERED, RACES, WITHIN_S)
                twice = sum(times > 1 for times in Counter(doses_applied(sim)).values())
                return {"races": RACES, "with_several_records": several, "twice": twice}


async def poison() -> dict[str, Any]:
    """Compare how long a backlog takes, without and with a record at its head that the server chokes on."""
    without, with_ = [await _backlog_s(poisoned=poisoned) for poisoned in (False, True)]
    return {"lanes": NEIGHBOURS, "last_without_s": without, "last_with_s": with_, "delay_s": round(with_ - without, 3)}


async def _backlog_s(*, poisoned: bool) -> float:
    async with Simulator(seed=13, people=NEIGHBOURS * 2) as sim:
        with tempfile.TemporaryDirectory() as folder:
            async with a_centre(Path(folder), f"{sim.url}/api") as centre:
                bad, *others = people(sim)[: NEIGHBOURS + 1]
                if poisoned:
                    await sim.faults.add("error_500", routes=[f"/api{VACCINATE}"], match=bad)
                centre.sidecar.circuits.hold(held=True)
                for person in (bad, *others):
                    await centre.vaccinate(person)
                released_at = centre.sidecar.clock.wall()
                centre.sidecar.circuits.hold(held=False)

                async def delivered() -> bool:
                    return len(_others(await _all(centre))) == NEIGHBOURS

                await centre.until(delivered, WITHIN_S)
                latest = max(record.settled_at or 0 for record in _others(await _all(centre)))
                return (latest - released_at) / 1000


async def _all(centre: Centre) -> list[Record]:
    return await centre.sidecar.journal.find(RecordFilter(states=(RecordState.DELIVERED,), limit=10_000))


def _others(records: list[Record]) -> list[Record]:
    return [record for record in records if record.number > 1]


async def _dose(centre: Centre, person: str) -> None:
    told = await centre.vaccinate(person)
    assert told.status == HTTPStatus.OK, told.body


async def _desks(acts: Iterable[Callable[[], Awaitable[None]]]) -> None:
    waiting = iter(acts)

    async def desk() -> None:
        for act in waiting:
            await act()

    await asyncio.gather(*(desk() for _ in range(DESKS)))


def _walk_in(number: int) -> dict[str, Any]:
    return {
        "name": f"Invented Person {number}",
        "birth_year": "1962",
        "gender_id": 2,
        "mobile_number": f"91000{number // 3:05}",
        "photo_id_type": 1,
        "photo_id_number": f"{number:04}",
        "comorbidity_ind": "N",
        "consent_version": "1",
    }


if __name__ == "__main__":
    logging.disable(logging.ERROR)
    measured = asyncio.run(main())
    sys.stdout.write(f"{nested(measured)}\n{json.dumps(measured)}\n")

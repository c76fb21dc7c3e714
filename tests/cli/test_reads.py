"""`dosekeeper reads purge`, with a running service and without."""

from __future__ import annotations

import re

from simulator import Simulator
from tests.cli.centre import Centre
from tests.traffic.centre import GENDERS, people

FIND = "/v2/vaccinator/beneficiaries/findByReferenceId?beneficiary_reference_id="


async def look_up(centre: Centre, path: str = GENDERS) -> int:
    async with centre.desk.get(f"http://127.0.0.1:{centre.data}/api{path}") as answer:
        return answer.status


async def test_a_purge_forgets_every_answer_and_no_record(centre: Centre, sim: Simulator) -> None:
    async with centre.serving() as service:
        assert await centre.vaccinate(people(sim)[0]) == 200
        assert await look_up(centre) == 200
        assert await look_up(centre, FIND + people(sim)[0]) == 200
        status = await centre.run("status")
        purged = await centre.run("reads", "purge", "--by", "asha", "--reason", "a test")
        await sim.faults.add("refuse")
        await service.logged("outage_began", group="vaccinator")
        assert await look_up(centre) == 503
        assert (await centre.status())["records"]["delivered"] == 1
        await sim.faults.clear()
        await service.logged("outage_ended", group="vaccinator")
        assert await look_up(centre) == 200
    before = await centre.run("status", "--json")
    again = await centre.run("reads", "purge", "--by", "asha")
    after = await centre.run("status", "--json")
    audit = await centre.run("audit", "list", "--json")
    assert (purged.code, again.code) == (0, 0)
    assert "an outage now would find 1 of 1 persons" in status.out
    assert re.search(r"Forgotten: [1-9]\d* answers", again.out), "one, and what was asked for in a quiet moment"
    assert before.json["remembered"]["answers"] >= 1
    assert after.json["remembered"]["answers"] == 0
    assert after.json["coverage"] is None, "without a service nobody knows who is expected"
    assert [entry["action"] for entry in audit.json] == ["reads-purge", "reads-purge"]

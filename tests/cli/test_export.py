"""`export`: the paper register of what is not confirmed."""

from __future__ import annotations

import csv
import stat

from simulator import Simulator
from tests.cli.centre import Centre
from tests.cli.held import A_WALK_IN, REGISTER, post
from tests.traffic.centre import doses_applied, people


async def test_what_is_not_confirmed_is_written_for_its_owner_alone_and_looked_up_before_it_is_sent(centre: Centre, sim: Simulator) -> None:
    sent, waiting = people(sim)[:2]
    file = centre.folder / "register.csv"
    async with centre.serving() as service:
        assert await centre.vaccinate(sent) == 200
        fault = await sim.faults.add("refuse")
        await service.logged("outage_began", group="vaccinator")
        assert await centre.vaccinate(waiting) == 200
        await post(centre, REGISTER, A_WALK_IN | {"name": "=Lakshmi Nair"})
        unasked = await centre.run("export", "--out", str(file))
        assert not file.exists()
        aloud = await centre.run("export", "--out", "-")
        unwritable = await centre.run("export", "--out", str(centre.folder / "no-folder" / "register.csv"), "--yes")
        shown = await centre.run("records", "show", "2", "--json")
        written = await centre.run("export", "--out", str(file), "--yes", "--by", "asha")
        marked = await centre.run("records", "show", "2", "--json")
        trail = await centre.run("audit", "list", "--json")
        await sim.faults.lift(fault)
        await service.logged("look_up", number=2)
        await service.logged("settle", state="delivered", number=2)
    assert unasked.code == aloud.code == 2
    assert not unasked.out + aloud.out
    assert unwritable.code == 1
    assert shown.json["exported_at"] is None, "what could not be written is not marked"
    assert written.code == 0, written.err
    assert written.out == ""
    assert marked.json["exported_at"] is not None
    assert [(entry["by"], entry["action"], entry["details"]) for entry in trail.json] == [("asha", "export", {"records": 2})]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in centre.folder.glob("*register*")] == ["register.csv"]
    with file.open(encoding="utf-8-sig", newline="") as text:
        dose, walk_in = csv.DictReader(text)
    assert (dose["number"], dose["state"], dose["route"]) == ("2", "pending", "vaccinate")
    assert (dose["beneficiary_reference_id"], dose["dose"], dose["vaccine"], dose["vaccine_batch"]) == (
        waiting,
        "1",
        "COVISHIELD",
        "4121Z012",
    )
    assert dose["deadline_at"].endswith("17:00:00")
    assert (walk_in["mobile_number"], walk_in["name"]) == ("9000000001", "'=Lakshmi Nair")
    assert doses_applied(sim).count((waiting, 1)) == 1


async def test_nothing_to_write_and_standard_output(centre: Centre, sim: Simulator) -> None:
    async with centre.serving():
        assert await centre.vaccinate(people(sim)[0]) == 200
        nothing = await centre.run("export", "--yes", "--out", "-")
        assert (await centre.run("hold", "--by", "asha")).code == 0
        assert await centre.vaccinate(people(sim)[1]) == 200
    assert nothing.code == 0
    assert nothing.out == ""
    aloud = await centre.run("export", "--yes", "--out", "-")
    assert people(sim)[1] in aloud.out
    assert aloud.out.count("\r\n") == 2

"""Commands while no service runs: they take the journal themselves, and give it to a service that starts."""

from __future__ import annotations

from asyncio import timeout

from simulator import Simulator
from tests.cli.centre import Centre
from tests.traffic.centre import doses_applied, people


async def recorded_in_an_outage(centre: Centre, sim: Simulator, count: int, doses: int = 1) -> list[str]:
    """Leave a journal with doses that could not go up; the server is back when this returns."""
    fault = await sim.faults.add("refuse")
    async with centre.serving() as service:
        await service.logged("outage_began", group="vaccinator")
        chosen = people(sim)[:count]
        for person in chosen:
            for dose in range(1, doses + 1):
                assert await centre.vaccinate(person, dose) == 200
    await sim.faults.lift(fault)
    return chosen


async def test_what_the_journal_last_knew(centre: Centre, sim: Simulator) -> None:
    await recorded_in_an_outage(centre, sim, 2)
    status = await centre.run("status", "--json")
    plain = await centre.run("status")
    assert status.code == 0
    assert status.json["upstream"] == "down"
    assert status.json["service"] is False
    assert status.json["records"]["pending"] == 2
    assert status.json["as_of"] is not None
    assert plain.out.startswith("Service          NOT RUNNING. What follows is from the journal alone, and of the server as of 2")


async def test_a_check_of_the_status_fails_without_a_service(centre: Centre) -> None:
    async with centre.serving():
        running = await centre.run("status", "--check", "--json")
    gone = await centre.run("status", "--check", "--json")
    assert (running.code, running.json["upstream"], running.json["as_of"]) == (0, "up", None)
    assert (gone.code, gone.json["upstream"]) == (1, "up")


async def test_a_plan_counts_as_at_once_what_waits_for_nothing(centre: Centre, sim: Simulator) -> None:
    await recorded_in_an_outage(centre, sim, 2)
    down = await centre.run("replay", "--dry-run")
    assert down.out.startswith("2 would be sent, none of them at once.\n")
    assert "2 wait for the national server" in down.out
    replayed = await centre.run("replay")
    assert replayed.out.count(" of 2 delivered, 0 waiting") == 1
    assert "2 of 2" not in replayed.out.replace("2 of 2 delivered, 0 waiting", "")


async def test_replay_sends_by_itself_in_order(centre: Centre, sim: Simulator) -> None:
    chosen = await recorded_in_an_outage(centre, sim, 3, doses=2)
    plan = await centre.run("replay", "--dry-run", "--json")
    assert plan.json["records"] == 6
    assert plan.json["lanes"] == 3
    assert plan.json["routes"] == {"vaccinate": 6}
    assert [line["number"] for line in plan.json["order"]] == [1, 2, 3, 4, 5, 6]
    replayed = await centre.run("replay")
    assert replayed.code == 0, replayed.out + replayed.err
    assert "6 of 6 delivered, 0 waiting" in replayed.out
    assert sorted(doses_applied(sim)) == sorted((person, dose) for person in chosen for dose in (1, 2))
    for person in chosen:
        assert [dose for of, dose in doses_applied(sim) if of == person] == [1, 2]
    ended = await centre.run("outages", "list", "--json")
    assert ended.json[0]["ended_at"] is not None


async def test_replay_of_one_person_sends_nobody_else(centre: Centre, sim: Simulator) -> None:
    chosen = await recorded_in_an_outage(centre, sim, 3)
    replayed = await centre.run("replay", "--lane", chosen[1], "--json")
    assert replayed.code == 0, replayed.err
    assert replayed.json["states"]["delivered"] == 1
    assert doses_applied(sim) == [(chosen[1], 1)]


async def test_replay_says_why_it_cannot(centre: Centre, sim: Simulator) -> None:
    await recorded_in_an_outage(centre, sim, 1)
    assert (await centre.run("hold", "--by", "asha")).code == 0
    held = await centre.run("replay")
    assert held.code == 1
    assert "dosekeeper release" in held.out
    assert doses_applied(sim) == []


async def test_what_is_settled_is_not_replayed(centre: Centre, sim: Simulator) -> None:
    await recorded_in_an_outage(centre, sim, 1)
    result = await centre.run("replay", "--state", "delivered")
    assert result.code == 1
    assert "dosekeeper records list" in result.err


async def test_replay_gives_way_to_a_service(centre: Centre, sim: Simulator) -> None:
    chosen = await recorded_in_an_outage(centre, sim, 20)
    slow = await centre.start("replay", "--rate", "1")
    assert slow.stdout is not None
    assert b"of 20 delivered" in await slow.stdout.readline()
    async with centre.serving(ready=False) as service, timeout(10):
        await service.logged("ready")
        out, err = await slow.communicate()
        assert slow.returncode == 0, out
        assert b"A service is starting" in err
        async with timeout(20):
            await service.logged("drained")
    assert sorted(doses_applied(sim)) == sorted((person, 1) for person in chosen)


async def test_a_second_command_is_told_who_has_the_journal(centre: Centre, sim: Simulator) -> None:
    await recorded_in_an_outage(centre, sim, 20)
    slow = await centre.start("replay", "--rate", "1")
    assert slow.stdout is not None
    await slow.stdout.readline()
    second = await centre.run("status")
    slow.terminate()
    await slow.communicate()
    assert second.code == 1
    assert f"the dosekeeper cli, process {slow.pid}" in second.err

"""The service as a process: its start, its signals, its end."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from simulator import Simulator
from tests.cli.centre import TERM, Centre
from tests.traffic.centre import doses_applied, people

SHIPPED = Path(__file__).parents[2] / "proxy" / "profiles" / "cowin-vaccinator.yaml"


async def test_a_stop_settles_what_is_under_way(centre: Centre, sim: Simulator) -> None:
    await sim.faults.add("slow", routes=("/api/v2/vaccinator/**",), latency_s=1.5)
    async with centre.serving() as service:
        assert await centre.vaccinate(people(sim)[0]) == 200
        assert await service.stop() == 0
        await service.logged("settle", state="delivered")
        assert (await service.logged("stopped"))["unsettled"] == 0
    assert len(doses_applied(sim)) == 1
    assert not [file.name for file in (centre.folder / "data").iterdir() if file.name.endswith(("-wal", "-shm"))]


async def one_after_another(centre: Centre, persons: Iterator[str]) -> None:
    for person in persons:
        await centre.vaccinate(person)


async def test_a_stop_takes_no_new_desk_while_it_settles(centre: Centre, sim: Simulator) -> None:
    await sim.faults.add("slow", routes=("/api/v2/vaccinator/**",), latency_s=2)
    persons = iter(people(sim))
    async with centre.serving() as service:
        assert await centre.vaccinate(next(persons)) == 200
        service.process.send_signal(TERM)
        await service.logged("stopping")
        with pytest.raises(aiohttp.ClientConnectionError):
            await one_after_another(centre, persons)
        assert "stopped" not in {event["action"] for event in service.events}
        await service.logged("stopped")


async def test_every_line_of_the_log_is_json_with_an_action(centre: Centre) -> None:
    async with centre.serving() as service:
        pass
    assert service.events
    assert [event for event in service.events if not {"time", "level", "action", "message"} <= event.keys()] == []


async def test_text_log(centre: Centre) -> None:
    async with centre.serving(ready=False, DOSEKEEPER_LOG__FORMAT="text") as service, asyncio.timeout(20), service.more:
        await service.more.wait_for(lambda: any(" info ready " in event["message"] for event in service.events))


async def test_the_data_port_works_without_the_admin_port(centre: Centre, sim: Simulator) -> None:
    taken = socket.create_server(("127.0.0.1", centre.admin))
    async with centre.serving(ready=False) as service:
        await service.logged("ready")
        await service.logged("admin_port_failed")
        assert await centre.vaccinate(people(sim)[0]) == 200
        taken.close()
        await service.logged("admin_port")
        assert (await centre.status())["records"]["delivered"] == 1


async def test_a_taken_data_port_is_said(centre: Centre) -> None:
    with socket.create_server(("127.0.0.1", centre.data)):
        result = await centre.run("serve")
    assert result.code == 1
    assert f"port {centre.data}" in result.err
    assert "listen.port" in result.err


async def test_a_second_service_is_told_who_has_the_journal(centre: Centre) -> None:
    async with centre.serving() as service:
        result = await centre.run("serve", DOSEKEEPER_LISTEN__PORT="0", DOSEKEEPER_ADMIN__PORT="0")
    assert result.code == 1
    assert f"the dosekeeper service, process {service.process.pid}" in result.err


async def test_a_wrong_key_is_no_new_journal(centre: Centre) -> None:
    async with centre.serving():
        pass
    result = await centre.run("serve", DOSEKEEPER_STORE_KEY="00" * 32)
    assert result.code == 1
    assert "The key does not open the journal" in result.err


async def test_another_journals_admin_port_is_not_ours(centre: Centre, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    async with centre.serving(DOSEKEEPER_STORE__PATH=str(elsewhere / "journal.db")):
        result = await centre.run("status")
    assert result.code == 1
    assert "There is no journal" in result.err


async def test_client_software_is_told_how_the_centre_stands(centre: Centre) -> None:
    async with centre.serving(), centre.desk.get(f"http://127.0.0.1:{centre.data}/.dosekeeper/status") as answer:
        told = await answer.json()
    assert told.keys() == (
        {"state", "since", "tell", "next_step", "language", "can_record", "pending", "held", "needs_log_in"}
        | {"upstream", "outage", "records", "oldest_unsent_at", "all_confirmed"}
    )


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no SIGHUP")
async def test_hup_reads_the_profile_anew_and_keeps_the_old_one_on_error(centre: Centre, sim: Simulator) -> None:
    profile = centre.folder / "ours.yaml"
    profile.write_text(SHIPPED.read_text())
    async with centre.serving(DOSEKEEPER_PROFILE=str(profile)) as service:
        profile.write_text(SHIPPED.read_text().replace("policy: record", "policy: recrod", 1))
        service.process.send_signal(signal.SIGHUP)
        kept = await service.logged("profile_kept")
        assert await centre.vaccinate(people(sim)[0]) == 200
        profile.write_text(SHIPPED.read_text().replace("name: vaccinate", "name: dose", 1).replace("record: vaccinate", "record: dose"))
        service.process.send_signal(signal.SIGHUP)
        await service.logged("profile_adopted")
        assert await centre.vaccinate(people(sim)[1]) == 200
        profile.write_text(SHIPPED.read_text().replace("beneficiary/genders}", "beneficiary/idTypes}", 1))
        service.process.send_signal(signal.SIGHUP)
        await service.logged("profile_kept", times=2)
    assert "policy" in kept["problems"]
    records = await centre.run("records", "list", "--json")
    assert [record["route"] for record in records.json] == ["vaccinate", "dose"]

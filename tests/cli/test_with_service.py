"""Commands while the service runs: they act through its admin port."""

from __future__ import annotations

import re

import pytest

from simulator import Simulator
from tests.cli.centre import Centre
from tests.traffic.centre import doses_applied, people

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


async def test_status_tells_the_pinned_keys(centre: Centre, sim: Simulator) -> None:
    async with centre.serving():
        assert await centre.vaccinate(people(sim)[0]) == 200
        result = await centre.run("status", "--json")
    assert result.code == 0
    found = result.json
    assert {"upstream", "outage", "groups", "records", "oldest_unsent_at", "next_deadline_at", "all_confirmed"} <= found.keys()
    assert found["upstream"] == "up"
    assert found["outage"] is None
    assert found["records"]["delivered"] == 1
    assert {group["group"] for group in found["groups"]} >= {"vaccinator", "registration", "appointment", "auth"}
    assert found["oldest_unsent_at"] is None
    assert found["next_deadline_at"] is None
    assert found["all_confirmed"] is True


async def test_an_outage_from_its_beginning_to_its_end(centre: Centre, sim: Simulator) -> None:
    lane = people(sim)[0]
    async with centre.serving() as service:
        fault = await sim.faults.add("refuse")
        await service.logged("outage_began", group="vaccinator")
        assert await centre.vaccinate(lane) == 200
        down = await centre.run("status", "--check", "--json")
        plain = await centre.run("status")
        planned = await centre.run("replay", "--dry-run", "--lane", lane)
        other = await centre.run("replay", "--dry-run", "--lane", people(sim)[1])
        await sim.faults.lift(fault)
        await service.logged("outage_ended", group="vaccinator")
        replayed = await centre.run("replay")
        await service.logged("drained")
        listed = await centre.run("outages", "list", "--json")
        noted = await centre.run("outages", "annotate", "1", "--reason", "seen on the news", "--by", "asha", "--json")
        report = await centre.run("outages", "report", "--format", "json")
        records = await centre.run("records", "list", "--json")
    assert down.code == 1
    assert down.json["upstream"] == "down"
    assert down.json["outage"].keys() == {"started_at", "duration_s", "cause", "scope"}
    assert down.json["outage"]["cause"] == "refused"
    assert RFC3339.fullmatch(down.json["oldest_unsent_at"])
    assert down.json["all_confirmed"] is False
    assert plain.code == 0
    assert "down since" in plain.out
    assert "1 would be sent" in planned.out
    assert "server-down" in planned.out
    assert "Nothing would be sent" in other.out
    assert replayed.code == 0, replayed.out
    pinned = {"id", "group", "started_at", "detected_at", "ended_at", "duration_s", "cause", "scope", "flaps", "recorded", "drained_at"}
    assert pinned <= listed.json[0].keys()
    assert listed.json[0]["recorded"] == 1
    assert RFC3339.fullmatch(listed.json[0]["drained_at"])
    assert listed.json[0]["kind"] == "down"
    assert listed.json[0]["first_error"] in ("connection refused", "connection reset")
    assert report.json["outages"][0]["notes"] == [noted.json]
    assert (report.json["total"]["doses"], report.json["total"]["waiting"], report.json["total"]["late"]) == (1, 0, 0)
    assert report.json["timeline"][0]["kind"] == "unobserved", "nobody watched before the service began"
    assert report.json["timeline"][-1]["kind"] == "down", "and since then somebody did"
    assert [record.keys() for record in records.json] == [
        {"id", "number", "state", "route", "recorded_at", "attempts", "reason", "clock_doubt"}
    ]
    assert records.json[0]["state"] == "delivered"
    assert doses_applied(sim) == [(lane, 1)]


async def test_hold_keeps_and_release_sends(centre: Centre, sim: Simulator) -> None:
    async with centre.serving() as service:
        held = await centre.run("hold", "--reason", "maintenance", "--by", "asha")
        assert held.code == 0
        assert "dosekeeper release" in held.out
        assert await centre.vaccinate(people(sim)[0]) == 200
        status = await centre.run("status", "--json")
        stuck = await centre.run("replay")
        released = await centre.run("release", "--by", "asha")
        await service.logged("settle", state="delivered")
        again = await centre.run("release")
    assert status.json["upstream"] == "held"
    assert status.json["hold"]["by"] == "asha"
    assert status.json["records"]["pending"] == 1
    assert stuck.code == 1
    assert "1 wait for the operator's hold to end" in stuck.out
    assert "Released: records are sent again." in released.out
    assert again.code == 0
    assert "There was no hold" in again.out
    assert len(doses_applied(sim)) == 1


async def test_a_hold_in_an_outage_and_when_its_records_are_sent(centre: Centre, sim: Simulator) -> None:
    await sim.faults.add("refuse")
    async with centre.serving() as service:
        await service.logged("outage_began", group="vaccinator")
        assert (await centre.run("hold", "--by", "asha")).code == 0
        names = [line.split("  ")[0] for line in (await centre.run("status")).out.splitlines() if not line.startswith("  ")]
        lines = (await centre.run("status")).out.splitlines()
        released = await centre.run("release", "--by", "asha")
    assert names[:2] == ["On hold", "National server"]
    assert lines[2].startswith("  ")  # its groups
    assert "sent when the national server is back; it is down" in released.out
    await centre.run("hold", "--by", "asha")
    assert "sent when the service runs. Start it: dosekeeper serve" in (await centre.run("release", "--by", "asha")).out


async def test_a_hold_ends_by_itself(centre: Centre, sim: Simulator) -> None:
    async with centre.serving() as service:
        assert (await centre.run("hold", "--until", "3s")).code == 0
        assert await centre.vaccinate(people(sim)[0]) == 200
        await service.logged("hold_over")
        await service.logged("settle", state="delivered")
        assert (await centre.status())["hold"] is None


async def test_a_hold_in_the_past_is_refused(centre: Centre) -> None:
    async with centre.serving():
        result = await centre.run("hold", "--until", "2021-07-30T12:00")
    assert result.code == 1
    assert "has passed already" in result.err


async def test_personal_data_is_shown_only_when_asked_for(centre: Centre, sim: Simulator) -> None:
    person = people(sim)[0]
    async with centre.serving() as service:
        await centre.vaccinate(person)
        texts = [
            (await centre.run(*words)).out
            for words in (("records", "list"), ("records", "show", "1"), ("status",), ("replay", "--dry-run"))
        ]
        asked = await centre.run("records", "show", "1", "--body", "--json")
        lane = await centre.run("records", "list", "--lane", person, "--json")
        nobody = await centre.run("records", "show", "99")
    assert not [text for text in texts if person in text or "Prabha" in text]
    assert person in asked.json["body"]
    assert [record["number"] for record in lane.json] == [1]
    assert nobody.code == 1
    assert "dosekeeper records list" in nobody.err
    log = str(service.events)
    assert person not in log
    assert "Prabha" not in log
    assert "demo-key" not in log


async def test_the_token_is_asked_for(centre: Centre) -> None:
    (centre.folder / "token").write_text("correct horse\n")
    centre.change(lambda text: text.replace("admin: {", "admin: {token_file: token, "))
    async with centre.serving():
        known = await centre.run("status")
        async with centre.desk.get(f"{centre.admin_url}/api/status") as answer:
            unknown = answer.status
        (centre.folder / "token").write_text("another\n")
        wrong = await centre.run("status")
    assert known.code == 0
    assert unknown == 401
    assert wrong.code == 1
    assert "admin.token_file" in wrong.err


@pytest.mark.parametrize("since", ["2h", "2021-07-30", "2021-07-30T12:00", "2021-07-30T12:00:00+05:30"])
async def test_times_are_taken_as_people_write_them(centre: Centre, sim: Simulator, since: str) -> None:
    async with centre.serving():
        await centre.vaccinate(people(sim)[0])
        assert len((await centre.run("records", "list", "--since", since, "--json")).json) == 1

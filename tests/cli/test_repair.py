"""Held records, and what a person does about them: with the service, and without."""

from __future__ import annotations

import pytest

from simulator import Simulator
from tests.cli.centre import Centre
from tests.cli.held import A_WALK_IN, REGISTER, post, refused_in_replay, states
from tests.traffic.centre import VACCINATE, a_dose, doses_applied, people

EDIT = ("records", "edit", "1", "--set", "center_id=563048", "--by", "asha", "--reason", "wrong centre")


async def test_a_refused_dose_is_edited_and_goes_up(centre: Centre, sim: Simulator) -> None:
    async with centre.serving() as service:
        (person,) = await refused_in_replay(centre, sim, service)
        grouped = await centre.run("records", "list", "--state", "held", "--grouped")
        planned = await centre.run(*EDIT, "--dry-run")
        assert (await states(centre)) == ["held"]
        assert "1 waits for a person: dosekeeper records list" in (await centre.run("status")).out
        edited = await centre.run(*EDIT)
        await service.logged("settle", state="delivered")
        shown = await centre.run("records", "show", "1", "--body", "--json")
        told, briefly = await centre.run("records", "show", "1", "--body"), await centre.run("records", "show", "1", "--json")
        again = await centre.run(*EDIT)
        trail = await centre.run("audit", "list", "--json")
    assert "APPOIN0006" in grouped.out
    assert "dosekeeper records edit NUMBER" in grouped.out
    assert planned.code == 0
    assert "999999" in planned.out
    assert "563048" in planned.out
    assert edited.code == 0, edited.err
    assert "revision 2" in edited.out
    assert doses_applied(sim) == [(person, 1)]
    assert '"center_id": 563048' in shown.json["body"], "still a number, and nothing else was written anew"
    (before,) = shown.json["revisions"]
    assert (before["revision"], before["replaced_by"], before["reason"]) == (1, "asha", "wrong centre")
    assert '"center_id": 999999' in before["body"]
    assert "999999" in told.out.partition("Before it was edited:")[2]
    assert [each.keys() for each in briefly.json["revisions"]] == [{"revision", "replaced_at", "replaced_by", "reason"}]
    assert again.code == 0
    assert "says so already" in again.out
    assert [(entry["by"], entry["action"], entry["record"], entry["reason"]) for entry in trail.json] == [
        ("asha", "edit", 1, "wrong centre")
    ]


async def test_a_refused_dose_is_edited_without_a_service_and_replayed(centre: Centre, sim: Simulator) -> None:
    async with centre.serving() as service:
        (person,) = await refused_in_replay(centre, sim, service)
    edited = await centre.run(*EDIT)
    assert edited.code == 0, edited.err
    assert "dosekeeper replay" in edited.out
    assert (await centre.run("replay")).code == 0
    assert doses_applied(sim) == [(person, 1)]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("centre_id=1", 'did you mean "center_id"'),
        ("center_id=Rudrapur", "center_id"),
        ("dose=", "dose"),
        ("beneficiary_reference_id:=null", "whom it concerns"),
        ("nonsense", "path=value"),
    ],
)
async def test_an_edit_that_cannot_be_is_refused_and_changes_nothing(centre: Centre, sim: Simulator, change: str, says: str) -> None:
    async with centre.serving() as service:
        await refused_in_replay(centre, sim, service)
    result = await centre.run("records", "edit", "1", "--set", change)
    assert result.code == 1
    assert says in result.err
    assert (await states(centre)) == ["held"]
    assert (await centre.run("audit", "list", "--json")).json == []


async def test_a_delivered_record_is_not_edited(centre: Centre, sim: Simulator) -> None:
    async with centre.serving():
        assert await centre.vaccinate(people(sim)[0]) == 200
        result = await centre.run("records", "edit", "1", "--set", "center_id=1")
        retried = await centre.run("records", "retry", "1")
    assert result.code == 1
    assert "it is delivered" in result.err
    assert retried.code == 0, "what is done needs nothing"


async def test_a_dose_that_may_have_got_through_is_not_edited_without_a_look(centre: Centre, sim: Simulator) -> None:
    async with centre.serving() as service:
        fault = await sim.faults.add("commit_then_drop")
        await centre.vaccinate(people(sim)[0])
        await service.logged("settle", state="unknown")
        edited = await centre.run("records", "edit", "1", "--set", "center_id=1")
        discarded = await centre.run("records", "discard", "1", "--reason", "twice")
        await sim.faults.lift(fault)
    assert edited.code == discarded.code == 1


async def test_retry_and_discard_in_bulk_ask_first_and_report_each(centre: Centre, sim: Simulator) -> None:
    async with centre.serving() as service:
        await refused_in_replay(centre, sim, service, 3)
        unscoped = await centre.run("records", "discard", "--reason", "x", "--yes")
        planned = await centre.run("records", "retry", "--cause", "refused", "--dry-run", "--json")
        unasked = await centre.run("records", "discard", "--cause", "refused", "--reason", "entered by hand")
        assert (await states(centre)) == ["held"] * 3
        other = await centre.run("records", "discard", "--cause", "poison", "--reason", "x", "--yes")
        done = await centre.run("records", "discard", "1", "3", "--reason", "entered by hand", "--yes", "--by", "asha")
        assert (await states(centre)) == ["discarded", "held", "discarded"]
        again = await centre.run("records", "discard", "1", "--reason", "entered by hand")
        retried = await centre.run("records", "retry", "2")
        await service.logged("settle", 4, state="held")
    assert unscoped.code == 1
    assert "Say which records" in unscoped.err
    assert planned.json | {"results": []} == planned.json
    assert (planned.json["records"], planned.json["persons"], planned.json["numbers"]) == (3, 3, [1, 2, 3])
    assert unasked.code == 2
    assert "--yes" in unasked.err
    assert other.code == 0
    assert "No record fits" in other.out
    assert done.code == 0
    assert "2 done" in done.out
    assert again.code == 0
    assert "as before" in again.out
    assert retried.code == 0


async def test_held_records_are_replayed_when_asked_for_by_name(centre: Centre, sim: Simulator) -> None:
    async with centre.serving() as service:
        await refused_in_replay(centre, sim, service, 2)
    planned = await centre.run("replay", "--state", "held", "--dry-run")
    assert "2 would be sent" in planned.out
    replayed = await centre.run("replay", "--state", "held", "--by", "asha")
    assert replayed.code == 1, "refused once more"
    assert "Held for a person: 2" in replayed.out
    trail = await centre.run("audit", "list", "--json")
    assert [(entry["by"], entry["action"]) for entry in trail.json] == [("asha", "retry")] * 2


@pytest.mark.parametrize("with_service", [True, False])
async def test_the_children_of_a_refused_registration_get_the_id_a_person_gives(
    centre: Centre, sim: Simulator, *, with_service: bool
) -> None:
    real = people(sim)[0]
    async with centre.serving() as service:
        fault = await sim.faults.add("refuse")
        await service.logged("outage_began", group="vaccinator")
        receipt = await post(centre, REGISTER, A_WALK_IN | {"birth_year": "1700"})
        provisional = str(receipt["beneficiary_reference_id"])
        await post(centre, VACCINATE, a_dose(provisional))
        await sim.faults.lift(fault)
        await service.logged("settle", state="held")
        if with_service:
            await repaired(centre, real, provisional)
            await service.logged("settle", state="delivered")
    if not with_service:
        await repaired(centre, real, provisional)
        replayed = await centre.run("replay")
        assert replayed.code == 0, replayed.out
    assert doses_applied(sim) == [(real, 1)]
    assert (await states(centre)) == ["delivered", "delivered"]


async def repaired(centre: Centre, real: str, provisional: str) -> None:
    grouped = await centre.run("records", "list", "--state", "held", "--grouped", "--json")
    assert [group["blocks"] for group in grouped.json] == [[{"number": 1, "waiting": [2]}]]
    assert (await centre.run("records", "show", "1", "--json")).json["waiting_behind"] == [2]
    discarded = await centre.run("records", "discard", "1", "--reason", "no name")
    assert discarded.code == 1
    assert "record 2" in discarded.err
    settle = ("records", "settle", "1", "--as", "delivered", "--reference")
    own = await centre.run(*settle, provisional)
    assert own.code == 1
    assert provisional not in own.err
    settled = await centre.run(*settle, real)
    assert settled.code == 0, settled.err
    again = await centre.run(*settle, real)
    assert again.code == 0
    assert "as before" in again.out


async def test_a_never_sent_dose_is_edited(centre: Centre, sim: Simulator) -> None:
    async with centre.serving() as service:
        assert (await centre.run("hold", "--by", "asha")).code == 0
        person, other = people(sim)[:2]
        await post(centre, VACCINATE, a_dose(person))
        edited = await centre.run("records", "edit", "1", "--set", f"beneficiary_reference_id={other}")
        assert edited.code == 0, edited.err
        lane = await centre.run("records", "list", "--lane", other, "--json")
        assert (await centre.run("release", "--by", "asha")).code == 0
        await service.logged("settle", state="delivered")
    assert [record["number"] for record in lane.json] == [1], "the lane is the other person's now"
    assert doses_applied(sim) == [(other, 1)]

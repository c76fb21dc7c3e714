"""What a person changes while replay is at that record: what replay found out before is not about what the record says now."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from proxy.operations.asked import EditAsked
from proxy.operations.centre import Centre as Operated
from proxy.operations.editing import edit
from proxy.traffic.look_ups import LookUps
from proxy.traffic.sender import Sender
from simulator import Simulator
from store.decisions import Act
from store.records import Record, RecordState, Settlement
from tests.traffic.centre import VACCINATE, Centre, doses_applied, people
from tests.traffic.test_walk_ins import REGISTER, register, registered, walk_in_like


def calls(sim: Simulator, since: int = 0) -> list[str]:
    """What the server was asked of persons, in order: the last part of each path."""
    asked = (entry.target.decode().partition("?")[0] for entry in sim.ledger.received[since:])
    return [path.rpartition("/")[2] for path in asked if "/vaccinator/" in path]


async def edited(centre: Centre, number: int, *changes: str, word: bool = False) -> None:
    sidecar = centre.sidecar
    asked = EditAsked(key=str(number), set=changes, by="asha", reason="mistyped", word=word)
    done = await edit(Operated(sidecar.journal, sidecar.clock, sidecar.persons), asked)
    assert done["changed"], done["why_not"]
    sidecar.replayer.wake.ring()


def once_after(
    monkeypatch: pytest.MonkeyPatch, whose: type, name: str, wanted: Callable[[Record], bool], act: Callable[[int], Awaitable[object]]
) -> None:
    """Do *act* when a method has come to something of a record for the first time, and has not told it yet."""
    real, done = getattr(whose, name), list[int]()

    async def wrapped(self: object, record: Record, *more: Any) -> Any:
        found = await real(self, record, *more)
        if not done and wanted(record):
            done.append(record.number)
            await act(record.number)
        return found

    monkeypatch.setattr(whose, name, wrapped)


async def test_what_was_found_by_a_mobile_that_is_corrected_meanwhile_is_another_persons(
    sim: Simulator, centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = people(sim)[0]
    once_after(
        monkeypatch, LookUps, "find", lambda record: record.issues is not None, lambda n: edited(centre, n, "mobile_number=9876500000")
    )
    await sim.faults.add("refuse")
    await centre.go_down()
    told = await centre.post(REGISTER, walk_in_like(sim, other))
    await centre.vaccinate(json.loads(told.body)["beneficiary_reference_id"])
    await sim.faults.clear()
    await centre.until_all(RecordState.DELIVERED, 2)
    (real,) = registered(sim)
    assert real != other
    assert doses_applied(sim) == [(real, 1)], "to the person of the corrected mobile"
    assert calls(sim) == ["findByMobile", "findByMobile", "new", "vaccinate"]


async def test_not_there_asked_before_an_export_is_not_believed_after_it(
    sim: Simulator, centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = centre.sidecar.journal
    once_after(monkeypatch, LookUps, "find", lambda _: True, lambda n: journal.mark_exported([n], centre.sidecar.clock.wall()))
    await sim.faults.add("refuse")
    await centre.go_down()
    await register(centre)
    await sim.faults.clear()
    await centre.until_all(RecordState.DELIVERED, 1)
    assert calls(sim) == ["findByMobile", "findByMobile", "new"]


async def test_not_there_asked_of_an_unknown_before_an_export_is_not_believed_after_it(
    sim: Simulator, centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would be sent, and be entered from the paper too."""
    journal, person = centre.sidecar.journal, people(sim)[0]
    once_after(monkeypatch, LookUps, "find", lambda _: True, lambda n: journal.mark_exported([n], centre.sidecar.clock.wall()))
    await sim.faults.add("reset_before", routes=[f"/api{VACCINATE}"], times=1)
    await centre.vaccinate(person)
    await centre.until_all(RecordState.DELIVERED, 1)
    assert calls(sim) == ["vaccinate", "findByReferenceId", "findByReferenceId", "vaccinate"]
    assert doses_applied(sim) == [(person, 1)]


async def test_what_is_edited_just_before_its_send_is_looked_up_first(
    sim: Simulator, centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    existing = walk_in_like(sim, people(sim)[0])
    now_it_is = f"mobile_number={existing['mobile_number']}"
    looked_up: Callable[[Record], bool] = lambda record: record.looked_up_at is not None  # noqa: E731 - so it is to be sent
    once_after(monkeypatch, LookUps, "needed", looked_up, lambda n: edited(centre, n, now_it_is))
    await sim.faults.add("refuse")
    await centre.go_down()
    await centre.post(REGISTER, existing | {"mobile_number": "9876500000"})
    await sim.faults.clear()
    await centre.until_all(RecordState.DELIVERED, 1)
    assert registered(sim) == [], "nobody is registered twice"
    assert calls(sim) == ["findByMobile", "findByMobile"]


@pytest.mark.parametrize("decided", ["edit", "retry"])
async def test_a_refused_registration_is_looked_up_again_once_a_person_had_it_in_hand(sim: Simulator, centre: Centre, decided: str) -> None:
    """It was looked up a minute ago: as somebody else, or before the person who had it in hand entered it at the server."""
    existing = people(sim, doses=1)[0]
    known = walk_in_like(sim, existing)
    await sim.faults.add("refuse")
    await centre.go_down()
    told = await centre.post(REGISTER, known | {"birth_year": "1700", "mobile_number": "9876500000"})
    await centre.vaccinate(json.loads(told.body)["beneficiary_reference_id"])
    await sim.faults.clear()
    await centre.until_all(RecordState.HELD, 1)
    asked = len(sim.ledger.received)
    if decided == "edit":
        await edited(centre, 1, f"birth_year={known['birth_year']}", f"mobile_number={known['mobile_number']}")
    else:
        sim.register.people[existing].birth_year, sim.register.people[existing].mobile = "1700", "9876500000"
        record = (await centre.records())[0]
        await centre.sidecar.journal.retry(record, Act("asha", "looked"), centre.sidecar.clock.wall())
        centre.sidecar.replayer.wake.ring()

    async def both() -> bool:
        return (await centre.states()) == ["delivered", "delivered"] or "held" in (await centre.states())[1:]

    await centre.until(both)
    assert registered(sim) == [], "found there, not registered a second time"
    assert calls(sim, asked) == ["findByMobile", "findByReferenceId"], "and others may have entered the dose of whom we did not register"


async def test_what_was_sent_before_an_edit_is_not_called_delivered_after_it(
    sim: Simulator, centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It turns out to be a double while it is sent, and whoever looked at it vouches that it was not."""
    person = people(sim)[0]

    async def held_and_edited(number: int) -> None:
        centre.sidecar.circuits.hold(held=True)  # or it would be sent anew meanwhile
        double = Settlement(RecordState.HELD, None, "same-fact-as 2", maybe_applied=True)
        assert await centre.sidecar.journal.move(number, RecordState.SENDING, double, centre.sidecar.clock.wall())
        await edited(centre, number, "vaccine_batch=9999", word=True)

    once_after(monkeypatch, Sender, "_made", lambda _: True, held_and_edited)
    await centre.vaccinate(person)
    await centre.until_all(RecordState.HELD, 1)
    (record,) = await centre.records()
    assert (record.reason, record.revision) == ("delivered before its edit", 2)
    assert doses_applied(sim) == [(person, 1)]

"""Decisions on a real journal, where no service runs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from ulid import ULID

from proxy.operations.catalogue import ACTS
from proxy.operations.centre import Centre
from proxy.operations.errors import Unfit
from proxy.profiles.load import load_profile
from proxy.settings import load_settings
from proxy.traffic.active_profile import ActiveProfile
from proxy.traffic.clock import Clock
from proxy.traffic.persons import persons_of
from store.file.lock import Role
from store.journal import open_journal
from store.records import NewRecord, Recorded, RecordState, Settlement

BY = {"by": "asha", "reason": "looked"}
A_DOSE = {"center_id": 999999, "vaccine": "COVISHIELD", "dose": 1, "dose1_date": "23-06-2021", "vaccinator_name": "Prabha Devi"}


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[Centre]:
    settings = load_settings(
        None, {"DOSEKEEPER_STORE__PATH": str(tmp_path / "j.db"), "DOSEKEEPER_STORE__KEY_FILE": str(tmp_path / "j.key")}
    )
    journal = await open_journal(settings.store.path, settings.store.key_file, {}, Role.CLI)
    profile = ActiveProfile(load_profile("cowin-vaccinator", tmp_path))
    yield Centre(journal, Clock(), persons_of(settings, profile, journal))
    await journal.close()


async def held(
    centre: Centre, person: str = "48448366834980", *, reason: str = "refused", deadline_at: int | None = None, **to: bool
) -> int:
    journal, now = centre.journal, centre.clock.wall()
    new = NewRecord(
        id=ULID().bytes,
        route="vaccinate",
        group="vaccinator",
        lanes=(journal.lane_hash(person),),
        method="POST",
        target="/api/v2/vaccinator/beneficiaries/vaccinate",
        headers=b"Content-Type: application/json\r\nContent-Length: 1\r\n",
        body=json.dumps(A_DOSE | {"beneficiary_reference_id": person}).encode(),
        recorded_at=now,
        deadline_at=deadline_at,
    )
    kept = await journal.record(new, send=True)
    assert isinstance(kept, Recorded)
    attempt = 1 if kept.state is RecordState.SENDING else 0
    if attempt:
        assert await journal.settle(kept.number, attempt, Settlement(RecordState.HELD, "refused", reason, **to), now)
    return kept.number


async def act(centre: Centre, verb: str, **asked: object) -> Any:
    return await ACTS[verb](centre, asked)


async def test_what_may_have_got_through_wants_a_look_or_a_word(centre: Centre) -> None:
    await held(centre, maybe_applied=True)
    edit = {"key": "1", "set": ["center_id=563048"], **BY}
    refused = await act(centre, "edit", **edit)
    assert (refused["done"], refused["state"], refused["revision"]) == (False, "held", 1)
    assert "dosekeeper records retry 1" in refused["why_not"]
    assert "--i-have-looked" in refused["why_not"]
    assert (refused["obstacle"], refused["other"]) == ("maybe-applied", None)
    (given_up,) = (await act(centre, "discard", keys=["1"], **BY))["results"]
    assert not given_up["done"]
    assert await act(centre, "audit") == [], "what was not decided is not in the audit"
    edited = await act(centre, "edit", word=True, **edit)
    assert (edited["done"], edited["state"], edited["revision"]) == (True, "pending", 2)


@pytest.mark.parametrize(("word", "state"), [(False, "unknown"), (True, "pending")])
async def test_retry_is_a_look_up_unless_somebody_has_looked(centre: Centre, *, word: bool, state: str) -> None:
    await held(centre, maybe_applied=True)
    (retried,) = (await act(centre, "retry", keys=["1"], word=word, **BY))["results"]
    assert retried["state"] == state
    (again,) = (await act(centre, "retry", keys=["1"], **BY))["results"]
    assert (again["done"], again["changed"]) == (True, False)
    assert len(await act(centre, "audit")) == 1


async def test_an_edit_keys_the_record_anew_and_tells_its_length(centre: Centre) -> None:
    await held(centre)
    await act(centre, "edit", key="1", set=["beneficiary_reference_id=60171236519740"], **BY)
    record = await centre.journal.get(1)
    assert record is not None
    assert f"Content-Length: {len(record.body)}\r\n".encode() in record.headers
    assert [found["number"] for found in await act(centre, "search", lane="60171236519740")] == [1]
    assert await act(centre, "search", lane="48448366834980") == []
    (original,) = await centre.journal.revisions(1)
    assert b"48448366834980" in original.body


async def test_an_edit_into_the_fact_of_another_record_is_not_taken(centre: Centre) -> None:
    await held(centre)
    await act(centre, "edit", key="1", set=["center_id=563048"], **BY)  # from here on it has its fact
    await held(centre, "60171236519740")
    refused = await act(centre, "edit", key="2", set=["beneficiary_reference_id=48448366834980"], **BY)
    assert not refused["done"]
    assert "record 1 is the same fact" in refused["why_not"]
    assert (refused["obstacle"], refused["other"]) == ("fact-is-known", 1)
    assert [entry["record"] for entry in await act(centre, "audit")] == [1]
    assert await act(centre, "audit", record=2) == []
    assert [entry["action"] for entry in await act(centre, "audit", record=1)] == ["edit"]


async def test_the_held_are_grouped_with_whom_they_keep_waiting(centre: Centre) -> None:
    await held(centre, reason="refused http_400 APPOIN0006")
    await held(centre)  # the same person's: it waits
    await held(centre, "60171236519740", reason="refused http_400 APPOIN0006")
    (group,) = await act(centre, "held")
    assert (group["count"], group["persons"]) == (2, 2)
    assert group["blocks"] == [{"number": 1, "waiting": [2]}]
    assert "dosekeeper records edit" in group["suggestion"]


async def test_a_cause_is_words_not_letters(centre: Centre) -> None:
    await held(centre, reason="refused http_400 APPOIN0006")
    await held(centre, "60171236519740", reason="refused http_409")
    for cause, count in (("refused", 2), ("refused http_400", 1), ("refuse", 0), ("refused http_400 APPOIN0006", 1)):
        assert len(await act(centre, "search", cause=cause)) == count
        assert (await act(centre, "retry", cause=cause, dry_run=True, **BY))["records"] == count


@pytest.mark.parametrize("scope", [{}, {"keys": ["1"], "cause": "refused"}])
async def test_a_decision_about_many_says_about_which(centre: Centre, scope: dict[str, object]) -> None:
    await held(centre)
    with pytest.raises(Unfit, match="Say which records"):
        await act(centre, "retry", **scope, **BY)


async def test_status_tells_the_deadlines(centre: Centre) -> None:
    now = centre.clock.wall()
    await held(centre, deadline_at=now - 1000)
    await held(centre, "60171236519740", deadline_at=now + 3_600_000)
    status = await act(centre, "status")
    assert status["past_deadline"] == 1
    assert status["next_deadline_at"] is not None

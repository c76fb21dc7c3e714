"""`dosekeeper journal`: what is damaged is shown, and put right, with and without a service."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress

import pytest

from simulator import Simulator
from store.file.pages import PAGE_BYTES
from tests.cli.centre import Centre
from tests.cli.test_without_service import recorded_in_an_outage
from tests.store.damage import flip, wipe


async def test_a_whole_journal_is_said_to_be(centre: Centre, sim: Simulator) -> None:
    await recorded_in_an_outage(centre, sim, 1)
    checked = await centre.run("journal", "check")
    assert (checked.code, checked.out) == (0, "The journal is whole: every page is as it was written.\n")
    assert (await centre.run("journal", "salvage")).out == "The journal is whole: there is nothing to salvage.\n"
    async with centre.serving():
        assert (await centre.run("journal", "check", "--json")).json["whole"] is True
        refused = await centre.run("journal", "salvage", "--yes")
        assert (refused.code, "by itself" in refused.err) == (1, True)


async def test_damage_is_shown_put_right_and_told_of(centre: Centre, sim: Simulator) -> None:
    await recorded_in_an_outage(centre, sim, 4)
    journal = centre.folder / "data" / "journal.db"
    page = await _page_of(centre, "record_request")
    wipe(journal, page)
    damaged = journal.read_bytes()

    checked = await centre.run("journal", "check")
    assert checked.code == 1
    assert "4 records of which a part is lost: 1, 2, 3, 4" in checked.out
    assert "dosekeeper journal salvage" in checked.err
    assert (await centre.run("journal", "salvage")).code == 2, "it asks, and there is nobody to answer"
    assert journal.read_bytes() == damaged

    salvaged = await centre.run("journal", "salvage", "--yes")
    assert salvaged.code == 1, "something waits for a person"
    (kept,) = (each for each in journal.parent.glob("*.damaged-*") if not each.name.endswith("-wal"))
    assert str(kept) in salvaged.out
    assert kept.read_bytes() == damaged
    said = (await centre.run("status")).out
    assert "held: 1, 2, 3, 4" in said
    assert f"damaged files kept beside the journal: 1 (0 MiB), the last {kept.name}" in said


async def test_a_damaged_original_can_be_looked_into_elsewhere(centre: Centre, sim: Simulator) -> None:
    """As the runbook says it, beside a service that goes on."""
    await recorded_in_an_outage(centre, sim, 3)
    journal = centre.folder / "data" / "journal.db"
    wipe(journal, await _page_of(centre, "record_answer"))
    assert (await centre.run("journal", "salvage", "--yes")).code == 0
    (original,) = (await centre.run("status", "--json")).json["originals"]
    (centre.folder / "look").mkdir()
    for ending in ("", "-wal"):
        with suppress(FileNotFoundError):
            shutil.copy(journal.with_name(original["name"] + ending), centre.folder / "look" / f"journal.db{ending}")
    elsewhere = {"DOSEKEEPER_STORE__PATH": str(centre.folder / "look" / "journal.db")}
    async with centre.serving() as service:
        await service.logged("settle", state="delivered", times=3)
        assert (await centre.run("journal", "salvage", "--yes", **elsewhere)).code == 0
        found = await centre.run("records", "show", "2", "--body", "--json", **elsewhere)
        assert (found.json["state"], "beneficiary_reference_id" in found.json["body"]) == ("pending", True)
        checked = await centre.run("journal", "check")
        assert f"the original is {original['name']}." in checked.out
        for file in journal.parent.glob("*.damaged-*"):
            file.unlink()
        checked = await centre.run("journal", "check")
        assert "its original has been deleted." in checked.out
        assert "originals" not in (await centre.run("status")).out
    assert len(sim.ledger.applied) == 3


async def test_a_rescue_that_a_stop_cut_off_is_ended_before_another(centre: Centre, sim: Simulator) -> None:
    await recorded_in_an_outage(centre, sim, 2)
    journal = centre.folder / "data" / "journal.db"
    shutil.copy(journal, journal.with_name("journal.db.rescued"))
    wipe(journal, await _page_of(centre, "record_request"))
    salvaged = await centre.run("journal", "salvage", "--yes")
    assert (salvaged.code, "cut off has been ended" in salvaged.out) == (0, True)
    assert (await centre.run("status", "--json")).json["records"]["pending"] == 2


async def test_a_service_mends_itself_and_sends_nothing_that_is_not_whole(centre: Centre, sim: Simulator) -> None:
    await recorded_in_an_outage(centre, sim, 4)
    wipe(centre.folder / "data" / "journal.db", await _page_of(centre, "record_request"))
    async with centre.serving() as service:
        assert (await service.logged("rescued"))["held"] == [1, 2, 3, 4]
        status = await centre.status()
        assert (status["records"]["held"], status["damage"][0]["held"]) == (4, [1, 2, 3, 4])
        async with centre.desk.get(f"{centre.admin_url}/metrics") as answer:
            assert "dosekeeper_records_quarantined 4.0" in await answer.text()
        async with centre.desk.get(f"{centre.admin_url}/api/held") as answer:
            (group,) = await answer.json()
        assert (group["reason"], group["suggestion"][:38]) == ("damaged", "A part of it was lost on disk; it is n")
        retried = await centre.run("records", "retry", "1")
        edited = await centre.run("records", "edit", "1", "--set", "dose=2")
        for refused in (retried, edited):
            assert refused.code == 1
            assert "a part of it was lost on disk" in refused.out + refused.err
        settled = await centre.run("records", "settle", "1", "--as", "delivered", "--reference", "R-1", "--reason", "entered by hand")
        assert settled.code == 0, settled.err
    assert sim.ledger.applied == []


@pytest.mark.parametrize("table", ["meta", "record_undecided", "accepted_credential"])
async def test_a_page_that_a_start_finds_damaged_keeps_no_service_from_starting(centre: Centre, sim: Simulator, table: str) -> None:
    await recorded_in_an_outage(centre, sim, 2)
    wipe(centre.folder / "data" / "journal.db", await _page_of(centre, table))
    async with centre.serving() as service:
        assert (await service.logged("rescued"))["held"] == []
        await service.logged("settle", state="delivered", times=2)
    assert len(sim.ledger.applied) == 2


async def test_a_journal_that_nothing_can_be_read_of_is_refused_and_kept(centre: Centre, sim: Simulator) -> None:
    await recorded_in_an_outage(centre, sim, 1)
    journal = centre.folder / "data" / "journal.db"
    journal.write_bytes(os.urandom(journal.stat().st_size))
    before = journal.read_bytes()
    for verb in (("journal", "check"), ("journal", "salvage", "--yes"), ("serve",)):
        result = await centre.run(*verb)
        assert (result.code, "The key does not open the journal" in result.err) == (1, True)
    assert journal.read_bytes() == before


async def test_a_flipped_bit_is_no_matter(centre: Centre, sim: Simulator) -> None:
    await recorded_in_an_outage(centre, sim, 2)
    flip(centre.folder / "data" / "journal.db", (await _page_of(centre, "record_request") - 1) * PAGE_BYTES + 99)
    async with centre.serving() as service:
        told = await service.logged("rescued")
        assert (told["bits"], told["held"]) == (1, [])
        await service.logged("settle", state="delivered", times=2)


async def _page_of(centre: Centre, table: str) -> int:
    from store.file.connection import open_reader
    from store.file.keyfile import journal_key

    journal = centre.folder / "data" / "journal.db"
    db = open_reader(journal, journal_key(journal, journal.with_name("journal.key"), {}))
    try:
        (page,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
        return int(page)
    finally:
        db.close()

"""What is made anew from a damaged journal goes on as the journal did: nothing is counted, numbered or given out wrongly afterwards."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from store.copies import GAP
from store.file.connection import open_new, open_writer
from store.file.engine import BATCH_MAX
from store.file.log import Log
from store.file.migrate import MIGRATIONS
from store.journal import Journal
from store.queries import Db, run
from store.record_ledger import begin_send, hold_told_paper, record, recover, settle
from store.record_search import RecordFilter
from store.records import RecordState, Settlement
from store.remembered import Total
from store.rescue import rescued
from tests.store.damage import AT, alter, frame_at, log_of, roots, wipe
from tests.store.helpers import KEY, NOON, Closing, kept
from tests.store.verbs import REMEMBERED, VERBS, a_write, build, issue

LATER: Final = NOON + 1
SAYS_OF_ITSELF: Final = ("meta", "audit", "counter", "sqlite_sequence")
"""Tables in which a salvage tells of itself."""


@pytest.fixture
async def built(path: Path) -> Path:
    """A journal with a row in every table, in one file."""
    await build(path)
    journal = await Journal.open(path, KEY)
    await journal.record(a_write(7, idempotency_key=b"k" * 16, topics=(b"t" * 16,), principal=b"p" * 16, same=b"s" * 16), send=False)
    await VERBS["edit"](journal)
    await VERBS["annotate"](journal)
    await journal.close()
    return path


@pytest.fixture
async def cut_off(path: Path) -> Path:
    """A journal as a power cut leaves it: three registrations in the file, three commits with one each in the log."""
    made = path.with_name("made")
    made.mkdir()
    journal = await Journal.open(made / path.name, KEY)
    for number in range(1, 7):
        await journal.record(a_write(number), send=False, issue=issue)
        if number == 3:
            await journal.fold_in()
    for name in (path.name, f"{path.name}-wal", f"{path.name}.keepsake"):
        shutil.copy(made / name, path.with_name(name))
    await journal.close()
    return path


def everything(path: Path) -> dict[str, set[Any]]:
    db = open_writer(path, KEY)
    try:
        db.execute("DELETE FROM record_tally WHERE records = 0")  # as good as no row
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {table: set(db.execute(f"SELECT * FROM {table}")) for table in tables}
    finally:
        db.close()


@pytest.mark.parametrize("lost", ["request_claim", "operator_hold", "watch", "remembered_tally"])
def test_every_table_that_is_whole_comes_through_as_it_was(built: Path, lost: str) -> None:
    before = everything(built)
    assert all(before.values())
    wipe(built, roots(built)[lost])
    assert rescued(built, KEY, AT) is not None
    now = everything(built)
    changed = {table for table in before if now[table] != before[table]} - set(SAYS_OF_ITSELF)
    assert changed == {lost} - {"remembered_tally"}  # that is worked out again
    assert all(now[table] >= before[table] for table in ("meta", "audit", "counter"))


@pytest.mark.parametrize("lost", ["record_lane", "record"])
@pytest.mark.parametrize("version", MIGRATIONS)
async def test_a_damaged_journal_of_an_older_schema_is_made_anew_and_brought_up_to_date(
    path: Path, closing: Closing, version: int, lost: str
) -> None:
    db = open_new(path, KEY, version)
    for name in ("installation_id", "hash_key"):
        run(db, "keep_meta", name=name, value=bytes(32))
    columns = "number, id, state, route, route_group, lanes, behind, recorded_at, attempt"
    for number in (1, 2):
        values = (number, bytes([number] * 16), b"l" * 16, number - 1)
        db.execute(f"INSERT INTO record ({columns}) VALUES (?, ?, 'pending', 'r', 'g', ?, ?, 0, 0)", values)
    db.execute("INSERT INTO record_request VALUES (1, 'POST', '/', x'', x'')")
    (root,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (lost,)).fetchone()
    db.close()
    wipe(path, root)
    found = rescued(path, KEY, AT)
    assert found is not None
    assert found.held == ((2,) if lost == "record_lane" else (1, 2)), "of the second there is no request"
    journal = await closing(Journal.open(path, KEY))
    records = await journal.counts()
    assert (records[RecordState.PENDING], records[RecordState.HELD]) == (2 - len(found.held), len(found.held))


async def test_answers_are_forgotten_after_a_salvage_as_before(built: Path, closing: Closing) -> None:
    journal = await Journal.open(built, KEY)
    others = [replace(REMEMBERED, question=bytes([number]) * 16, body=bytes(5000)) for number in range(8)]
    await journal.remember(others, [], 1 << 20, NOON)
    before = await journal.remembered()
    await journal.close()
    wipe(built, roots(built)["watch"])
    assert rescued(built, KEY, AT) is not None
    journal = await closing(Journal.open(built, KEY))
    assert await journal.remembered() == before
    await journal.forget(others[0].question)
    await journal.remember([replace(others[1], body=b"")], [], 1 << 20, LATER)
    assert await journal.remembered() == Total(before.answers - 1, before.bytes - others[0].size - 5000)
    assert await journal.forget_expired(LATER + 1) == before.answers - 1
    assert await journal.remembered() == Total(0, 0)


async def test_a_commit_that_is_lost_costs_no_second_person_a_slip(cut_off: Path, closing: Closing) -> None:
    log = Log.read(log_of(cut_off))
    commits = [index for index in range(log.own_end()) if log.frame(index).commit]
    alter(log_of(cut_off), frame_at(cut_off, commits[-3] + 1), lambda old: secrets.token_bytes(len(old)), 512)
    journal = await closing(Journal.open(cut_off, KEY))
    assert [each.commits_lost > 0 for each in await journal.rescues()] == [True]
    after = kept(await journal.record(a_write(7), send=False, issue=issue))
    assert (after.number, after.issues) == (4 + 1 + BATCH_MAX, issue(4 + 1 + BATCH_MAX)), "four are there"


async def test_ids_passed_over_are_passed_over_where_the_counter_is_lost_too(built: Path, closing: Closing) -> None:
    """The original of this copy may have given them out."""
    wipe(built, roots(built)["counter"])
    assert rescued(built, KEY, AT) is not None
    journal = await closing(Journal.open(built, KEY))
    assert kept(await journal.record(a_write(8), send=False, issue=issue)).issues == issue(GAP + 2)


async def test_a_lost_counter_of_a_journal_without_records_is_none(path: Path, closing: Closing) -> None:
    await (await Journal.open(path, KEY)).close()
    wipe(path, roots(path)["counter"])
    assert rescued(path, KEY, AT) is not None
    journal = await closing(Journal.open(path, KEY))
    assert kept(await journal.record(a_write(1), send=False, issue=issue)).issues == issue(1)


async def test_what_its_desk_has_on_paper_is_held_after_commits_were_lost_too(cut_off: Path, closing: Closing) -> None:
    alter(log_of(cut_off), frame_at(cut_off, -1), lambda old: secrets.token_bytes(len(old)), 512)
    told = [(number).to_bytes(16) for number in (1, 4, 6)]
    cut_off.with_name(f"{cut_off.name}.paper").write_bytes(b"".join(told))
    journal = await closing(Journal.open(cut_off, KEY))
    assert await journal.hold_told_paper(journal.told_paper()) == 2, "the last one is lost"
    records = {record.number: (record.state, record.reason, record.maybe_applied) for record in await journal.find(RecordFilter())}
    assert [number for number, stands in records.items() if stands == (RecordState.HELD, "told-paper", True)] == [1, 4]
    assert [number for number, stands in records.items() if stands == (RecordState.UNKNOWN, "interrupted", True)] == [2, 3, 5]


def interrupted(db: Db) -> None:
    recover(db, LATER)


def sent_again(db: Db) -> None:
    """Not sent, and then begun anew."""
    settle(db, 1, 1, Settlement(RecordState.PENDING, "not_sent"), NOON + 1)
    assert begin_send(db, 1, LATER)
    recover(db, LATER)


def sent_and_unknown(db: Db) -> None:
    settle(db, 1, 1, Settlement(RecordState.UNKNOWN, "unknown", "unknown reset", maybe_applied=True), LATER)


@pytest.mark.parametrize(("becomes", "held"), [(interrupted, 1), (sent_again, 0), (sent_and_unknown, 0)])
def test_only_what_no_send_was_begun_of_since_is_held_as_told_paper(db: Db, becomes: Callable[[Db], None], held: int) -> None:
    new = a_write(1)
    record(db, new, send=True)
    becomes(db)
    assert hold_told_paper(db, [new.id]) == held

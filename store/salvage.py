"""
A journal made anew from a damaged one: every row that can be read is copied, what follows from them is worked out again.

Nothing else in the code then has to cope with rows that cannot be read. What is decided of each table:

- records: `store.traces`; one of which only the request is lost is held too, if it was open
- lanes, who is behind whom, tallies: worked out anew; facts claimed: completed from the records
- keys that clients sent along (request_claim): what is lost is lost; the fact still makes a second tap the same record
- provisional ids: completed from the registrations; whom a lost one stood for is not known, and a person says it (`provisional-id`)
- durable counters: at least what the rows amount to
- the audit: as read; `audit verify` names the gap, and the salvage itself is an entry
- answers remembered for an outage: what is lost is asked for again; how many there are is counted anew
- outages, an operator's hold, answers, revisions, delays: what is lost is lost, and said to be
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from store import audit, claims, lanes
from store.errors import JournalUnreadable
from store.file.connection import open_new
from store.file.migrate import MIGRATIONS, migrate, version
from store.file.wreck import Table, Wreck, tables
from store.identity_ledger import BY_ITSELF, PROVISIONAL_IDS
from store.queries import SQL, Db, rows, run, value
from store.records import RecordState
from store.traces import DAMAGED, Traces, stand_for, traces_in

QUARANTINED: Final = "records_quarantined"
"""Durable counter of records that were held because a part of them was damaged."""

_REMEMBERED_TALLY: Final = "remembered_tally"
_REVISIONS: Final = "record_revision"
_DERIVED: Final = frozenset({"record_transition", "record_lane", "record_tally", _REMEMBERED_TALLY})
"""Not copied: those that a new journal has rows in already, of which the copied ones would be dropped, are among them."""

_SECOND: Final = {number: MIGRATIONS[number] for number in (1, 2)}
"""What is worked out anew is of the second schema. To bring an older one there alters no row: it may be done while there are none."""

_GIVEN_UP: Final = 512
"""
Numbers and provisional ids passed over where the last commit is lost: it may have given so many (`store.file.engine.BATCH_MAX`), and they
are on slips.
"""


@dataclass(frozen=True, slots=True)
class Salvaged:
    """Numbers of records that are held, numbers of closed ones of which the row is lost, and what could not be read wholly."""

    held: tuple[int, ...]
    closed: tuple[int, ...]
    holed: tuple[str, ...]


def salvaged(image: Path, key: bytes, fresh: Path, now: int, kept: Mapping[int, bytes], older: Path | None = None) -> Salvaged:
    """
    Make the journal *fresh* from *image*, a copy with damaged pages; what is lost there is taken from *older*, one from before the damage.

    *kept* are the pages of `store.file.keepsake`.

    Raises:
        JournalUnreadable: not even the schema, or the key of all hashes, can be read.
    """
    wreck = Wreck(image, key, kept)
    try:
        found = wreck.one("PRAGMA user_version")
        db = open_new(fresh, key, found[0] if found else 0)
        try:
            read = [table for table in tables(db) if table.name not in _DERIVED]
            if version(db) < max(_SECOND):
                migrate(db, _SECOND)
            with unguarded(db), _opened(older, key, kept) as before:
                return _copied(wreck, before, db, read, now)
        finally:
            db.close()
    finally:
        wreck.close()


@contextmanager
def unguarded(db: Db) -> Iterator[None]:
    """One transaction without triggers and foreign keys: rows come as they were, in any state and order. Checked at the end."""
    triggers = rows(db, "triggers")
    db.execute("PRAGMA foreign_keys = OFF")
    db.execute("BEGIN IMMEDIATE")
    for name, _ in triggers:
        db.execute(f"DROP TRIGGER {name}")
    yield
    for _, sql in triggers:
        db.execute(sql)
    dangling = db.execute("PRAGMA foreign_key_check").fetchall()
    assert not dangling, dangling  # every number has its row
    db.execute("COMMIT")
    db.execute("PRAGMA foreign_keys = ON")


@contextmanager
def _opened(older: Path | None, key: bytes, kept: Mapping[int, bytes]) -> Iterator[Wreck | None]:
    wreck = Wreck(older, key, kept) if older else None
    yield wreck
    if wreck:
        wreck.close()


def _copied(wreck: Wreck, before: Wreck | None, db: Db, read: list[Table], now: int) -> Salvaged:
    known = traces_in(wreck)
    sequences: dict[str, int] = dict(wreck.ordered("sqlite_sequence", SQL["sequences"], ("name",)))
    highest = max(known.last(), sequences.get("record", 0))
    for table in read:
        _copy(wreck, db, table, sequences.get(table.name, highest))
        if before and table.name in wreck.holed:
            numbers = [number for number, _ in rows(db, "numbers")]
            _copy(before, db, table, sequences.get(table.name, highest))
            if table.name == "record":  # as it was: nobody knows whether it was sent since
                run(db, "doubt_numbers", known=json.dumps(numbers))
    _drop_cut(db, wreck)
    _require_identity(db, wreck)
    lost = _stand_for_lost(db, known, max(highest, value(db, "highest_number")), wreck.holed)
    held = [number for number, state in lost.items() if state is RecordState.HELD]
    held += [number for (number,) in rows(db, "hold_damaged", reason=DAMAGED)]
    run(db, "purge_damaged", now=now)
    for name, seq in sequences.items():
        run(db, "set_sequence", name=name, seq=seq)
    _derive(db, wreck)
    closed = tuple(number for number, state in lost.items() if state is not RecordState.HELD)
    if held:
        run(db, "count_up_by", name=QUARANTINED, label="", amount=len(set(held)))
    return Salvaged(tuple(sorted(set(held))), closed, tuple(sorted(wreck.holed)))


def _copy(wreck: Wreck, db: Db, table: Table, last: int) -> None:
    marks = ", ".join("?" for _ in table.columns)
    insert = f"INSERT OR IGNORE INTO {table.name} ({', '.join(table.columns)}) VALUES ({marks})"  # noqa: S608 - names from our own schema
    db.executemany(insert, wreck.table(table, last))


def _drop_cut(db: Db, wreck: Wreck) -> None:
    """What ends in zeros is lost (`store.file.ends`), also where they are a whole page by now: copied, or moved within the file."""
    if run(db, "drop_cut_requests"):
        wreck.holed.add("record_request")
    if any(table.name == _REVISIONS for table in tables(db)) and run(db, "drop_cut_revisions"):
        wreck.holed.add(_REVISIONS)


def _require_identity(db: Db, wreck: Wreck) -> None:
    """Without the key of all hashes no record would be known again: then it is not a journal."""
    if "meta" in wreck.holed and (root := wreck.one(SQL["root_of_meta"])):
        wreck.put_back(root[0])
        for name, content in wreck.ordered("meta", SQL["keys_of_meta"], ("name",)):
            run(db, "keep_meta", name=name, value=content)
    if value(db, "meta", name="hash_key") is None or value(db, "meta", name="installation_id") is None:
        raise JournalUnreadable(journal=wreck.image, reason="the page with the key of its hashes is damaged")


def _stand_for_lost(db: Db, known: Traces, last: int, holed: Container[str]) -> dict[int, RecordState]:
    if "record" not in holed:
        return {}
    # Numbers may have been passed over (`_GIVEN_UP`): the index of ids, where it is whole, knows which were given.
    given = range(1, last + 1) if "record ids" in holed else sorted(known.ids)
    at: Mapping[int, int] = dict(rows(db, "numbers"))
    lost = {}
    before = 0
    for number in given:
        if number in at:
            before = at[number]
        else:
            lost[number] = stand_for(db, number, known, lanes_whole="record_lane" not in holed, at=before)
    return lost


def _derive(db: Db, wreck: Wreck) -> None:
    waiting: set[bytes] = set()
    for number, packed in rows(db, "open_lanes"):
        own = lanes.unpacked(packed)
        lanes.enter(db, number, own)
        run(db, "set_behind", number=number, behind=sum(lane in waiting for lane in own))
        waiting.update(own)
    run(db, "tally_all")
    if any(table.name == _REMEMBERED_TALLY for table in tables(db)):  # a damaged journal may be of an older schema
        run(db, "tally_remembered")
    for number, natural_key in rows(db, "unclaimed_facts"):
        claims.claim_fact(db, number, natural_key)
    if "identity" in wreck.holed:
        run(db, "issued_again")
    if "counter" in wreck.holed:
        run(db, "counted_at_least")


def doubt_last_commit(db: Db) -> None:
    """
    Make sure that nothing is sent twice, and no number or provisional id given twice, where the last commit is lost.

    It may have begun sends of what heads its lane now; a send is durable before its first byte, so that nothing else can be out.
    """
    with unguarded(db):
        run(db, "untally_all")
        run(db, "doubt_sends")
        run(db, "tally_all")
        seq = dict(rows(db, "sequences")).get("record", 0)
        run(db, "set_sequence", name="record", seq=seq + _GIVEN_UP)
        run(db, "skip_count", name=PROVISIONAL_IDS, label="", gap=_GIVEN_UP)


def noted(db: Db, now: int, kept_as: str, details: Mapping[str, object]) -> None:
    """Put into the audit that the journal was damaged, and what became of it."""
    audit.note(db, now, BY_ITSELF, "salvage", None, f"the journal was damaged; the original is {kept_as}", details)

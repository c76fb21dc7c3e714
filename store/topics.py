"""By which questions a record is found: its content is laid over the answers to them until the server shows it itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from store.identity_ledger import LaneHash
from store.queries import Db, rows, run
from store.record_row import as_record
from store.records import Record

PAGE: Final = 5_000
"""Topics read at once: some 5 ms, for which other reads wait."""

ON_TOPIC_MAX: Final = 64
"""Records laid over one answer for one of its texts, the newest; a person has a handful, a mobile some twenty."""


def topic_of(text: str, lane_hash: LaneHash) -> bytes:
    """Return the keyed hash under which a record is found by *text*, such as a person's id or mobile."""
    return lane_hash(f"topic\0{text}")


def enter(db: Db, number: int, topics: Iterable[bytes]) -> None:
    """Let a record be found by *topics*."""
    for topic in topics:
        run(db, "enter_topic", topic=topic, number=number)


def after(db: Db, topic: bytes) -> list[bytes]:
    """Return the next `PAGE` topics after *topic* by which a record is found."""
    return [next_one for (next_one,) in rows(db, "some_topics", after=topic, limit=PAGE)]


def of_persons(db: Db, lane_hash: LaneHash) -> list[bytes]:
    """Return the topics of the persons who are known by a provisional id too: it is found by that, and asked for by these."""
    return [topic_of(real, lane_hash) for (real,) in rows(db, "all_persons")]


def records_on(db: Db, texts: Collection[str], settled_after: int, lane_hash: LaneHash) -> list[Record]:
    """
    Return the records found by any of *texts* that are not confirmed, or were delivered after *settled_after*; oldest first.

    Who turned out to be one of *texts* is found by the provisional id too: their records came under it.
    """
    known = {text: [provisional for (provisional,) in rows(db, "provisionals_of", real=text)] for text in texts}
    topics = {topic_of(text, lane_hash) for real, provisionals in known.items() for text in (real, *provisionals)}
    found = {
        record.number: record
        for topic in topics
        for record in map(as_record, rows(db, "on_topic", topic=topic, settled_after=settled_after, limit=ON_TOPIC_MAX))
    }
    return [found[number] for number in sorted(found)]

"""What is done with records besides sending them: the mark of an export, the sweep's second look, the purge."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Final

from store.queries import Db, rows, run
from store.record_row import as_record
from store.records import Record

PURGED_MAX: Final = 500
"""Records purged in one transaction: bounds how long a desk waits for it."""


def mark_exported(db: Db, numbers: Collection[int], now: int) -> int:
    """Mark records that somebody now has on paper, and may enter by hand; return how many there were."""
    return run(db, "mark_exported", numbers=json.dumps(list(numbers)), now=now)


def delivered_since(db: Db, since: int, after: int, limit: int) -> list[Record]:
    """Return a page of the records delivered since then that were not swept, oldest first; *after*: the last number before."""
    return [as_record(row) for row in rows(db, "delivered_since", since=since, after=after, limit=limit)]


def mark_swept(db: Db, number: int, now: int) -> bool:
    """Note that the server was asked once more and has it; False where it is no longer delivered."""
    return run(db, "mark_swept", number=number, now=now) > 0


def purge(db: Db, delivered_before: int, now: int) -> int:
    """
    Forget what delivered records said and were answered; rows, hashes and audit stay.

    Returns:
        How many were purged, PURGED_MAX at most: call it again until it is 0.
    """
    numbers = json.dumps([number for (number,) in rows(db, "mark_purged", before=delivered_before, limit=PURGED_MAX, now=now)])
    run(db, "purge_requests", numbers=numbers)
    run(db, "purge_revisions", numbers=numbers)
    run(db, "purge_answers", numbers=numbers)
    run(db, "leave_topics", numbers=numbers)
    return len(json.loads(numbers))

"""What is done with records besides sending them: the mark of an export, the sweep's second look, the purge."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Final

from store.queries import Db, rows, run
from store.record_row import as_record
from store.records import Record

PURGED_MAX: Final = 500
PURGED_BYTES: Final = 1 << 20
"""Records, and bytes of them (or one record), purged in one transaction; why so few: `store.remembered.FORGOTTEN_BYTES`."""


def mark_exported(db: Db, numbers: Collection[int], now: int) -> int:
    """Mark records that somebody now has on paper, and may enter by hand; return how many there were."""
    return run(db, "mark_exported", numbers=json.dumps(list(numbers)), now=now)


def delivered_since(db: Db, since: int, after: int, limit: int) -> list[Record]:
    """Return a page of the records delivered since then that were not swept, oldest first; *after*: the last number before."""
    return [as_record(row) for row in rows(db, "delivered_since", since=since, after=after, limit=limit)]


def mark_swept(db: Db, number: int, now: int) -> bool:
    """Note that the server was asked once more and has it; False where it is no longer delivered."""
    return run(db, "mark_swept", number=number, now=now) > 0


def purge(db: Db, closed_before: int, now: int) -> int:
    """
    Forget what some closed records (delivered, refused, discarded) said and were answered; rows, hashes and audit stay.

    Returns:
        How many were purged: call it again until it is 0.
    """
    some, enough = [], PURGED_BYTES
    for number, size in rows(db, "purgeable", before=closed_before, limit=PURGED_MAX):
        if enough <= 0:
            break
        some.append(number)
        enough -= size
    numbers = json.dumps(some)
    run(db, "mark_purged", numbers=numbers, now=now)
    run(db, "purge_requests", numbers=numbers)
    run(db, "purge_revisions", numbers=numbers)
    run(db, "purge_answers", numbers=numbers)
    run(db, "leave_topics", numbers=numbers)
    return len(some)

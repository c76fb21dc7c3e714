"""The audit: what persons did, one entry after another, each with the hash of the one before. It is only added to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from store.queries import Db, rows, run, value

ACTIONS_TOTAL: Final = "operator_actions_total"
"""Durable counter of entries; its label is the action."""

_HASH_BYTES: Final = 32
_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """
    One act of a person; `at` is wall-clock milliseconds UTC, `number` the record it was about, if any.

    `details` is JSON without personal data. `hash` is BLAKE2b over `previous` (the entry before's; empty for the first) and the rest.
    """

    id: int
    at: int
    by: str
    action: str
    number: int | None
    reason: str
    details: str
    previous: bytes
    hash: bytes


def note(db: Db, at: int, by: str, action: str, number: int | None, reason: str, details: Mapping[str, object] | None = None) -> None:
    """Add an entry; in the transaction of what it tells of, so that neither is without the other."""
    written = json.dumps(details or {}, ensure_ascii=False, sort_keys=True)
    previous: bytes = value(db, "last_audit_hash") or b""
    run(
        db,
        "insert_audit",
        at=at,
        done_by=by,
        action=action,
        number=number,
        reason=reason,
        details=written,
        previous=previous,
        hash=_hash(previous, at, by, action, number, reason, written),
    )
    run(db, "count_up", name=ACTIONS_TOTAL, label=action)


def entries(db: Db, after: int, limit: int, number: int | None = None) -> list[AuditEntry]:
    """Return a page of the entries (about one record), oldest first."""
    return [AuditEntry(*row) for row in rows(db, "audit_entries", after=after, limit=limit, number=number)]


def first_broken(db: Db) -> int | None:
    """Return the id of the first entry that is not what was written, or follows one that is gone; None where all is as written."""
    last, previous = 0, b""
    while page := entries(db, last, _PAGE):
        for entry in page:
            if entry.id != last + 1 or entry.previous != previous or entry.hash != _hash_of(entry):
                return entry.id
            last, previous = entry.id, entry.hash
    return None


def _hash_of(entry: AuditEntry) -> bytes:
    return _hash(entry.previous, entry.at, entry.by, entry.action, entry.number, entry.reason, entry.details)


def _hash(previous: bytes, *said: object) -> bytes:
    return hashlib.blake2b(previous + json.dumps(said, ensure_ascii=False).encode(), digest_size=_HASH_BYTES).digest()

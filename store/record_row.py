"""A record as a row of the view `whole_record`."""

from __future__ import annotations

from typing import Any

from store.file.ends import require_end
from store.queries import Db, rows
from store.records import Record, RecordState


def as_record(row: tuple[Any, ...]) -> Record:
    """
    Return a row of `whole_record`: its columns are Record's fields, in order (a test holds it).

    Raises SqliteError where its request is not as it was written.
    """
    fields = (*row[:2], RecordState(row[2]), *row[3:10], bool(row[10]), *row[11:])
    record = Record(*fields)
    require_end(record.body)
    return record


def record_of(db: Db, number: int) -> Record | None:
    """Return the record of this number."""
    found = rows(db, "record_by_number", key=number)
    return as_record(found[0]) if found else None

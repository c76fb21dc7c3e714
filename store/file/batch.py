"""Group commit, the part that runs on the database's thread: many verbs, one transaction, and nobody pays for a neighbour."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from store.errors import JournalUnwritable
from store.file.connection import translated
from store.queries import Db

Verb = Callable[[Db], object]
"""What one caller wants done, inside a transaction that is not its own."""


@dataclass(frozen=True, slots=True)
class Done:
    """The verb ran and its transaction is on disk."""

    value: object


@dataclass(frozen=True, slots=True)
class Failed:
    """Nothing of the verb is on disk."""

    error: Exception


Result = Done | Failed


@dataclass(frozen=True, slots=True)
class Commit:
    """One transaction that reached the disk: how long it took, in seconds, and how many verbs it carried."""

    seconds: float
    verbs: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of a batch: one result for each verb, in order, and the commits it took."""

    results: list[Result] = field(default_factory=list)
    commits: list[Commit] = field(default_factory=list)


class _VerbRaised(Exception):
    """A verb raised; BEGIN and COMMIT did not."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


def run_batch(db: Db, verbs: Sequence[Verb], journal: Path) -> Batch:
    """Run *verbs* in one transaction; if one raises, undo all and run each in a transaction of its own."""
    batch = Batch()
    if len(verbs) == 1 or not _together(db, verbs, journal, batch):
        for verb in verbs:
            _alone(db, verb, journal, batch)
    return batch


def _together(db: Db, verbs: Sequence[Verb], journal: Path, batch: Batch) -> bool:
    """Return False where one verb raised: then nothing is on disk and nothing was answered."""
    try:
        values = _transaction(db, verbs, batch)
    except _VerbRaised:
        return False
    except Exception as error:
        batch.results.extend(Failed(_unwritable(error, journal)) for _ in verbs)
    else:
        batch.results.extend(Done(value) for value in values)
    return True


def _alone(db: Db, verb: Verb, journal: Path, batch: Batch) -> None:
    try:
        (value,) = _transaction(db, [verb], batch)
    except _VerbRaised as raised:
        batch.results.append(Failed(translated(raised.error, journal)))
    except Exception as error:
        batch.results.append(Failed(_unwritable(error, journal)))
    else:
        batch.results.append(Done(value))


def _transaction(db: Db, verbs: Sequence[Verb], batch: Batch) -> list[object]:
    began = time.perf_counter()
    _roll_back(db)  # what is still open when an earlier ROLLBACK itself failed
    try:
        db.execute("BEGIN IMMEDIATE")
        values = _run(db, verbs)
        db.execute("COMMIT")
    except BaseException:
        _roll_back(db)
        raise
    batch.commits.append(Commit(time.perf_counter() - began, len(verbs)))
    return values


def _run(db: Db, verbs: Sequence[Verb]) -> list[object]:
    try:
        return [verb(db) for verb in verbs]
    except Exception as error:
        raise _VerbRaised(error) from error


def _roll_back(db: Db) -> None:
    # SQLite has rolled back by itself after some errors (disk full, I/O); a second ROLLBACK would be an error.
    if db.in_transaction:
        db.execute("ROLLBACK")


def _unwritable(error: Exception, journal: Path) -> JournalUnwritable:
    return JournalUnwritable(journal=journal, reason=error)

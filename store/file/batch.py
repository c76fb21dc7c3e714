"""Group commit, the part that runs on the database's thread: many verbs, one transaction, and nobody pays for a neighbour."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Generic, TypeVar

from store.errors import JournalInDoubt, JournalUnwritable
from store.file.connection import SqliteError, require_sound, translated
from store.file.standing import Trouble, trouble_of
from store.queries import Db

W = TypeVar("W")
T = TypeVar("T")

Verb = Callable[[Db], object]
"""What one caller wants done, inside a transaction that is not its own."""


@dataclass(frozen=True, slots=True)
class Joint(Generic[W, T]):
    """A verb that is done at once with its neighbours in a transaction, where they are of the same kind: *together* does all *wishes*."""

    together: Callable[[Db, Sequence[W]], Sequence[T]]
    wish: W

    def __call__(self, db: Db) -> T:
        """Do it alone."""
        (value,) = self.together(db, [self.wish])
        return value


@dataclass(frozen=True, slots=True)
class Done:
    """The verb ran and its transaction is on disk."""

    value: object


@dataclass(frozen=True, slots=True)
class Failed:
    """Nothing of the verb is on disk. `trouble` is what the disk had to do with it."""

    error: Exception
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class InDoubt:
    """Its COMMIT failed: it is not in the journal, but its frames may be in the log and come to light after a power cut."""

    error: JournalInDoubt


Result = Done | Failed | InDoubt


@dataclass(frozen=True, slots=True)
class Commit:
    """One transaction: how long it took, in seconds, how many verbs it carried, and whether it wrote anything."""

    seconds: float
    verbs: int
    wrote: bool


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


class _CommitFailed(Exception):
    """COMMIT raised, and not because it was refused, or found no room, before the frame that carries the commit mark."""


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
        batch.results.extend(_not_done(error, journal) for _ in verbs)
    else:
        batch.results.extend(Done(value) for value in values)
    return True


def _alone(db: Db, verb: Verb, journal: Path, batch: Batch) -> None:
    try:
        (value,) = _transaction(db, [verb], batch)
    except _VerbRaised as raised:
        batch.results.append(Failed(translated(raised.error, journal), trouble_of(raised.error)))
    except Exception as error:
        batch.results.append(_not_done(error, journal))
    else:
        batch.results.append(Done(value))


def _transaction(db: Db, verbs: Sequence[Verb], batch: Batch) -> list[object]:
    began, changes = time.perf_counter(), db.total_changes
    _roll_back(db)  # what is still open when an earlier ROLLBACK itself failed
    try:
        db.execute("BEGIN IMMEDIATE")
        values = _run(db, verbs)
        _commit(db)
    except BaseException:
        with suppress(SqliteError):  # what failed first is told; what is still open is rolled back before the next
            _roll_back(db)
        raise
    batch.commits.append(Commit(time.perf_counter() - began, len(verbs), db.total_changes > changes))
    return values


def _run(db: Db, verbs: Sequence[Verb]) -> list[object]:
    try:
        values = list(_values(db, verbs))
        require_sound(db)
    except Exception as error:
        raise _VerbRaised(error) from error
    return values


def _values(db: Db, verbs: Sequence[Verb]) -> Iterator[object]:
    for together, some in groupby(verbs, lambda verb: verb.together if isinstance(verb, Joint) else None):
        if together is None:
            yield from (verb(db) for verb in some)
        else:
            yield from together(db, [verb.wish for verb in some if isinstance(verb, Joint)])


def _commit(db: Db) -> None:
    try:
        db.execute("COMMIT")
    except SqliteError as error:
        if trouble_of(error) is Trouble.FAILING:
            raise _CommitFailed(error) from error
        raise


def _roll_back(db: Db) -> None:
    # SQLite has rolled back by itself after some errors (disk full, I/O); a second ROLLBACK would be an error.
    if db.in_transaction:
        db.execute("ROLLBACK")


def _not_done(error: Exception, journal: Path) -> Failed | InDoubt:
    if isinstance(error, _CommitFailed):
        return InDoubt(JournalInDoubt(journal=journal, reason=error))
    return Failed(JournalUnwritable(journal=journal, reason=error), trouble_of(error))

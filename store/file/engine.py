"""
One writing connection with group commit, and one for reading that does not wait for it.

Why one writer: on a shared connection a neighbour's ROLLBACK takes an insert with it whose COMMIT is then a no-op; of 200
acknowledged rows 184 were on disk. Why groups: one fsync for all who wait at that moment, 17,192 instead of 2,220 commits/s
(both measured, LIBRARIES.md).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar, cast

import aiosqlite

from store.errors import JournalInDoubt, JournalUnreadable, JournalUnwritable
from store.file.batch import Verb
from store.file.connection import SqliteError, open_reader, open_writer, require_sound
from store.file.job import Job
from store.file.on_thread import connect, on_thread
from store.file.paper import NOTE_S, Paper
from store.file.reserve import Reserve
from store.file.sectors import Beside
from store.file.standing import Standing, Why, standing
from store.file.writer import BATCH_MAX, CommitObserver, Writer, touch
from store.queries import Db

__all__ = ["BATCH_MAX", "CommitObserver", "Engine"]

IDLE_S = 30.0
"""A disk of which nothing was heard for so long is written to: a desk must not be the first to find out."""

STEP_PAGES = 256
"""Pages given back in one transaction, about 1 MiB: bounds how long a desk waits for it."""

P = ParamSpec("P")
T = TypeVar("T")


class Engine:
    """
    The journal's two connections. Every write goes through `write` or `keep`, every read through `read`.

    `file` is for reading the file's pages as bytes meanwhile.
    """

    def __init__(
        self,
        journal: Path,
        writer: aiosqlite.Connection,
        reader: aiosqlite.Connection,
        paper: Paper,
        told_paper: frozenset[bytes],
        reserve: Reserve,
        on_commit: CommitObserver | None,
    ) -> None:
        self._journal = journal
        self._connection = writer
        self._reader = reader
        self.file = Beside(journal)
        self._paper = paper
        self._reserve = reserve
        self._writer = Writer(writer, journal, paper, reserve.give_up, on_commit)
        self._writing = asyncio.create_task(self._writer.work(), name="journal-writer")
        self._closing: asyncio.Task[None] | None = None
        self.told_paper = told_paper

    @classmethod
    async def open(cls, journal: Path, key: bytes, on_commit: CommitObserver | None = None, *, reserve: int = 0) -> Engine:
        """
        Open *journal*, making it if it is not there; *reserve* is the room that `look_at_disk` keeps for it, in bytes.

        Raises what `store.file.connection.open_writer` raises.
        """
        kept_free = Reserve(journal, reserve)
        if reserve:
            await kept_free.look()  # first: to open a journal on a full disk takes some room too
        writer = await connect(partial(open_writer, journal, key))
        try:
            reader = await connect(partial(open_reader, journal, key))
        except BaseException:
            await writer.close()
            raise
        paper = Paper(journal)
        return cls(journal, writer, reader, paper, await paper.open(), kept_free, on_commit)

    async def write(self, verb: Callable[Concatenate[Db, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """
        Run *verb* in the next transaction and return its value once that is on disk.

        A caller that is cancelled meanwhile is not told; the write goes on.

        Raises:
            JournalUnwritable: it could not be put on disk, or the journal is closed; nothing of it is there.
            JournalInDoubt: its COMMIT failed; whether it is there shows at the next write or start.
            JournalRefused: the database refused an impossible row.
        """
        return cast("T", await self._put(Job(lambda db: verb(db, *args, **kwargs))).answer)

    async def keep(self, verb: Callable[[Db], T], record: bytes, undo: Verb, within_s: float | None) -> T:
        """
        Run *verb*, which keeps a record for a desk that waits, and return its value once that is on disk.

        While the disk fails it is tried again. A desk that has to be told after *within_s* gives it up: then it is not written any more;
        if it is on disk all the same, *undo* is written before anything else.

        Args:
            verb: Keeps the record.
            record: Its 16-byte id, by which it is recognised at the next start.
            undo: Undoes it.
            within_s: None where nobody waits: it is tried until it succeeds.

        Raises:
            JournalUnwritable: nothing of it is on disk, nor will be.
            JournalInDoubt: it is given up; nobody knows yet whether it is on disk. If it is, the next start will find it on paper.
            JournalRefused: the database refused an impossible row.
        """
        now = self.standing()
        if not now.can_record:
            raise JournalUnwritable(journal=self._journal, reason=now.why)
        job = self._put(Job(verb, record=record, undo=undo))
        for_note_s = NOTE_S if within_s is None else min(NOTE_S, within_s / 10)
        late = None if within_s is None else asyncio.get_running_loop().call_later(within_s - for_note_s, job.give_up)
        try:
            return cast("T", await self._told(job))
        except JournalInDoubt:
            await self._paper.note([record], for_note_s)
            raise
        finally:
            if late is not None:
                late.cancel()

    async def _told(self, job: Job) -> object:
        try:
            return await job.answer
        except asyncio.CancelledError:
            if not job.given_up:
                raise  # its caller was cancelled
            raise (JournalInDoubt if job.tried else JournalUnwritable)(journal=self._journal, reason="it takes too long") from None

    def _put(self, job: Job) -> Job:
        if self._closing or self._writing.done():
            raise JournalUnwritable(journal=self._journal, reason="it is closed")
        self._writer.put(job)
        return job

    async def read(self, query: Callable[Concatenate[Db, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """
        Run *query* on one snapshot of what is committed, not waiting for the writer.

        Raises:
            JournalUnreadable: the file cannot be read, or the journal is closed.
        """
        if self._closing:
            raise JournalUnreadable(journal=self._journal, reason="it is closed")
        try:
            return cast("T", await on_thread(self._reader, _snapshot, lambda db: query(db, *args, **kwargs)))
        except SqliteError as error:
            raise JournalUnreadable(journal=self._journal, reason=error) from error

    def standing(self) -> Standing:
        """Return how the journal stands to its disk, from what is known: nothing is waited for."""
        if self._closing or self._writing.done():
            return Standing(Why.CLOSED)
        return standing(self._writer.trouble, self._writer.under_way_s(), self._reserve.room, self._reserve.left)

    def on_trouble(self, ring: Callable[[], None]) -> None:
        """Have *ring* called when writing begins to fail, or goes well again."""
        self._writer.bells.append(ring)

    async def look_at_disk(self) -> None:
        """Measure the room, keep the reserve or give it up, and write something where nothing was written for a while."""
        if self._writer.trouble is None:  # a disk that refuses what it says it has room for is not measured into being well
            await self._reserve.look()
        if asyncio.get_running_loop().time() - self._writer.wrote_at > IDLE_S:
            await self.write(touch)

    @property
    def on_paper(self) -> frozenset[bytes]:
        """The ids of the records whose desks were told to use paper, and of which it is not certain yet that they are held or not there."""
        return self._paper.ids

    async def forget_paper(self, records: Collection[bytes]) -> None:
        """Take those off the paper file of whom it is certain what became of them."""
        await self._paper.forget(records)

    async def give_back(self) -> bool:
        """Give some free pages at the file's end back to the disk; True where there are more."""
        return await self.write(_given_back)

    async def fold_in(self) -> bool:
        """
        Fold the log into the file and cut it to nothing; whoever wants to write meanwhile waits.

        Returns:
            False where that could not be done wholly: a reader needs some of it (a backup, for as long as it takes), or the disk is full.

        Raises:
            JournalUnwritable: the journal is closed.
        """
        if self._closing:
            raise JournalUnwritable(journal=self._journal, reason="it is closed")
        with contextlib.suppress(SqliteError):
            return cast("bool", await on_thread(self._connection, _folded_in))
        return False

    @property
    def closing(self) -> bool:
        """Whether it is closed, or about to be."""
        return self._closing is not None

    async def close(self, *, fold_in: bool = True) -> None:
        """
        Finish what is queued, fold the log into the file and close it. A second call waits for the first.

        Without *fold_in* file and log stay as they are: to fold in checks no HMAC, and would put what is damaged over what is whole.
        """
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(fold_in=fold_in), name="journal-close")
        # Shielded: the connections' threads are no daemons, and a close cut short would keep the process from ending.
        await asyncio.shield(self._closing)

    async def _close(self, *, fold_in: bool) -> None:
        self._writer.end()
        await asyncio.wait([self._writing])
        if fold_in:
            await self._reader.close()
            # A log that cannot be folded in (a full disk) is kept and read again at the next start: nothing is lost.
            with contextlib.suppress(Exception):
                await on_thread(self._connection, _folded_in)
            await self._connection.close()
        else:  # SQLite folds in by itself where the last to close is one that may write
            await self._connection.close()
            await self._reader.close()
        await asyncio.to_thread(self.file.close)
        self._paper.close()


def _snapshot(db: Db, query: Verb) -> object:
    db.execute("BEGIN")
    try:
        found = query(db)
        require_sound(db)
    finally:
        db.execute("ROLLBACK")
    return found


def size_bytes(journal: Path) -> int:
    """Return what *journal* takes on disk, its log included."""
    files = (journal, journal.with_name(journal.name + "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def _folded_in(db: Db) -> bool:
    (patience_ms,) = db.execute("PRAGMA busy_timeout").fetchone()
    db.execute("PRAGMA busy_timeout = 0")  # a backup reads for as long as its stick takes, and desks would wait behind this
    try:
        ((busy, _, _),) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return not busy
    finally:
        db.execute(f"PRAGMA busy_timeout = {patience_ms}")


def _given_back(db: Db) -> bool:
    before = _free_pages(db)
    db.execute(f"PRAGMA incremental_vacuum({STEP_PAGES})").fetchall()
    return 0 < _free_pages(db) < before  # a file from before this was turned on keeps its free pages, and uses them again


def _free_pages(db: Db) -> int:
    return int(db.execute("PRAGMA freelist_count").fetchone()[0])

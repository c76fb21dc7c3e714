"""
One writing connection with group commit, and one for reading that does not wait for it.

Why one writer: on a shared connection a neighbour's ROLLBACK takes an insert with it whose COMMIT is then a no-op; of 200
acknowledged rows 184 were on disk. Why groups: one fsync for all who wait at that moment, 17,192 instead of 2,220 commits/s
(both measured, LIBRARIES.md).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar, cast

import aiosqlite

from store.errors import JournalUnreadable, JournalUnwritable
from store.file.batch import Batch, Done, Verb, run_batch
from store.file.connection import SqliteError, open_reader, open_writer
from store.queries import Db

BATCH_MAX: Final = 512
"""Verbs in one transaction: bounds how long the first of them waits for the last."""

CommitObserver = Callable[[float, int], None]
"""Told of each commit: seconds it took, verbs it carried."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Job:
    verb: Verb
    answer: asyncio.Future[Any]


class Engine:
    """The journal's two connections. Every write goes through `write`, every read through `read`."""

    def __init__(self, journal: Path, writer: aiosqlite.Connection, reader: aiosqlite.Connection, on_commit: CommitObserver | None) -> None:
        self._journal = journal
        self._writer = writer
        self._reader = reader
        self._on_commit = on_commit
        self._jobs: asyncio.Queue[_Job | None] = asyncio.Queue()
        self._writing = asyncio.create_task(self._write_batches(), name="journal-writer")
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, journal: Path, key: bytes, on_commit: CommitObserver | None = None) -> Engine:
        """Open *journal*, making it if it is not there. Raises what `store.file.connection.open_writer` raises."""
        writer = await _connect(partial(open_writer, journal, key))
        try:
            reader = await _connect(partial(open_reader, journal, key))
        except BaseException:
            await writer.close()
            raise
        return cls(journal, writer, reader, on_commit)

    async def write(self, verb: Callable[Concatenate[Db, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """
        Run *verb* in the next transaction and return its value once that is on disk.

        A caller that is cancelled meanwhile is not told; the write goes on.

        Raises:
            JournalUnwritable: it could not be put on disk, or the journal is closed.
            JournalRefused: the database refused an impossible row.
        """
        if self._closing or self._writing.done():
            raise JournalUnwritable(journal=self._journal, reason="it is closed")
        job = _Job(lambda db: verb(db, *args, **kwargs), asyncio.get_running_loop().create_future())
        self._jobs.put_nowait(job)
        return cast("T", await job.answer)

    async def read(self, query: Callable[Concatenate[Db, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """
        Run *query* on one snapshot of what is committed, not waiting for the writer.

        Raises:
            JournalUnreadable: the file cannot be read, or the journal is closed.
        """
        if self._closing:
            raise JournalUnreadable(journal=self._journal, reason="it is closed")
        try:
            return cast("T", await _on_thread(self._reader, _snapshot, lambda db: query(db, *args, **kwargs)))
        except SqliteError as error:
            raise JournalUnreadable(journal=self._journal, reason=error) from error

    @property
    def closing(self) -> bool:
        """Whether it is closed, or about to be."""
        return self._closing is not None

    def size_bytes(self) -> int:
        """Return what the journal takes on disk, its log included."""
        files = (self._journal, self._journal.with_name(self._journal.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    async def close(self) -> None:
        """Finish what is queued, fold the log into the file and close it. A second call waits for the first."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="journal-close")
        # Shielded: the connections' threads are no daemons, and a close cut short would keep the process from ending.
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        self._jobs.put_nowait(None)
        await asyncio.wait([self._writing])
        await self._reader.close()
        # A log that cannot be folded in (a full disk) is kept and read again at the next start: nothing is lost.
        with contextlib.suppress(Exception):
            await _on_thread(self._writer, lambda db: db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
        await self._writer.close()

    async def _write_batches(self) -> None:
        try:
            while jobs := await self._next_batch():
                await self._write_batch(jobs)
        finally:
            self._abandon()

    async def _next_batch(self) -> list[_Job]:
        """Return all that gathered while the last batch was being written; nothing once the journal is to close."""
        jobs: list[_Job] = []
        while len(jobs) < BATCH_MAX and not (jobs and self._jobs.empty()):
            job = await self._jobs.get()
            if job is None:
                self._jobs.put_nowait(None)  # seen again when this last batch is done
                break
            jobs.append(job)
        return jobs

    async def _write_batch(self, jobs: list[_Job]) -> None:
        try:
            batch: Batch = await _on_thread(self._writer, run_batch, [job.verb for job in jobs], self._journal)
        except BaseException as error:
            for job in jobs:
                _fail(job, JournalUnwritable(journal=self._journal, reason=f"its writer failed ({type(error).__name__})"))
            if isinstance(error, Exception):
                return
            raise
        for job, result in zip(jobs, batch.results, strict=True):
            if job.answer.done():  # its caller was cancelled; the write was not
                continue
            if isinstance(result, Done):
                job.answer.set_result(result.value)
            else:
                job.answer.set_exception(result.error)
        if self._on_commit:
            for commit in batch.commits:
                # Not called from here: an observer that raises must not end the writer.
                asyncio.get_running_loop().call_soon(self._on_commit, commit.seconds, commit.verbs)

    def _abandon(self) -> None:
        """Leave nobody waiting for an answer that will not come."""
        while not self._jobs.empty():
            if job := self._jobs.get_nowait():
                _fail(job, JournalUnwritable(journal=self._journal, reason="it is closed"))


def _fail(job: _Job, error: Exception) -> None:
    if not job.answer.done():
        job.answer.set_exception(error)


async def _connect(opener: Callable[[], Db]) -> aiosqlite.Connection:
    # Opened before aiosqlite gets it: after a connector that raised, aiosqlite's thread outlives the error and may meet a closed loop.
    db = await asyncio.to_thread(opener)
    return await aiosqlite.Connection(lambda: db, iter_chunk_size=64)


async def _on_thread(connection: aiosqlite.Connection, function: Callable[..., Any], *args: object) -> Any:  # noqa: ANN401 - its value
    # aiosqlite's public methods run one statement each, and between two of them another task's statement may run. A whole
    # transaction as one function on the connection's thread is what makes it one; only this private method runs a function there.
    return await connection._execute(function, connection._conn, *args)  # type: ignore[no-untyped-call]  # noqa: SLF001


def _snapshot(db: Db, query: Verb) -> object:
    db.execute("BEGIN")
    try:
        return query(db)
    finally:
        db.execute("ROLLBACK")

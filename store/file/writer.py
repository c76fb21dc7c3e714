"""
The one writer: what gathers while a batch is written goes into the next, and what became of a write is told when it is certain.

A failed COMMIT leaves its frames in the log. Nobody whose record was in it is told anything; the same records are written again until
a commit succeeds. It overwrites those frames, so that what was given up meanwhile is surely not there. While the disk is known to fail
no new record is taken, and a write that must reach the disk is tried at least once a second, so that the end of it is found out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, assert_never

import aiosqlite

from store.errors import JournalInDoubt, JournalUnwritable
from store.file.batch import Batch, Done, Failed, InDoubt, Result, Verb, run_batch
from store.file.job import UNDOS_MAX, Job, Next, after, trouble_met
from store.file.on_thread import on_thread
from store.file.paper import Paper
from store.file.standing import Trouble, again_s
from store.queries import Db, run

BATCH_MAX: Final = 512
"""Verbs in one transaction: bounds how long the first of them waits for the last."""

QUIET_TURNS: Final = 6
"""
Turns of the event loop in which nobody came: so many lie between an answer and the same desk's next record. On a loop with nothing to do
they take 0.1 ms; 32 desks without a pause came in two halves, each of which waited for the other's commit.
"""

GATHER_S: Final = 0.005
"""So long the first waits for others at most."""

CommitObserver = Callable[[float, int], None]
"""Told of each commit: seconds it took, verbs it carried."""

Relief = Callable[[], Awaitable[bool]]
"""Makes room on a disk that has just refused a write; False where it cannot."""


class Writer:
    """
    Writes in batches as long as `work` runs.

    `trouble` is what the latest write met, `bells` are rung when that has changed, `wrote_at` is when the latest reached the disk.
    """

    def __init__(
        self, connection: aiosqlite.Connection, journal: Path, paper: Paper, relief: Relief, on_commit: CommitObserver | None
    ) -> None:
        self._connection = connection
        self._journal = journal
        self._paper = paper
        self._relief = relief
        self._on_commit = on_commit
        self._jobs: deque[Job] = deque()
        self._bell = asyncio.Event()
        self._ended = asyncio.Event()
        self._began: float | None = None
        self._tries = 0
        self._gone_after_next: set[bytes] = set()
        self.trouble: Trouble | None = None
        self.bells: list[Callable[[], None]] = []
        self.wrote_at = asyncio.get_running_loop().time()

    def put(self, job: Job) -> None:
        """Let *job* be in the next batch."""
        self._jobs.append(job)
        self._bell.set()

    def end(self) -> None:
        """Let `work` end when all that was put is written, or could not be."""
        self._ended.set()
        self._bell.set()

    def under_way_s(self) -> float:
        """Return for how long the present batch has been in the disk's hands; 0 where there is none."""
        return 0.0 if self._began is None else asyncio.get_running_loop().time() - self._began

    async def work(self) -> None:
        """Write until `end`."""
        try:
            while not self._ended.is_set() or self._jobs:
                await self._until_due()
                await self._gathered()
                jobs = self._taken()
                if jobs or self.trouble:
                    await self._write(jobs)
                if self._ended.is_set() and (self.trouble or self._nothing_new()):
                    break  # what is left stays on paper, and the next start sees to it
        finally:
            self._abandon()

    async def _until_due(self) -> None:
        if self.trouble:
            with suppress(TimeoutError):
                async with asyncio.timeout(again_s(self._tries)):
                    await self._ended.wait()
        elif self._nothing_new():
            self._bell.clear()
            await self._bell.wait()

    def _nothing_new(self) -> bool:
        """Whether nobody waits to be written but what is put off until the next write."""
        return all(job.put_off for job in self._jobs)

    async def _gathered(self) -> None:
        """Where a desk waits, wait until nobody else comes: who was answered together comes together again."""
        if not any(job.record for job in self._jobs):
            return  # replay claims and settles one after another, and would only be held up
        time = asyncio.get_running_loop().time
        until, quiet = time() + GATHER_S, 0
        while quiet < QUIET_TURNS and len(self._jobs) < BATCH_MAX and time() < until:
            before = len(self._jobs)
            await asyncio.sleep(0)
            quiet = quiet + 1 if len(self._jobs) == before else 0

    def _taken(self) -> list[Job]:
        """Return all that gathered while the last batch was being written, as far as it is still wanted."""
        taken: list[Job] = []
        while self._jobs and len(taken) < BATCH_MAX:
            job = self._jobs.popleft()
            if not job.unwanted:
                taken.append(job)
            elif job.tried and job.record:
                self._gone_after_next.add(job.record)
        return taken

    async def _write(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            job.tried = True
        # While anything is in doubt: a commit that changes nothing reaches no disk, and proves nothing of it.
        doubtful = self.trouble or self._gone_after_next or any(job.in_doubt for job in jobs)
        proof: list[Verb] = [touch] if doubtful else []
        gone = frozenset(self._gone_after_next)
        try:
            batch = await self._ran([*proof, *(job.verb for job in jobs)])
        except BaseException as error:
            for job in jobs:
                job.tell(InDoubt(JournalInDoubt(journal=self._journal, reason=f"its writer failed ({type(error).__name__})")))
            if isinstance(error, Exception):
                self._undo_all(jobs)
                return
            raise
        proven = bool(proof) and isinstance(batch.results[0], Done)
        relieved = any(trouble_met(result) is Trouble.FULL for result in batch.results) and await self._relief()
        certain = self._sorted_out(jobs, batch.results[len(proof) :], proven=proven, relieved=relieved)
        self._take_stock(batch.results, proven=proven, relieved=relieved)
        if proven:
            certain |= gone
            self._gone_after_next -= gone
        await self._paper.forget(certain)

    def _undo_all(self, jobs: Sequence[Job]) -> None:
        """Nobody knows what became of these, and their desks are told to use paper: undo what of them may be on disk."""
        again = []
        for job in jobs:
            if job.record is None or (job.answer.cancelled() and not job.given_up):
                continue  # its caller was cancelled, and is told nothing
            if job.undoing:
                job.undo_failed()
            job.begin_undo()
            job.in_doubt = True
            if job.undoing and job.failures < UNDOS_MAX:
                again.append(job)
        self._jobs.extendleft(reversed(again))

    def _sorted_out(self, jobs: Sequence[Job], results: Sequence[Result], *, proven: bool, relieved: bool) -> set[bytes]:
        """Tell who can be told, keep what is to be written again, and return the given-up records of which all is certain."""
        certain: set[bytes] = set()
        again: list[Job] = []
        for job, result in zip(jobs, results, strict=True):
            job.in_doubt |= isinstance(result, InDoubt)
            job.put_off = False
            if job.undoing and isinstance(result, Failed) and result.trouble is None:
                job.undo_failed()
            match after(job, result, proven=proven, relieved=relieved):
                case Next.TELL:
                    job.tell(result)
                case Next.AGAIN:
                    again.append(job)
                case Next.UNDO:
                    job.begin_undo()
                    again.append(job)
                case Next.CERTAIN:
                    certain.update(filter(None, (job.record,)))
                case Next.LEAVE:
                    pass
                case never:
                    assert_never(never)
        self._jobs.extendleft(reversed(again))  # before anything else is written
        return certain

    async def _ran(self, verbs: Sequence[Verb]) -> Batch:
        self._began = asyncio.get_running_loop().time()
        try:
            batch: Batch = await on_thread(self._connection, run_batch, verbs, self._journal)
        finally:
            self._began = None
        if any(commit.wrote for commit in batch.commits):
            self.wrote_at = asyncio.get_running_loop().time()
        if self._on_commit:
            for commit in batch.commits:
                # Not called from here: an observer that raises must not end the writer.
                asyncio.get_running_loop().call_soon(self._on_commit, commit.seconds, commit.verbs)
        return batch

    def _take_stock(self, results: Sequence[Result], *, proven: bool, relieved: bool) -> None:
        before = self.trouble
        met = [trouble for trouble in map(trouble_met, results) if trouble]
        if met:
            self.trouble = met[-1]
        elif proven:
            self.trouble = None
        if relieved and self.trouble is Trouble.FULL:
            self.trouble = None
        self._tries = self._tries + 1 if self.trouble else 0
        if self.trouble:
            self._turn_away()
        if self.trouble is not before:
            for ring in self.bells:
                ring()

    def _turn_away(self) -> None:
        """Tell the desks whose records were never written at once, so that they need not wait for what will not come."""
        for job in [job for job in self._jobs if job.record and not job.tried]:
            self._jobs.remove(job)
            job.tell(Failed(JournalUnwritable(journal=self._journal, reason="its disk does not take what is written")))

    def _abandon(self) -> None:
        """Leave nobody waiting for an answer that will not come."""
        for job in self._jobs:
            closed = {"journal": self._journal, "reason": "it is closed"}
            job.tell(InDoubt(JournalInDoubt(**closed)) if job.in_doubt else Failed(JournalUnwritable(**closed)))


def touch(db: Db) -> int:
    """Write something that reaches the disk."""
    return run(db, "touch")

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from store.errors import JournalInDoubt, JournalRefused, JournalUnreadable, JournalUnwritable
from store.file import writer
from store.file.batch import Batch, Failed, InDoubt, Verb, run_batch
from store.file.connection import open_reader
from store.file.engine import BATCH_MAX, Engine
from store.file.job import UNDOS_MAX
from store.file.standing import Trouble
from store.queries import Db
from tests.store.helpers import Closing


def keep(db: Db, name: str) -> str:
    db.execute("INSERT INTO meta (name, value) VALUES (?, x'00')", (name,))
    return name


def forget(db: Db) -> None:
    raise NotImplementedError


def keep_then_fail(db: Db, name: str) -> None:
    keep(db, name)
    raise LookupError(name)


def keep_much(db: Db, size: int) -> None:
    db.execute("INSERT INTO meta (name, value) VALUES ('much', randomblob(?))", (size,))


def orphan(db: Db) -> None:
    """A row that only COMMIT refuses."""
    db.execute("PRAGMA defer_foreign_keys = ON")
    db.execute("INSERT INTO record_request (number, method, target, headers, body) VALUES (99, 'POST', '/', x'', x'')")


def names(db: Db) -> set[str]:
    return {name for (name,) in db.execute("SELECT name FROM meta")}


Commits = list[int]


@pytest.fixture
def commits() -> Commits:
    return []


@pytest.fixture
async def engine(path: Path, key: bytes, commits: Commits) -> AsyncIterator[Engine]:
    opened = await Engine.open(path, key, lambda _, verbs: commits.append(verbs))
    yield opened
    await opened.close()


async def test_concurrent_writes_share_commits(engine: Engine, commits: Commits) -> None:
    await asyncio.gather(*(engine.write(keep, f"n{number}") for number in range(200)))
    assert sum(commits) == 200
    assert len(commits) <= 3
    assert len(await engine.read(names)) == 200


async def test_a_batch_is_bounded(engine: Engine, commits: Commits) -> None:
    await asyncio.gather(*(engine.write(keep, f"n{number}") for number in range(2 * BATCH_MAX + 1)))
    assert max(commits) == BATCH_MAX


async def test_desks_that_came_apart_come_together_again(engine: Engine, commits: Commits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "GATHER_S", 10)  # else it is a matter of how fast the machine is
    begun, let_go = threading.Event(), threading.Event()

    def block(_: Db) -> None:
        begun.set()
        let_go.wait(10)

    async def desk(number: int) -> None:
        for dose in range(6):
            name = f"{number} {dose}"
            await engine.keep(partial(keep, name=name), name.encode(), forget, None)
            for _ in range(writer.QUIET_TURNS - 1):  # its answer goes out, and the next dose comes in
                await asyncio.sleep(0)

    blocker = asyncio.create_task(engine.write(block))
    some = [asyncio.create_task(desk(number)) for number in range(8)]
    await asyncio.to_thread(begun.wait, 10)
    others = [asyncio.create_task(desk(number)) for number in range(8, 16)]
    await asyncio.sleep(0)
    let_go.set()
    await asyncio.gather(blocker, *some, *others)
    assert commits == [9, *[16] * 5, 8]


async def test_who_is_no_desk_is_not_kept_waiting_for_others(engine: Engine, commits: Commits) -> None:
    first = asyncio.create_task(engine.write(keep, "first"))
    for _ in range(2):  # it is asked, and the writer wakes
        await asyncio.sleep(0)
    second = asyncio.create_task(engine.write(keep, "second"))
    await asyncio.gather(first, second)
    assert commits == [1, 1]


async def test_a_neighbours_failure_costs_only_the_neighbour(engine: Engine) -> None:
    writes = [engine.write(keep_then_fail if number % 10 == 0 else keep, f"n{number}") for number in range(50)]
    answers = await asyncio.gather(*writes, return_exceptions=True)
    kept = {f"n{number}" for number in range(50) if number % 10}
    assert {answer for answer in answers if isinstance(answer, str)} == kept
    assert [str(answer) for answer in answers if isinstance(answer, LookupError)] == [
        str(LookupError(f"n{n}")) for n in (0, 10, 20, 30, 40)
    ]
    assert await engine.read(names) == kept


async def test_nobody_is_answered_before_the_commit(engine: Engine, path: Path, key: bytes) -> None:
    other = open_reader(path, key)
    try:
        for number in range(20):
            assert await engine.write(keep, f"n{number}") in names(other)
    finally:
        other.close()


async def test_a_cancelled_caller_does_not_cancel_the_write(engine: Engine) -> None:
    let_go = threading.Event()
    blocker = asyncio.create_task(engine.write(lambda _: let_go.wait(10)))
    caller = asyncio.create_task(engine.write(keep, "kept"))
    await asyncio.sleep(0)
    caller.cancel()
    let_go.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await blocker
    await engine.write(keep, "next")
    assert await engine.read(names) == {"kept", "next"}


async def test_reads_do_not_wait_for_the_writer(engine: Engine) -> None:
    await engine.write(keep, "first")
    let_go = threading.Event()
    writing = asyncio.create_task(engine.write(lambda db: (keep(db, "second"), let_go.wait(10))))
    try:
        assert await asyncio.wait_for(engine.read(names), 5) == {"first"}
    finally:
        let_go.set()
    await writing


async def test_a_commit_that_fails_is_told_to_all_and_leaves_the_journal_usable(engine: Engine) -> None:
    answers = await asyncio.gather(engine.write(keep, "innocent"), engine.write(orphan), return_exceptions=True)
    assert [type(answer) for answer in answers] == [JournalUnwritable, JournalUnwritable]
    assert await engine.write(keep, "next") == "next"
    assert await engine.read(names) == {"next"}


@pytest.mark.skipif(os.name == "nt", reason="no limit on file size")
async def test_a_commit_that_breaks_off_is_told_to_be_in_doubt_and_survived(engine: Engine, path: Path) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name("journal.db-wal").stat().st_size + 4096, hard))
    try:
        answers = await asyncio.gather(engine.write(keep_much, 1 << 20), engine.write(keep, "also"), return_exceptions=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert isinstance(answers[0], JournalInDoubt)
    assert await engine.write(keep, "next") == "next"
    assert "much" not in await engine.read(names)


async def test_an_observer_that_raises_does_not_end_the_writer(path: Path, key: bytes, closing: Closing) -> None:
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context.get("exception")))

    def observe(seconds: float, verbs: int) -> None:
        raise LookupError(seconds, verbs)

    engine = await closing(Engine.open(path, key, observe))
    await engine.write(keep, "first")
    await engine.write(keep, "second")
    await engine.close()
    assert [type(error) for error in told] == [LookupError, LookupError]


async def test_a_refused_row_is_told_to_its_caller(engine: Engine) -> None:
    await engine.write(keep, "once")
    answers = await asyncio.gather(engine.write(keep, "once"), engine.write(keep, "other"), return_exceptions=True)
    assert isinstance(answers[0], JournalRefused)
    assert answers[1] == "other"


async def test_a_reader_cannot_write(engine: Engine) -> None:
    with pytest.raises(JournalUnreadable, match="readonly"):
        await engine.read(keep, "sneaked in")


async def test_close_finishes_what_is_queued(engine: Engine, path: Path) -> None:
    writes = [asyncio.create_task(engine.write(keep, f"n{number}")) for number in range(BATCH_MAX + 100)]
    await asyncio.sleep(0)
    await asyncio.wait_for(asyncio.gather(engine.close(), engine.close()), 10)
    assert len(await asyncio.gather(*writes)) == BATCH_MAX + 100
    assert not path.with_name("journal.db-wal").exists()
    with pytest.raises(JournalUnwritable, match="closed"):
        await engine.write(keep, "late")
    with pytest.raises(JournalUnreadable, match="closed"):
        await engine.read(names)


async def test_a_close_cut_short_goes_on(engine: Engine) -> None:
    closing = asyncio.create_task(engine.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    await asyncio.wait_for(engine.close(), 10)
    assert engine._connection._connection is None


RECORD = b"r" * 16


@pytest.mark.parametrize("mended", [True, False], ids=["until it can", "until the next start"])
async def test_what_cannot_be_undone_stays_on_paper(engine: Engine, path: Path, key: bytes, closing: Closing, mended: bool) -> None:
    """Its desk was told to use paper, and it reached the disk all the same."""
    let_go, failed = threading.Event(), threading.Event()
    tries = 0

    def keep_late(db: Db) -> None:
        let_go.wait(10)
        keep(db, "late")

    def undo(db: Db) -> None:
        nonlocal tries
        tries += 1
        if tries <= 3 or not mended:
            failed.set()
            raise LookupError("database disk image is malformed")
        keep(db, "undone")

    with pytest.raises(JournalInDoubt):
        await engine.keep(keep_late, RECORD, undo, 0.05)
    let_go.set()
    await asyncio.to_thread(failed.wait, 10)
    await engine.write(keep, "next")
    assert tries == 3, "with the next write, in its transaction and alone: not again and again"
    if mended:
        await engine.write(keep, "more")
        assert await engine.read(names) == {"late", "next", "more", "undone"}
    await asyncio.wait_for(engine.close(), 10)
    started = await closing(Engine.open(path, key))
    assert started.told_paper == (frozenset() if mended else {RECORD})


async def test_an_undo_that_goes_on_failing_does_not_cost_the_others_their_common_commit(engine: Engine, commits: Commits) -> None:
    let_go, tries = threading.Event(), []

    def undo(db: Db) -> None:
        tries.append(db)
        raise LookupError("database disk image is malformed")

    with pytest.raises(JournalInDoubt):
        await engine.keep(lambda _: let_go.wait(10), RECORD, undo, 0.05)
    let_go.set()
    for number in range(UNDOS_MAX):
        await engine.write(keep, f"one by one {number}")
    many, commits[:] = len(tries), []
    await asyncio.gather(*(engine.write(keep, f"n{number}") for number in range(100)))
    assert (sum(commits), len(tries)) == (100, many)
    assert len(commits) <= 3
    assert engine.on_paper == {RECORD}


Run = Callable[[Db, Sequence[Verb], Path], Batch]


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """What becomes of the next batches, instead of what would; the first is the next."""
    runs: list[Run] = []

    def ran(db: Db, verbs: Sequence[Verb], journal: Path) -> Batch:
        return (runs.pop(0) if runs else run_batch)(db, verbs, journal)

    monkeypatch.setattr(writer, "run_batch", ran)
    return runs


async def test_a_record_in_doubt_that_finds_a_full_disk_is_written_again_by_itself(engine: Engine, path: Path, batches: list[Run]) -> None:
    """Room was made; that its verb failed too, for another reason, is no reason to wait for somebody else's write."""

    async def relief() -> bool:
        return True

    engine._writer._relief = relief
    full = Failed(JournalUnwritable(journal=path, reason="full"), Trouble.FULL)
    batches += [
        lambda *_: Batch([InDoubt(JournalInDoubt(journal=path, reason="its commit"))]),
        lambda *_: Batch([full, Failed(JournalRefused(reason="x"))]),
    ]
    assert await asyncio.wait_for(engine.keep(partial(keep, name="kept"), RECORD, forget, None), 10) == "kept"


@pytest.mark.parametrize("committed", [True, False])
async def test_what_an_error_of_ours_leaves_in_doubt_is_undone(engine: Engine, batches: list[Run], committed: bool) -> None:
    def breaks(db: Db, verbs: Sequence[Verb], journal: Path) -> Batch:
        if committed:
            run_batch(db, verbs, journal)
        raise MemoryError

    batches.append(breaks)
    with pytest.raises(JournalInDoubt, match="its writer failed"):
        await engine.keep(partial(keep, name="kept"), RECORD, partial(keep, name="undone"), None)
    await engine.write(keep, "next")
    assert await engine.read(names) - {"touched"} == ({"kept"} if committed else set()) | {"undone", "next"}
    await engine.write(keep, "more")  # what is certain is taken off the paper before the next is written
    assert not engine.on_paper


async def test_an_undo_that_an_error_of_ours_ends_each_time_is_left_to_the_next_start(engine: Engine, batches: list[Run]) -> None:
    tries = []

    def breaks(_: Db, verbs: Sequence[Verb], __: Path) -> Batch:
        tries.append(len(verbs))
        raise MemoryError

    batches += [breaks] * 20
    with pytest.raises(JournalInDoubt):
        await engine.keep(partial(keep, name="kept"), RECORD, forget, None)
    for number in range(UNDOS_MAX + 1):
        with pytest.raises(JournalInDoubt):
            await engine.write(keep, f"n{number}")
    assert tries[-1] == 1, "the last was alone"
    assert engine.on_paper == {RECORD}

"""
What a process with a faulty disk does, in words on its standard output: `python -m tests.disk.scenes SCENE JOURNAL ORDERS`.

Each line is what a desk was told: `kept ID`, `not ID` (nothing of it is on disk), `paper ID` (nobody knows). `ID` is hexadecimal.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Final

from store.errors import JournalDamaged, JournalInDoubt, JournalUnwritable
from store.journal import Journal
from store.records import NewRecord, Recorded, RecordState, Settlement
from tests.disk.faulty_disk import FaultyDisk
from tests.store.helpers import KEY, NOON

DESKS: Final = 6
WITHIN_S: Final = 0.6
PATIENT_S: Final = 1.5
"""The note is best effort, in a tenth of this: what dies right after it gives a busy machine some more."""


def a_record(number: int, size: int = 100) -> NewRecord:
    own = number.to_bytes(16)
    return NewRecord(own, "vaccinate", "vaccinator", (own,), "POST", "/", b"", b"7" * size, NOON, natural_key=own)


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def kept(journal: Journal, record: NewRecord, within_s: float = WITHIN_S) -> str:
    try:
        admission = await journal.record(record, send=record.id[-1] % 2 == 0, within_s=within_s)
    except JournalInDoubt:
        return "paper"
    except JournalUnwritable:
        return "not"
    assert isinstance(admission, Recorded)
    return "kept"


async def desks(journal: Journal, _: FaultyDisk, size: int = 100, within_s: float = WITHIN_S) -> None:
    """Record without end; what could not be kept is waited out a little, as a nurse would."""
    numbers = count(1)

    async def desk() -> None:
        for number in numbers:
            record = a_record(number, size)
            told = await kept(journal, record, within_s)
            say(told, record.id.hex())
            if told == "not":
                await asyncio.sleep(0.01)

    await asyncio.gather(*(desk() for _ in range(DESKS)))


async def large(journal: Journal, disk: FaultyDisk) -> None:
    """Record large requests, so that the log is soon folded into the file."""
    await desks(journal, disk, 100_000, within_s=20)


async def in_doubt(journal: Journal, disk: FaultyDisk) -> None:
    """Fail in fsync alone, with the frames in the log, then die when the desk has been told."""
    disk.order("sync EIO -wal")
    telling = asyncio.create_task(kept(journal, a_record(1), PATIENT_S))
    failing = asyncio.Event()
    journal.on_trouble(failing.set)
    await failing.wait()
    disk.order("write EIO -wal")  # as if the power went now: what is in the log stays as it is
    say(await telling, a_record(1).id.hex())
    os.kill(os.getpid(), signal.SIGKILL)


async def hanging(journal: Journal, disk: FaultyDisk) -> None:
    """Hang in fsync, with the frames in the log, and die when the desk has been told."""
    disk.order("sync 60000ms -wal")
    say(await kept(journal, a_record(2), PATIENT_S), a_record(2).id.hex())
    os.kill(os.getpid(), signal.SIGKILL)


async def late(journal: Journal, disk: FaultyDisk) -> None:
    """Take longer than the desk has, and succeed."""
    disk.order("sync 700ms -wal")
    say(await kept(journal, a_record(1), 0.3), a_record(1).id.hex())
    begun = await journal.begin_send(1, NOON)  # the first that replay would do, right behind
    disk.order()
    record = await journal.get(1)
    assert record is not None
    say("begun" if begun else "not-begun", record.state, record.reason, record.maybe_applied)
    await journal.close()


async def settling(journal: Journal, disk: FaultyDisk) -> None:
    """Settle while COMMIT fails: told at once that it is not certain, and harmless when it is repeated."""
    admission = await journal.record(a_record(2), send=True)
    assert isinstance(admission, Recorded)
    disk.order("sync EIO -wal")
    delivered = Settlement(RecordState.DELIVERED, "accepted")
    try:
        await journal.settle(admission.number, 1, delivered, NOON)
    except JournalInDoubt:
        say("in-doubt")
    disk.order()
    say(await journal.settle(admission.number, 1, delivered, NOON))
    await journal.close()


async def read_out(journal: Journal, _: FaultyDisk) -> None:
    """Look at every page, read every record, through a mending where one is needed; say what was found damaged, and record one more."""
    say("seen", *(await journal.damaged_after(0))[1])
    for number in range(1, 61):
        try:
            await journal.get(number)
        except JournalDamaged:
            await journal._engine.mended()
    for rescue in await journal.rescues():
        say("rescued", rescue.pages, len(rescue.held), rescue.commits_lost)
    say(await kept(journal, a_record(99)), a_record(99).id.hex())
    await journal.close()


SCENES: Final[dict[str, Callable[[Journal, FaultyDisk], Awaitable[None]]]] = {
    scene.__name__: scene for scene in (desks, large, in_doubt, hanging, late, settling, read_out)
}


async def main() -> None:
    journal = await Journal.open(Path(sys.argv[2]), KEY)
    await SCENES[sys.argv[1]](journal, FaultyDisk(Path(), Path(sys.argv[3])))


if __name__ == "__main__":
    asyncio.run(main())

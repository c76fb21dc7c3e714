"""
Every verb of the journal, on one scene that has something for each; and a process that dies in the middle of one.

`python -m tests.store.verbs JOURNAL VERB before|after` runs a verb and is killed right before, or right after, its COMMIT.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from store.decisions import Act, Edited
from store.file import batch
from store.identities import Learnt, RealOf, Rekeyed
from store.journal import Journal
from store.outages import Failed, Note, Slowness
from store.principal_ledger import Accepted
from store.records import NewRecord, Record, RecordState, Settlement, StoredAnswer
from store.remembered import Remembered
from tests.store.helpers import KEY, NOON, seen_at

S = RecordState
LATER = NOON + 60_000
BY: Final = Act("Asha Rawat (invented)", "compared with the paper register")
ANSWER: Final = StoredAnswer(200, "OK", b"Content-Type: application/json\r\n", b"{}")
REMEMBERED: Final = Remembered(
    b"q" * 16, b"v" * 16, "accept", 200, "OK", b"Content-Type: application/json\r\n", b"{}", 0.0, NOON, "b", 1.0, NOON
)
SLOW: Final = Slowness(NOON, NOON + 1000, 10, 4, "answered after 3.2 s", "answered after 4.0 s")
REGISTRATION, CHILD, HELD, DELIVERED, SENDING, UNKNOWN = range(1, 7)


def a_write(number: int, **more: Any) -> NewRecord:
    own = number.to_bytes(16)
    new = NewRecord(own, "vaccinate", "vaccinator", (own,), "POST", "/", b"", b"{}", NOON + number, natural_key=own, content=b"c" * 16)
    return replace(new, **more)


def issue(running: int) -> str:
    return f"99{running:04}"


def rekey(record: Record, real_of: RealOf) -> Rekeyed:
    real = real_of("990001") or "990001"
    return Rekeyed((real.encode().ljust(16, b"."),), record.natural_key, b"c" * 16)


async def build(path: Path) -> None:
    """Make the scene: one record in each state, an outage that runs and one that is over, a hold; in a copy."""
    journal = await Journal.open(path, KEY)
    await journal.record(a_write(REGISTRATION), send=False, issue=issue)
    await journal.record(a_write(CHILD, lanes=(journal.lane_hash("990001"),), awaits=("990001",)), send=False)
    for number in (HELD, DELIVERED, SENDING, UNKNOWN):
        await journal.record(a_write(number), send=True)
    await journal.settle(HELD, 1, Settlement(S.HELD, "refused", "refused http_400"), NOON)
    await journal.settle(DELIVERED, 1, Settlement(S.DELIVERED, "accepted"), NOON, answer=ANSWER)
    await journal.settle(UNKNOWN, 1, Settlement(S.UNKNOWN, "unknown", "unknown reset", maybe_applied=True), NOON)
    over = await journal.open_outage("auth", NOON, NOON, "timeout", "upstream", seen_at(NOON))
    await journal.end_outage(over.id, NOON + 1000, seen_at(NOON + 1000))
    await journal.open_outage("vaccinator", NOON, NOON, "refused", "upstream", seen_at(NOON))
    await journal.begin_slow("vaccinator", replace(SLOW, calls=6), seen_at(NOON))
    await journal.begin_watch(NOON, "start")
    await journal.remember([REMEMBERED], [], 1 << 20, NOON)
    await journal.hold(None, "planned", "asha", NOON)
    await journal.accept_credential(Accepted(b"c" * 16, NOON, "boot", 1.0))
    await journal.settle_in(NOON, copy=True)
    await journal.close()


async def seen(journal: Journal, number: int) -> Record:
    record = await journal.get(number)
    assert record is not None
    return record


async def edit(journal: Journal) -> object:
    said = Edited("/", b"", b'{"batch":"4121Z012"}', (HELD.to_bytes(16),), HELD.to_bytes(16), b"d" * 16)
    return await journal.edit(await seen(journal, HELD), said, BY, LATER)


async def retry(journal: Journal) -> object:
    return await journal.retry(await seen(journal, HELD), BY, LATER)


async def discard(journal: Journal) -> object:
    return await journal.discard(await seen(journal, HELD), BY, LATER)


async def settle_by_person(journal: Journal) -> object:
    learnt = Learnt("990001", "48448366834980", rekey)
    return await journal.settle_by_person(await seen(journal, REGISTRATION), "48448366834980", BY, LATER, learnt=learnt)


VERBS: Final[dict[str, Callable[[Journal], Awaitable[object]]]] = {
    "record": lambda j: j.record(a_write(7, idempotency_key=b"k" * 16), send=True),
    "register": lambda j: j.record(a_write(7), send=False, issue=issue),
    "begin_send": lambda j: j.begin_send(REGISTRATION, LATER),
    "settle": lambda j: j.settle(SENDING, 1, Settlement(S.DELIVERED, "accepted"), LATER, answer=ANSWER),
    "move": lambda j: j.move(UNKNOWN, S.UNKNOWN, Settlement(S.PENDING, None, looked_up=True, cleared=True), LATER),
    "postpone": lambda j: j.postpone(UNKNOWN, S.UNKNOWN, LATER),
    "hold_told_paper": lambda j: j.hold_told_paper([REGISTRATION.to_bytes(16)]),
    "recover": lambda j: j.recover(LATER),
    "learn": lambda j: j.learn("990001", "48448366834980", rekey, LATER),
    "edit": edit,
    "retry": retry,
    "discard": discard,
    "settle_by_person": settle_by_person,
    "open_outage": lambda j: j.open_outage("auth", LATER, LATER, "timeout", "upstream", seen_at(LATER)),
    "reopen_outage": lambda j: j.reopen_outage(1, Failed(LATER), seen_at(LATER)),
    "touch_outage": lambda j: j.touch_outage(2, Failed(LATER, LATER, "503"), seen_at(LATER)),
    "end_outage": lambda j: j.end_outage(2, LATER, seen_at(LATER)),
    "add_unobserved": lambda j: j.add_unobserved(2, 5_000, seen_at(LATER)),
    "place_outage": lambda j: j.place_outage(2, "local"),
    "lengthen_wait": lambda j: j.lengthen_wait(2, 3_000),
    "annotate": lambda j: j.annotate(Note(2, LATER, "asha", "the cable was cut", "cable", "local")),
    "begin_slow": lambda j: j.begin_slow("auth", SLOW, seen_at(LATER)),
    "go_on_slow": lambda j: j.go_on_slow(3, SLOW, seen_at(LATER)),
    "begin_watch": lambda j: j.begin_watch(LATER, "start"),
    "go_on_watching": lambda j: j.go_on_watching(1, LATER),
    "mark_drained": lambda j: j.mark_drained("auth", LATER),
    "hold": lambda j: j.hold(LATER, "planned again", "asha", LATER),
    "release": lambda j: j.release("asha", LATER),
    "mark_exported": lambda j: j.mark_exported([HELD], LATER),
    "mark_swept": lambda j: j.mark_swept(DELIVERED, LATER),
    "purge": lambda j: j.purge(LATER, LATER),
    "remember": lambda j: j.remember([replace(REMEMBERED, body=b"[]")], [], 1 << 20, LATER),
    "forget": lambda j: j.forget(REMEMBERED.question),
    "forget_expired": lambda j: j.forget_expired(LATER),
    "shed": lambda j: j.shed(),
    "settle_in": lambda j: j.settle_in(LATER),
    "mark_taken_over": lambda j: j.mark_taken_over(),
    "accept_credential": lambda j: j.accept_credential(Accepted(b"c" * 16, LATER, "boot", 2.0)),
    "refuse_credential": lambda j: j.refuse_credential(b"c" * 16, LATER),
    "note_down": lambda j: j.note_down("keys", b"{}"),
    "note": lambda j: j.note("asha", "export", "paper register", LATER),
}


def die(*_: object) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


async def run_and_die(path: Path, verb: str, when: str) -> None:
    """Run a verb with a kill -9 around its COMMIT; the read that some begin with is behind us by then."""
    journal = await Journal.open(path, KEY)
    if when == "after":
        batch.Commit = die  # type: ignore[misc, assignment]
    else:
        run = batch._run
        batch._run = lambda db, verbs: die(run(db, verbs))
    await VERBS[verb](journal)


if __name__ == "__main__":
    asyncio.run(run_and_die(Path(sys.argv[1]), *sys.argv[2:4]))

from __future__ import annotations

from typing import Any

import pytest

from store.errors import JournalInDoubt, JournalRefused, JournalUnwritable
from store.file.batch import Done, Failed, InDoubt, Result
from store.file.job import UNDOS_MAX, Job, Next, after
from store.file.standing import Trouble

DOUBT = InDoubt(JournalInDoubt(journal="", reason=""))
FULL = Failed(JournalUnwritable(journal="", reason=""), Trouble.FULL)
DAMAGED = Failed(JournalUnwritable(journal="", reason="database disk image is malformed"))
REFUSED = Failed(JournalRefused(reason=""))
VERB: dict[str, Any] = {}
DESK = {"record": b"1" * 16, "undo": id}
STUCK = {"record": b"1" * 16, "given_up": True, "failures": UNDOS_MAX}
LEFT = DESK | {"given_up": True}
UNDOING = {"record": b"1" * 16, "given_up": True}
DOUBTFUL = {"in_doubt": True}


@pytest.mark.parametrize(
    ("job", "result", "proven", "relieved", "expected"),
    [
        (DESK, Done(1), False, False, Next.TELL),
        (DESK, DOUBT, False, False, Next.AGAIN),
        (DESK, FULL, False, False, Next.TELL),
        (DESK, FULL, False, True, Next.AGAIN),
        (DESK, REFUSED, False, False, Next.TELL),
        (DESK | DOUBTFUL, FULL, False, False, Next.AGAIN),
        (DESK | DOUBTFUL, REFUSED, False, False, Next.AGAIN),
        (DESK | DOUBTFUL, REFUSED, True, False, Next.TELL),
        (DESK | DOUBTFUL, Done(1), False, False, Next.TELL),
        (VERB, Done(1), False, False, Next.TELL),
        (VERB, DOUBT, False, False, Next.TELL),
        (VERB, FULL, False, True, Next.AGAIN),
        (LEFT, Done(1), False, False, Next.UNDO),
        (LEFT, FULL, False, True, Next.CERTAIN),
        (LEFT, DOUBT, False, False, Next.AGAIN),
        (LEFT | DOUBTFUL, FULL, False, False, Next.AGAIN),
        (UNDOING, Done(1), False, False, Next.CERTAIN),
        (UNDOING, FULL, False, False, Next.AGAIN),
        (UNDOING, DOUBT, False, False, Next.AGAIN),
        (UNDOING, DAMAGED, False, False, Next.AGAIN),
        (UNDOING, DAMAGED, True, False, Next.AGAIN),
        (STUCK, DAMAGED, True, False, Next.LEAVE),
        (STUCK, DOUBT, False, False, Next.AGAIN),
        (LEFT, DAMAGED, True, False, Next.CERTAIN),
    ],
)
async def test_what_is_done_after_a_try(job: dict[str, Any], result: Result, proven: bool, relieved: bool, expected: Next) -> None:
    assert after(Job(verb=id, **job), result, proven=proven, relieved=relieved) is expected


async def test_only_what_was_never_written_or_may_still_be_is_unwanted_once_its_desk_has_left() -> None:
    assert [Job(verb=id, **job).unwanted for job in (VERB, DESK, LEFT, UNDOING)] == [False, False, True, False]

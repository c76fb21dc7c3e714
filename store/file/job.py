"""One write that somebody waits for, and what is to be done with it after a try. No I/O."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final, assert_never

from store.file.batch import Done, Failed, InDoubt, Result, Verb
from store.file.standing import Trouble

UNDOS_MAX: Final = 3
"""So often an undo is tried that the disk would take and that fails all the same: each try costs those of its batch their common commit."""


@dataclass(slots=True, eq=False)
class Job:
    """
    One write.

    `record` is the id of a record whose desk may give it up (None: no desk waits); `undo` is what is then written before anything else,
    if the record reached the disk all the same. `tried`: it was in a transaction; `in_doubt`: in one whose COMMIT failed, or of which
    nobody knows what became. `put_off`: its undo failed, and not for want of the disk, so that to try at once again would come to the
    same; `failures`: so often.
    """

    verb: Verb
    answer: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    record: bytes | None = None
    undo: Verb | None = None
    given_up: bool = False
    tried: bool = False
    in_doubt: bool = False
    put_off: bool = False
    failures: int = 0

    @property
    def unwanted(self) -> bool:
        """Whether it is not to be written any more."""
        return self.given_up and self.undo is not None

    @property
    def undoing(self) -> bool:
        """Whether what is written next is its undo."""
        return self.given_up and self.undo is None

    def begin_undo(self) -> None:
        """Let its undo be what is written next."""
        if self.undo is not None:
            self.verb, self.undo, self.given_up = self.undo, None, True

    def undo_failed(self) -> None:
        """Wait for the next write with the next try."""
        self.put_off = True
        self.failures += 1

    def give_up(self) -> None:
        """Let its desk wait no longer, unless it has its answer."""
        if self.answer.cancel():
            self.given_up = True

    def tell(self, result: Result) -> None:
        """Tell whoever still waits; a caller may have been cancelled, its write was not."""
        if self.answer.done():
            return
        if isinstance(result, Done):
            self.answer.set_result(result.value)
        else:
            self.answer.set_exception(result.error)


class Next(Enum):
    """What is to be done with a job after a try."""

    TELL = auto()
    """Its result is certain, or it is for its caller to look: tell it."""
    AGAIN = auto()
    """Into the next batch; there it is dropped if it is unwanted by then."""
    UNDO = auto()
    """It was given up and is on disk: write its `undo` next."""
    CERTAIN = auto()
    """It was given up, and it is certain now that it is undone or not there."""
    LEAVE = auto()
    """It was given up, and cannot be undone: it is on paper, and the next start, or a rescue, sees to it."""


def after(job: Job, result: Result, *, proven: bool, relieved: bool) -> Next:
    """
    Return what is to be done with *job* after a try.

    Args:
        job: As it stands after the try.
        result: What the try came to.
        proven: A write has reached the disk since the try before, so that no frames of a failed COMMIT are left.
        relieved: Room was made on a disk that was full.
    """
    match result:
        case Done():
            if not job.given_up:
                return Next.TELL
            return Next.CERTAIN if job.undoing else Next.UNDO
        case Failed(_, trouble) if proven or not job.in_doubt:
            if job.undoing:  # that it failed leaves the record there, whatever it met
                return Next.AGAIN if job.failures < UNDOS_MAX else Next.LEAVE
            if job.given_up:
                return Next.CERTAIN
            return Next.AGAIN if trouble is Trouble.FULL and relieved else Next.TELL
        case Failed() | InDoubt():
            # A verb that no desk waits for compares and sets: who asked looks again, and repeats it. A record is told when it is certain.
            return Next.TELL if job.record is None else Next.AGAIN
        case _:
            assert_never(result)


def trouble_met(result: Result) -> Trouble | None:
    """Return what the disk had to do with a result."""
    match result:
        case Done():
            return None
        case InDoubt():
            return Trouble.FAILING
        case Failed(_, trouble):
            return trouble
        case _:
            assert_never(result)

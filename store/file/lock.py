"""
One process at a time has the journal open.

The lock is the operating system's, on `<journal>.lock`: it goes with the process that held it, so that a file left behind is no obstacle.
The file's content, role and process id as JSON, only tells people who holds it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from store.errors import JournalLocked, JournalUnwritable
from store.file.owner import hand_over_files, make_folder, obstacle

PATIENCE_S: Final = 5.0
"""How long a starting service waits for a command to give way."""

_POLL_S: Final = 0.05
_LOCKED_BYTE: Final = 1 << 30
"""On Windows nobody else can read a locked region: lock a byte far behind the content."""


class Role(StrEnum):
    """What a process wants the journal for."""

    SERVICE = "service"
    CLI = "cli"


_ADVICE: Final = {
    Role.SERVICE: "Stop that service first; commands that act through it need no lock: dosekeeper status",
    Role.CLI: "Wait until that command has ended, then try again.",
    None: "Find out which process it is, and try again.",
}


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has the lock, as far as the file tells."""

    role: Role
    pid: int


class Lock:
    """The journal's lock, held from `take` to `release`."""

    def __init__(self, journal: Path, descriptor: int) -> None:
        self._journal = journal
        self._wanted = _wanted_path(journal)
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, journal: Path, role: Role) -> Lock:
        """
        Take the lock at once.

        Raises:
            JournalForbidden: this user may not use the folder, or one of the journal's files.
            JournalLocked: another process has it; names its role and process id.
            JournalUnwritable: the lock file cannot be made.
        """
        path = lock_path(journal)
        if why := obstacle(journal):
            raise why
        try:
            make_folder(path.parent)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise JournalUnwritable(journal=journal, reason=error.strerror or error) from error
        if not _try_lock(descriptor):
            os.close(descriptor)
            raise _locked(journal)
        with suppress(OSError):  # a full disk must not keep a service from starting: the content only tells
            _write_holder(descriptor, Holder(role, os.getpid()))
        lock = cls(journal, descriptor)
        lock._wanted.unlink(missing_ok=True)  # of a service that is gone; one that still waits asks again
        return lock

    @classmethod
    async def take_over(cls, journal: Path, role: Role, *, patience_s: float = PATIENCE_S) -> Lock:
        """
        Take the lock; a service asks a command that has it to give way, and waits up to *patience_s*.

        Nobody is told when an operating system's lock falls free, and a thread blocked in it could not be called off: so this polls.

        Raises:
            JournalLocked: a service has it, or a command did not give way in time.
        """
        deadline = asyncio.get_running_loop().time() + patience_s
        while True:
            try:
                return cls.take(journal, role)
            except JournalLocked:
                held_by_service = (holder := _holder(journal)) is not None and holder.role is Role.SERVICE
                if role is not Role.SERVICE or held_by_service or asyncio.get_running_loop().time() >= deadline:
                    _wanted_path(journal).unlink(missing_ok=True)
                    raise
            _wanted_path(journal).touch()
            await asyncio.sleep(_POLL_S)

    def wanted(self) -> bool:
        """Tell whether a starting service asks for the journal: a command then closes it as soon as it can."""
        return self._wanted.exists()

    def release(self) -> None:
        """Let go. The file stays: to delete it would let two processes lock two files of one name."""
        if self._descriptor is not None:
            with suppress(OSError):
                hand_over_files(self._journal)
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)


def lock_path(journal: Path) -> Path:
    """Return the lock file of a journal; unlike the journal's own, it is never replaced by another."""
    return journal.with_name(journal.name + ".lock")


def _wanted_path(journal: Path) -> Path:
    return journal.with_name(journal.name + ".wanted")


def _try_lock(descriptor: int) -> bool:
    # Imported here: each of the two modules is missing on the other's system.
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _write_holder(descriptor: int, holder: Holder) -> None:
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, json.dumps({"role": holder.role, "pid": holder.pid}).encode())


def _holder(journal: Path) -> Holder | None:
    """Return who the lock file names, or None: it may just be being written."""
    try:
        content = json.loads(lock_path(journal).read_bytes())
        return Holder(Role(content["role"]), int(content["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _locked(journal: Path) -> JournalLocked:
    holder = _holder(journal)
    who = f"the dosekeeper {holder.role}, process {holder.pid}" if holder else "another process"
    return JournalLocked(journal=journal, holder=who, advice=_ADVICE[holder.role if holder else None])

"""
The reserve: a file of `store.reserve` bytes beside the journal, so that no other program takes the last room on its disk.

When the disk is nearly full the file is given up, and recording goes on in its room; when there is room again it is made anew.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

from store.file.room import Room, left_for_records, room

CHUNK: Final = bytes(1 << 20)


class Reserve:
    """What is known of the room on the journal's disk. All file I/O is on a thread, one call at a time."""

    def __init__(self, journal: Path, size: int) -> None:
        self._file = _file_of(journal)
        self._journal = journal
        self._size = size
        self._one = asyncio.Lock()
        self.room = Room.AMPLE
        self.left = 0

    async def look(self) -> None:
        """Measure, and make the reserve or give it up. A disk that cannot even be measured changes nothing."""
        async with self._one:
            with suppress(OSError):
                self.room, self.left = await asyncio.to_thread(self._looked)

    async def give_up(self) -> bool:
        """The disk has just refused a write: let recording have the reserve; False where there is none."""
        async with self._one:
            if not await asyncio.to_thread(self._given_up):
                return False
            self.room, self.left = Room.SHORT, self._size  # about, until the next look
            return True

    def _looked(self) -> tuple[Room, int]:
        ballast, free = ballast_bytes(self._journal), shutil.disk_usage(self._file.parent).free
        found = room(free, ballast, self._size, self.room)
        if found is not Room.AMPLE or (ballast != self._size and not self._made()):
            self._given_up()
            found = Room.SHORT if found is Room.AMPLE else found
        return found, left_for_records(shutil.disk_usage(self._file.parent).free, self._size)

    def _made(self) -> bool:
        self._given_up()
        if self._size == 0:
            return True
        try:
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                _fill(descriptor, self._size)
            finally:
                os.close(descriptor)
        except OSError:
            return False
        return True

    def _given_up(self) -> bool:
        return give_up(self._journal)


def give_up(journal: Path) -> bool:
    """Let others have the room of the reserve of *journal*; False where there is none."""
    held = ballast_bytes(journal) > 0
    _file_of(journal).unlink(missing_ok=True)
    return held


def ballast_bytes(journal: Path) -> int:
    """Return what the reserve of *journal* takes on disk now."""
    try:
        return _file_of(journal).stat().st_size
    except OSError:
        return 0


def _file_of(journal: Path) -> Path:
    return journal.with_name(journal.name + ".reserve")


def _fill(descriptor: int, size: int) -> None:
    """Take *size* bytes of the disk: really, not as a hole."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    left = size
    while left > 0:
        left -= os.write(descriptor, CHUNK[:left])
    os.fsync(descriptor)

"""Read a file around the sectors that its disk cannot read any more: what is lost with them is damaged, the rest is as it was."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from io import FileIO
from pathlib import Path
from threading import Lock
from typing import Final

from store.errors import JournalUnreadable

_BLOCK_BYTES: Final = 4096
"""So much a read loses at a time: Linux reads whole pages, of which a disk's sectors are a part."""

_LOST: Final = b"\xff"
"""Stands for what cannot be read. Not zero: in the log that is what was never written, and SQLCipher takes a page of it for a whole one."""


@contextmanager
def opened(path: Path) -> Iterator[FileIO]:
    """Open a file for `read_at`; unbuffered, as a buffer would read more than is asked for."""
    with path.open("rb", buffering=0) as file:
        yield file


class Beside:
    """
    The journal's file, for reading its bytes while SQLite has it open.

    POSIX gives up all of a process's locks on a file when it closes any descriptor of it, SQLite's too: another program that opened the
    journal would then take itself for the last at its close, and delete the log (sqlite.org/howtocorrupt.html §2.2). So one descriptor
    stays open until SQLite's are closed. On Windows that does not happen, and one that stays open would keep the file from being replaced.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = None if os.name == "nt" else path.open("rb", buffering=0)
        self._closed = False
        self._lock = Lock()

    @contextmanager
    def opened(self) -> Iterator[FileIO]:
        """Give the file for `read_at`, to one at a time. Raises JournalUnreadable when it is closed."""
        with self._lock:
            if self._closed:
                raise JournalUnreadable(journal=self._path, reason="it is closed")
            with opened(self._path) if self._file is None else nullcontext(self._file) as file:
                yield file

    def close(self) -> None:
        """Close it, once nobody reads from it."""
        with self._lock:
            self._closed = True
            if self._file is not None:
                self._file.close()


def read_at(file: FileIO, start: int, length: int) -> bytes:
    """
    Return what stands there, less where the file ends; what its disk cannot read (EIO) is overwritten.

    Raises:
        JournalUnreadable: any other error.
    """
    found = bytearray()
    size = length
    while len(found) < length:
        place = start + len(found)
        try:
            file.seek(place)
            part = file.read(size)
        except OSError as error:
            if error.errno != errno.EIO:
                raise JournalUnreadable(journal=file.name, reason=error.strerror) from error
            block = min(_BLOCK_BYTES - place % _BLOCK_BYTES, length - len(found))
            if size > block:
                size = block  # what else was to be read is asked for by itself
                continue
            part = _LOST * block
        if not part:
            break
        found += part
        size = length - len(found)
    return bytes(found)


def read_all(path: Path) -> bytes:
    """Return a whole file as `read_at` does; nothing where there is none."""
    if not path.exists():
        return b""
    with opened(path) as file:
        return read_at(file, 0, path.stat().st_size)

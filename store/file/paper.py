"""
Who was told to use paper while the disk might have kept their record all the same.

After a failed COMMIT its frames may be in the log and come to light after a power cut. So the ids of such records are in a small file
beside the journal, made in advance because a failing disk makes no new ones, and written in place. Ids are random and name nobody.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

ID_BYTES: Final = 16
SIZE: Final = 1024 * ID_BYTES
"""Bytes; a batch in doubt has 512 records at most."""

NOTE_S: Final = 0.25
"""Seconds a desk's answer waits for its note, at most (and a tenth of its time): it is best effort, and the desk has waited long."""

_NOBODY: Final = bytes(ID_BYTES)


class Paper:
    """The file; its I/O is on a thread of its own, because a disk that hangs must not take the threads of others with it."""

    def __init__(self, journal: Path) -> None:
        self._file = journal.with_name(journal.name + ".paper")
        self._thread = ThreadPoolExecutor(1, "journal-paper")
        self._ids: frozenset[bytes] = frozenset()
        self._written: frozenset[bytes] = frozenset()

    @property
    def ids(self) -> frozenset[bytes]:
        """Those that are on it now, or are about to be."""
        return self._ids

    async def open(self) -> frozenset[bytes]:
        """Return the ids that an earlier process left, and have the file ready; where it cannot be had it goes without."""
        with suppress(OSError):
            self._ids = self._written = await asyncio.get_running_loop().run_in_executor(self._thread, _made_ready, self._file)
        return self._ids

    async def note(self, ids: Collection[bytes], within_s: float = NOTE_S) -> None:
        """Note that these were told to use paper; returns when that is on disk, or after *within_s*."""
        self._ids |= frozenset(ids)
        await asyncio.wait((asyncio.ensure_future(self._brought_up_to_date()),), timeout=within_s)

    async def forget(self, ids: Collection[bytes]) -> None:
        """Take off who is known to be held, or not to be there."""
        if self._ids.isdisjoint(ids):
            return
        self._ids -= frozenset(ids)
        await self._brought_up_to_date()

    def close(self) -> None:
        """Let the thread end when it has written."""
        self._thread.shutdown(wait=False)

    async def _brought_up_to_date(self) -> None:
        with suppress(OSError, RuntimeError):  # RuntimeError: it is closed
            await asyncio.get_running_loop().run_in_executor(self._thread, self._write)

    def _write(self) -> None:
        ids = self._ids
        if ids == self._written:  # who waited for the thread meanwhile has been written with the one before
            return
        descriptor = os.open(self._file, os.O_RDWR | getattr(os, "O_BINARY", 0))
        try:
            os.write(descriptor, b"".join(sorted(ids)).ljust(SIZE, b"\0")[:SIZE])
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._written = ids


def _made_ready(file: Path) -> frozenset[bytes]:
    content = file.read_bytes() if file.exists() else b""
    if len(content) < SIZE:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        try:
            os.write(descriptor, content.ljust(SIZE, b"\0"))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    whole = len(content) - len(content) % ID_BYTES
    return frozenset(content[at : at + ID_BYTES] for at in range(0, whole, ID_BYTES)) - {_NOBODY}

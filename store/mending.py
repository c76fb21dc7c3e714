"""
The engine of a journal that mends itself: a damaged page that is met while it runs is rescued, and the file opened anew.

Meanwhile nothing is read and nothing written: whoever asks is told at once, as when the disk is full, and nobody is answered wrongly.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, TypeVar

from store.errors import JournalDamaged, JournalError
from store.file.connection import damaged
from store.file.engine import CommitObserver, Engine
from store.file.keepsake import keep
from store.file.scan import damaged_after
from store.queries import Db
from store.rescue import Rescue, rescued, rescued_at_start

log = logging.getLogger(__name__)

AGAIN_AFTER_S: Final = 60.0
"""At least so long between two rescues: a disk that damages faster than that is not mended by more of them."""

P = ParamSpec("P")
T = TypeVar("T")


class Mending:
    """What an engine does, and the mending; it stays the same object when the engine is another."""

    def __init__(self, journal: Path, key: bytes, engine: Engine, on_commit: CommitObserver | None) -> None:
        self._journal = journal
        self._key = key
        self._engine = engine
        self._on_commit = on_commit
        self._mending: asyncio.Task[None] | None = None
        self._begun_at: float | None = None
        self._closed = False
        self._root: Callable[[Db], int] | None = None

    @classmethod
    async def open(cls, journal: Path, key: bytes, on_commit: CommitObserver | None = None) -> Mending:
        """Open the journal, rescued first where it is damaged. Raises JournalError where it is not to be had."""
        _tell(await asyncio.to_thread(rescued_at_start, journal, key, _now()))
        try:
            engine = await Engine.open(journal, key, on_commit)
        except JournalError as error:
            if not damaged(error):
                raise
            _tell(await asyncio.to_thread(rescued, journal, key, _now()))
            engine = await Engine.open(journal, key, on_commit)
        return cls(journal, key, engine, on_commit)

    async def write(self, verb: Callable[Concatenate[Db, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `Engine.write`; raises JournalDamaged where a damaged page was met, or while the file is being rescued."""
        self._require_whole()
        try:
            return await self._engine.write(verb, *args, **kwargs)
        except JournalError as error:
            raise self._considered(error) from error

    async def read(self, query: Callable[Concatenate[Db, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `Engine.read`; raises as `write`."""
        self._require_whole()
        try:
            return await self._engine.read(query, *args, **kwargs)
        except JournalError as error:
            raise self._considered(error) from error

    async def keep(self, root: Callable[[Db], int]) -> None:
        """Keep a copy of the pages without which nothing can be read: the schema's, and those of the table that *root* names."""
        self._root = root
        try:
            await asyncio.to_thread(keep, self._journal, self._key, (await self._engine.read(root),))
        except (JournalError, OSError) as error:
            log.warning("keepsake not written", extra={"action": "keepsake_failed", "reason": str(error)})

    def size_bytes(self) -> int:
        """Return what the journal takes on disk, its log included."""
        return self._engine.size_bytes()

    async def damaged_after(self, after: int) -> tuple[int, list[int]]:
        """As `store.file.scan.damaged_after`; raises JournalDamaged while the file is being rescued."""
        self._require_whole()
        return await asyncio.to_thread(damaged_after, self._journal, self._key, after)

    def mend(self) -> None:
        """Rescue the journal now, beside everything else; not more often than every `AGAIN_AFTER_S`."""
        now = time.monotonic()
        if self._closed or self._mending or (self._begun_at is not None and now - self._begun_at < AGAIN_AFTER_S):
            return
        self._begun_at = now
        self._mending = asyncio.create_task(self._mend(), name="journal-mending")

    async def mended(self) -> None:
        """Wait until a rescue that is under way has ended."""
        if self._mending:
            await asyncio.wait([self._mending])

    async def close(self) -> None:
        """As `Engine.close`; a rescue that is under way is ended first."""
        self._closed = True
        await self.mended()
        await self._engine.close()

    def _require_whole(self) -> None:
        if self._mending:
            raise JournalDamaged(journal=self._journal)

    def _considered(self, error: JournalError) -> JournalError:
        if self._closed or not (damaged(error) or self._engine.closing):
            return error
        self.mend()
        return JournalDamaged(journal=self._journal)

    async def _mend(self) -> None:
        try:
            with contextlib.suppress(Exception):  # what cannot be closed cleanly is damaged: the files are what counts
                await self._engine.close()
            try:
                rescue = await asyncio.to_thread(rescued, self._journal, self._key, _now())
            finally:  # also where it cannot be rescued: what can be read is still to be had
                self._engine = await Engine.open(self._journal, self._key, self._on_commit)
            if self._root:
                await self.keep(self._root)  # the file is another, with another salt
            self._mending = None
            _tell(rescue)
        except Exception as error:
            reason = str(error) if isinstance(error, JournalError) else type(error).__name__
            log.critical("damaged journal cannot be rescued", extra={"action": "rescue_failed", "reason": reason})
        finally:
            self._mending = None


def _tell(rescue: Rescue | None) -> None:
    if rescue is not None:
        log.critical("damaged journal rescued", extra={"action": "rescued", **asdict(rescue)})


def _now() -> int:
    # The one time the store asks for itself: when a page turns out to be damaged is nobody's argument.
    return time.time_ns() // 1_000_000

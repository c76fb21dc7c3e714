"""
The engine of a journal that mends itself: a damaged page that is met while it runs is rescued, and the file opened anew.

Meanwhile nothing is read and nothing written: whoever asks is told at once, as when the disk is full, and nobody is answered wrongly.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection
from dataclasses import asdict
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, TypeVar

from store.errors import ExchangeUnfinished, JournalDamaged, JournalError, JournalInDoubt, JournalNotMended
from store.file.batch import Verb
from store.file.connection import damaged
from store.file.engine import CommitObserver, Engine
from store.file.image import looks_whole
from store.file.keepsake import keep
from store.file.scan import damaged_after
from store.file.standing import Standing, Why
from store.queries import Db
from store.record_ledger import hold_told_paper
from store.rescue import Rescue, rescued, rescued_at_start

log = logging.getLogger(__name__)

AGAIN_AFTER_S: Final = 60.0
"""At least so long between two rescues: a disk that damages faster than that is not mended by more of them."""

P = ParamSpec("P")
T = TypeVar("T")


class Mending:
    """What an engine does, and the mending; it stays the same object when the engine is another."""

    def __init__(self, journal: Path, key: bytes, engine: Engine, on_commit: CommitObserver | None, reserve: int) -> None:
        self._journal = journal
        self._key = key
        self._engine = engine
        self._on_commit = on_commit
        self._reserve = reserve
        self._bells: list[Callable[[], None]] = []
        self._mending: asyncio.Task[None] | None = None
        self._begun_at: float | None = None
        self._failed: object = None
        self._closed = False
        self._root: Callable[[Db], int] | None = None

    @classmethod
    async def open(cls, journal: Path, key: bytes, on_commit: CommitObserver | None = None, *, reserve: int = 0) -> Mending:
        """Open the journal, rescued first where it is damaged; as `Engine.open`. Raises JournalError where it is not to be had."""
        _tell(await asyncio.to_thread(rescued_at_start, journal, key, _now()))
        try:
            engine = await Engine.open(journal, key, on_commit, reserve=reserve)
        except JournalError as error:
            if not damaged(error):
                raise
            _tell(await asyncio.to_thread(rescued, journal, key, _now()))
            engine = await Engine.open(journal, key, on_commit, reserve=reserve)
        return cls(journal, key, engine, on_commit, reserve)

    async def write(self, verb: Callable[Concatenate[Db, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `Engine.write`; raises JournalDamaged where a damaged page was met, or while the file is being rescued."""
        self.require_whole()
        try:
            return await self._engine.write(verb, *args, **kwargs)
        except JournalError as error:
            raise self._considered(error) from error

    async def read(self, query: Callable[Concatenate[Db, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `Engine.read`; raises as `write`."""
        self.require_whole()
        try:
            return await self._engine.read(query, *args, **kwargs)
        except JournalError as error:
            raise self._considered(error) from error

    async def keep(self, verb: Callable[[Db], T], record: bytes, undo: Verb, within_s: float | None) -> T:
        """As `Engine.keep`; raises as `write`."""
        self.require_whole()
        try:
            return await self._engine.keep(verb, record, undo, within_s)
        except JournalError as error:
            raise self._considered(error) from error

    # The disk, as the engine of the moment sees it

    def standing(self) -> Standing:
        """As `Engine.standing`."""
        return Standing(Why.MENDING) if self._mending else self._engine.standing()

    def on_trouble(self, ring: Callable[[], None]) -> None:
        """As `Engine.on_trouble`; the next engine's troubles too."""
        self._bells.append(ring)
        self._engine.on_trouble(ring)

    async def look_at_disk(self) -> None:
        """As `Engine.look_at_disk`; what is wrong then, `standing` tells. Not during a rescue, which needs the room itself."""
        if self._mending:
            return
        try:
            await self._engine.look_at_disk()
        except JournalError as error:
            self._considered(error)

    async def give_back(self) -> bool:
        """As `Engine.give_back`; raises as `write`."""
        self.require_whole()
        try:
            return await self._engine.give_back()
        except JournalError as error:
            raise self._considered(error) from error

    async def fold_in(self) -> bool:
        """As `Engine.fold_in`; raises as `write`."""
        self.require_whole()
        try:
            return await self._engine.fold_in()
        except JournalError as error:
            raise self._considered(error) from error

    @property
    def told_paper(self) -> frozenset[bytes]:
        """As `Engine.told_paper`."""
        return self._engine.told_paper

    @property
    def on_paper(self) -> frozenset[bytes]:
        """As `Engine.on_paper`."""
        return self._engine.on_paper

    async def forget_paper(self, records: Collection[bytes]) -> None:
        """As `Engine.forget_paper`."""
        await self._engine.forget_paper(records)

    # Damage

    async def keep_pages(self, root: Callable[[Db], int]) -> None:
        """Keep a copy of the pages without which nothing can be read: the schema's, and those of the table that *root* names."""
        self._root = root
        try:
            await asyncio.to_thread(keep, self._journal, self._engine.file, self._key, (await self._engine.read(root),))
        except (JournalError, OSError) as error:
            log.warning("keepsake not written", extra={"action": "keepsake_failed", "reason": str(error)})

    async def damaged_after(self, after: int) -> tuple[int, list[int]]:
        """As `store.file.scan.damaged_after`; raises as `write`."""
        self.require_whole()
        try:
            return await asyncio.to_thread(damaged_after, self._engine.file, self._key, after)
        except JournalError as error:
            raise self._considered(error) from error

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

    def require_whole(self) -> None:
        """Raise JournalDamaged while the file is being rescued."""
        if self._mending:
            raise JournalDamaged(journal=self._journal)

    def _considered(self, error: JournalError) -> JournalError:
        if self._closed or not (damaged(error) or self._engine.closing):
            return error
        self.mend()
        if isinstance(error, JournalInDoubt):
            return error  # what is in doubt may come to light in the rescued file: nobody may be told that nothing of it was kept
        if self._mending:
            return JournalDamaged(journal=self._journal)
        return JournalNotMended(
            journal=self._journal, reason=self._failed or "it is damaged anew, less than a minute after it was put right"
        )

    async def _mend(self) -> None:
        try:
            with contextlib.suppress(Exception):  # what cannot be closed cleanly is damaged: the files are what counts
                await self._engine.close(fold_in=False)
            try:
                rescue = await asyncio.to_thread(rescued, self._journal, self._key, _now())
            except ExchangeUnfinished:
                raise  # what is recorded until it is ended would be lost by that
            except Exception:
                # What can be read is still to be had; but where the log is damaged, SQLite would delete what is behind the damage.
                if await asyncio.to_thread(looks_whole, self._journal, self._key):
                    await self._reopen()
                raise
            await self._reopen()
            if self._root:
                await self.keep_pages(self._root)  # the file is another, with another salt
            self._mending = None
            self._failed = None
            _tell(rescue)
        except Exception as error:
            reason = str(error) if isinstance(error, JournalError) else type(error).__name__
            self._failed = error.facts.get("reason", reason) if isinstance(error, JournalError) else reason
            log.critical("damaged journal cannot be rescued", extra={"action": "rescue_failed", "reason": reason})
        finally:
            self._mending = None

    async def _reopen(self) -> None:
        engine = await Engine.open(self._journal, self._key, self._on_commit, reserve=self._reserve)
        try:
            if ids := engine.told_paper:  # as at a start: what came to light of them is held before anything is sent
                await engine.write(hold_told_paper, ids)
                await engine.forget_paper(ids)
        except BaseException:
            await engine.close()  # and the one before stays, which is closed: who asks next begins again
            raise
        self._engine = engine
        for ring in self._bells:
            engine.on_trouble(ring)


def _tell(rescue: Rescue | None) -> None:
    if rescue is not None:
        log.critical("damaged journal rescued", extra={"action": "rescued", **asdict(rescue)})


def _now() -> int:
    # The one time the store asks for itself: when a page turns out to be damaged is nobody's argument.
    return time.time_ns() // 1_000_000

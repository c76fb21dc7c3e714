"""What the tests of the store share."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from store.file.connection import open_writer
from store.file.engine import Engine
from store.journal import Journal
from store.outages import Outage, Seen
from store.queries import Db
from store.records import Admission, NewRecord, Recorded

KEY = bytes(range(32))
NOON = 1_627_626_600_000  # 30 July 2021, 12:00 in Rudrapur

MakeRecord = Callable[..., NewRecord]
Opened = TypeVar("Opened", Engine, Journal)


def seen_at(wall: int) -> Seen:
    """A row seen at a time by a clock that nobody set, in a boot in which a second is a second."""
    return Seen(wall, wall, "this boot", wall / 1000)


def never_holds(_: Outage) -> bool:
    """Any outage may come back as a flap."""
    return False


class Closing(Protocol):
    async def __call__(self, opening: Awaitable[Opened]) -> Opened: ...


def kept(admission: Admission) -> Recorded:
    """What came of a write that there is no reason not to keep."""
    assert isinstance(admission, Recorded)
    return admission


@contextmanager
def new_journal() -> Iterator[Db]:
    """A journal for one example: verbs on one connection, not made durable."""
    with tempfile.TemporaryDirectory() as folder:
        db = open_writer(Path(folder) / "journal.db", KEY)
        db.execute("PRAGMA synchronous = OFF")
        try:
            yield db
        finally:
            db.close()

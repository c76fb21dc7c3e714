"""What the tests of the store share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from store.engine import Engine
from store.journal import Journal
from store.records import NewRecord

KEY = bytes(range(32))
NOON = 1_627_626_600_000  # 30 July 2021, 12:00 in Rudrapur

MakeRecord = Callable[..., NewRecord]
Opened = TypeVar("Opened", Engine, Journal)


class Closing(Protocol):
    async def __call__(self, opening: Awaitable[Opened]) -> Opened: ...

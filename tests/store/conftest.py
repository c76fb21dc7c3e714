from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from store.file.connection import open_writer
from store.journal import Journal
from store.queries import Db
from store.records import NewRecord
from tests.store.helpers import KEY, NOON, Closing, MakeRecord, Opened


@pytest.fixture
def key() -> bytes:
    return KEY


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
async def journal(path: Path) -> AsyncIterator[Journal]:
    opened = await Journal.open(path, KEY)
    yield opened
    await opened.close()


@pytest.fixture
async def closing() -> AsyncIterator[Closing]:
    """Close at the end what a test opens: its threads would keep a test that failed from ending."""
    async with AsyncExitStack() as stack:

        async def remember(opening: Awaitable[Opened]) -> Opened:
            opened = await opening
            stack.push_async_callback(opened.close)
            return opened

        yield remember


@pytest.fixture
def db(path: Path) -> Iterator[Db]:
    """A journal without its engine: verbs and raw SQL on one connection."""
    opened = open_writer(path, KEY)
    yield opened
    opened.close()


@pytest.fixture
def make() -> MakeRecord:
    """Make records nobody has seen: a new id and, unless given, a lane of its own."""
    numbers = itertools.count(1)

    def new(
        *,
        lanes: tuple[bytes, ...] | None = None,
        at: int = NOON,
        group: str = "vaccinator",
        route: str = "vaccinate",
        principal: bytes | None = None,
        body: bytes = b'{"beneficiary_reference_id":"48448366834980","dose":1}',
    ) -> NewRecord:
        own = next(numbers).to_bytes(16)
        return NewRecord(
            id=own,
            route=route,
            group=group,
            lanes=(own,) if lanes is None else lanes,
            method="POST",
            target="/api/v2/vaccinator/beneficiaries/vaccinate?x=%2F",
            headers=b"Content-Type: application/json\r\n",
            body=body,
            recorded_at=at,
            principal=principal,
        )

    return new

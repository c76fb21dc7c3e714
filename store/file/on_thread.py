"""Whole functions on a connection's own thread: the one place that reaches past aiosqlite's statement-at-a-time methods."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiosqlite

from store.queries import Db


async def connect(opener: Callable[[], Db]) -> aiosqlite.Connection:
    """Return a connection with a thread of its own. Raises what *opener* raises; then no thread is left behind."""
    # Opened before aiosqlite gets it: after a connector that raised, aiosqlite's thread outlives the error and may meet a closed loop.
    db = await asyncio.to_thread(opener)
    return await aiosqlite.Connection(lambda: db, iter_chunk_size=64)


async def on_thread(connection: aiosqlite.Connection, function: Callable[..., Any], *args: object) -> Any:  # noqa: ANN401 - its value
    """Run *function* with the database and *args* on the connection's thread, and return its value."""
    # aiosqlite's public methods run one statement each, and between two of them another task's statement may run. A whole
    # transaction as one function on the connection's thread is what makes it one; only this private method runs a function there.
    return await connection._execute(function, connection._conn, *args)  # type: ignore[no-untyped-call]  # noqa: SLF001

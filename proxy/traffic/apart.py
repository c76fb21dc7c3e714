"""Work on a large body apart from the event loop, one at a time: the other desks are answered meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

LARGE: Final = 32 * 1024
"""Bytes; the worst that fits takes some 25 ms, the worst megabyte 0.3 s. A dose has one or two thousand."""

_ONE: Final = ThreadPoolExecutor(1, thread_name_prefix="large-body")  # more would only take the interpreter's lock from each other

P = ParamSpec("P")
T = TypeVar("T")


async def apart(size: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what *work* on *size* bytes returns: at once where they are few, else from a thread of its own."""
    if size <= LARGE:
        return work(*args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_ONE, lambda: work(*args, **kwargs))

"""
What each operation does: the admin API serves this table, and a command acts on it by itself where no service runs.

A test holds it equal to `proxy.operations.places`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from proxy.operations import holding, outages, records, replay, status
from proxy.operations.asked import HoldAsked, NothingAsked, RecordAsked, RecordsAsked, ReleaseAsked, ReplayAsked, parsed
from proxy.operations.centre import Centre

Act = Callable[[Centre, Mapping[str, object]], Awaitable[Any]]


async def _status(centre: Centre, asked: Mapping[str, object]) -> object:
    parsed(NothingAsked, asked)
    return await status.status(centre)


async def _records(centre: Centre, asked: Mapping[str, object]) -> object:
    wanted = parsed(RecordsAsked, asked)
    return await records.listed(centre, wanted, wanted.limit)


async def _record(centre: Centre, asked: Mapping[str, object]) -> object:
    wanted = parsed(RecordAsked, asked)
    return await records.shown(centre, wanted.key, body=wanted.body)


async def _outages(centre: Centre, asked: Mapping[str, object]) -> object:
    parsed(NothingAsked, asked)
    return await outages.listed(centre)


async def _hold(centre: Centre, asked: Mapping[str, object]) -> object:
    wanted = parsed(HoldAsked, asked)
    return await holding.hold(centre, wanted.until, wanted.reason, wanted.by)


async def _release(centre: Centre, asked: Mapping[str, object]) -> object:
    return await holding.release(centre, parsed(ReleaseAsked, asked).by)


async def _replay(centre: Centre, asked: Mapping[str, object]) -> object:
    return await replay.begin(centre, parsed(ReplayAsked, asked))


async def _progress(centre: Centre, asked: Mapping[str, object]) -> object:
    parsed(NothingAsked, asked)
    return await replay.progress(centre)


ACTS: Final[Mapping[str, Act]] = {
    "status": _status,
    "records": _records,
    "search": _records,
    "record": _record,
    "outages": _outages,
    "hold": _hold,
    "release": _release,
    "replay": _replay,
    "progress": _progress,
}
"""Each takes what was asked, held against its model in `proxy.operations.asked`; raises what is in `proxy.operations.errors`."""

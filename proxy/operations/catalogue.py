"""
What each operation does: the admin API serves this table, and a command acts on it by itself where no service runs.

A test holds it equal to `proxy.operations.places`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from proxy.operations import (
    audit,
    backup,
    bundle,
    editing,
    export,
    held,
    holding,
    journal,
    outage_report,
    outages,
    reads,
    records,
    repair,
    replay,
    status,
)
from proxy.operations.asked import (
    AnnotateAsked,
    AuditAsked,
    BackupAsked,
    DiscardAsked,
    EditAsked,
    ExportAsked,
    HoldAsked,
    ManyAsked,
    NothingAsked,
    OutagesAsked,
    PurgeReadsAsked,
    RecordAsked,
    RecordsAsked,
    ReleaseAsked,
    ReplayAsked,
    ReportAsked,
    SettleAsked,
    parsed,
)
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
    return await outages.listed(centre, parsed(OutagesAsked, asked))


async def _report(centre: Centre, asked: Mapping[str, object]) -> object:
    return await outage_report.report(centre, parsed(ReportAsked, asked))


async def _annotate(centre: Centre, asked: Mapping[str, object]) -> object:
    return await outages.annotate(centre, parsed(AnnotateAsked, asked))


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


async def _held(centre: Centre, asked: Mapping[str, object]) -> object:
    parsed(NothingAsked, asked)
    return await held.grouped(centre)


async def _edit(centre: Centre, asked: Mapping[str, object]) -> object:
    return await editing.edit(centre, parsed(EditAsked, asked))


async def _settle(centre: Centre, asked: Mapping[str, object]) -> object:
    return await repair.settle(centre, parsed(SettleAsked, asked))


async def _retry(centre: Centre, asked: Mapping[str, object]) -> object:
    return await repair.retry(centre, parsed(ManyAsked, asked))


async def _discard(centre: Centre, asked: Mapping[str, object]) -> object:
    return await repair.discard(centre, parsed(DiscardAsked, asked))


async def _audit(centre: Centre, asked: Mapping[str, object]) -> object:
    wanted = parsed(AuditAsked, asked)
    return await audit.listed(centre, wanted.after, wanted.limit, wanted.record)


async def _verify(centre: Centre, asked: Mapping[str, object]) -> object:
    parsed(NothingAsked, asked)
    return await audit.verified(centre)


async def _check_journal(centre: Centre, asked: Mapping[str, object]) -> object:
    parsed(NothingAsked, asked)
    return await journal.checked(centre)


async def _export(centre: Centre, asked: Mapping[str, object]) -> object:
    return await export.export(centre, parsed(ExportAsked, asked))


async def _backup(centre: Centre, asked: Mapping[str, object]) -> object:
    return await backup.back_up(centre, parsed(BackupAsked, asked))


async def _support(centre: Centre, asked: Mapping[str, object]) -> object:
    parsed(NothingAsked, asked)
    return await bundle.facts(centre)


async def _purge_reads(centre: Centre, asked: Mapping[str, object]) -> object:
    return await reads.purge(centre, parsed(PurgeReadsAsked, asked))


ACTS: Final[Mapping[str, Act]] = {
    "status": _status,
    "records": _records,
    "search": _records,
    "record": _record,
    "held": _held,
    "edit": _edit,
    "settle": _settle,
    "retry": _retry,
    "discard": _discard,
    "audit": _audit,
    "verify": _verify,
    "export": _export,
    "outages": _outages,
    "report": _report,
    "annotate": _annotate,
    "hold": _hold,
    "release": _release,
    "replay": _replay,
    "check-journal": _check_journal,
    "progress": _progress,
    "backup": _backup,
    "support": _support,
    "purge-reads": _purge_reads,
}
"""Each takes what was asked, held against its model in `proxy.operations.asked`; raises what is in `proxy.operations.errors`."""

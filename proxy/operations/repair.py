"""
What a person may decide about records: edit, retry, settle, discard.

Each decision compares the record as it was read here with the record as it is when it is written, and is in the audit. One that was
taken before is not taken again, and is no error.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from ulid import ULID

from proxy.operations.asked import Deciding, DiscardAsked, ManyAsked, SettleAsked
from proxy.operations.centre import Centre
from proxy.operations.errors import Unfit
from proxy.operations.obstacles import in_words
from proxy.operations.records import chosen, found
from store.decisions import Act, Decided, Decision, NotDecided
from store.records import Record, RecordState

log = logging.getLogger(__name__)

AT_ONCE: Final = 200
"""Decisions under way together: they share commits, and a desk's record waits for so many at most."""

_S = RecordState
_Decide = Callable[[Record], Awaitable[dict[str, Any]]]


async def retry(centre: Centre, asked: ManyAsked) -> dict[str, Any]:
    """Let records be sent at once or, where a send may have got through, be looked up. Raises Unfit, NotThere."""
    act = as_act(asked)
    return await _each(centre, asked, lambda record: retried(centre, record, act))


async def discard(centre: Centre, asked: DiscardAsked) -> dict[str, Any]:
    """Give records up; the youngest first, so that who waits goes before whom they wait for. Raises Unfit, NotThere."""
    act = as_act(asked)

    async def discarded(record: Record) -> dict[str, Any]:
        if record.state is _S.DISCARDED:
            return unchanged(record)
        return told(record, "discard", await centre.journal.discard(record, act, centre.clock.wall()))

    return await _each(centre, asked, discarded, youngest_first=True)


async def settle(centre: Centre, asked: SettleAsked) -> dict[str, Any]:
    """
    Take a person's word that the server has a record. What waits for the person whom it registers then goes up under their real id.

    Raises:
        NotThere: no record has this number or id.
        Unfit: the reference is an id that we gave out ourselves.
    """
    record = await found(centre, asked.key)
    if record.state is _S.DELIVERED:
        return unchanged(record)
    if await centre.journal.identities([asked.reference]):
        raise Unfit("reference: this is an id of dosekeeper's own, which the server does not know; give the one that the server gave")
    learnt = centre.persons.learnt(record, asked.reference, adopted=True)
    decision = await centre.journal.settle_by_person(record, asked.reference, as_act(asked), centre.clock.wall(), learnt=learnt)
    wake(centre)
    return told(record, "settle", decision)


async def retried(centre: Centre, record: Record, act: Act) -> dict[str, Any]:
    """Retry one record; one that goes up by itself is left alone."""
    now = centre.clock.wall()
    backs_off = record.due_at > now
    vouched = act.word and record.maybe_applied
    if record.state in (_S.SENDING, _S.DELIVERED) or (record.state in (_S.PENDING, _S.UNKNOWN) and not backs_off and not vouched):
        return unchanged(record)
    return told(record, "retry", await centre.journal.retry(record, act, now))


def as_act(asked: Deciding) -> Act:
    """Return who decides, and why, as the journal takes it."""
    return Act(asked.by, asked.reason, asked.word)


def unchanged(record: Record) -> dict[str, Any]:
    """Return what is told of a decision that makes no difference any more."""
    return _result(record, record.state, record.revision, changed=False)


def told(record: Record, action: str, decision: Decision) -> dict[str, Any]:
    """Return what is told of a decision."""
    match decision:
        case Decided():
            log.info("decided", extra={"action": action, "number": record.number, "state": decision.state.value})
            return _result(record, decision.state, decision.revision, changed=True)
        case NotDecided():
            return _result(record, decision.state or record.state, record.revision, changed=False, refusal=decision)


def wake(centre: Centre) -> None:
    """Let replay look at what is due."""
    if centre.traffic is not None:
        centre.traffic.replayer.wake.ring()


def _result(record: Record, state: RecordState, revision: int, *, changed: bool, refusal: NotDecided | None = None) -> dict[str, Any]:
    return {
        "id": str(ULID(record.id)),
        "number": record.number,
        "state": state.value,
        "revision": revision,
        "done": refusal is None,
        "changed": changed,
        "why_not": None if refusal is None else in_words(refusal),
        "obstacle": None if refusal is None else refusal.obstacle.value,
        "other": None if refusal is None else refusal.other,
    }


async def _each(centre: Centre, asked: ManyAsked, decide: _Decide, *, youngest_first: bool = False) -> dict[str, Any]:
    records = await _wanted(centre, asked)
    preview = await _preview(centre, records)
    if asked.dry_run:
        return preview | {"results": []}
    ordered = records[::-1] if youngest_first else records
    results: list[dict[str, Any]] = []
    for start in range(0, len(ordered), AT_ONCE):
        results += await asyncio.gather(*map(decide, ordered[start : start + AT_ONCE]))
    wake(centre)
    return preview | {"results": sorted(results, key=lambda result: result["number"])}


async def _wanted(centre: Centre, asked: ManyAsked) -> list[Record]:
    """Return the records of the keys, or the held ones (others only if their state is named) that fit."""
    scope = (asked.state, asked.route, asked.lane, asked.since, asked.outage, asked.cause)
    scoped = any(part not in (None, ()) for part in scope)
    if bool(asked.keys) is scoped:
        raise Unfit("Say which records: their numbers, or what they have in common, such as --cause or --outage; not both")
    if asked.keys:
        by_number = {record.number: record for record in [await found(centre, key) for key in asked.keys]}
        return [by_number[number] for number in sorted(by_number)]
    choice = asked if asked.state else asked.model_copy(update={"state": (_S.HELD,)})
    return [record async for record in chosen(centre, choice)]


async def _preview(centre: Centre, records: Sequence[Record]) -> dict[str, Any]:
    numbers = [record.number for record in records]
    return {
        "records": len(records),
        "persons": await centre.journal.count_persons(numbers),
        "routes": dict(Counter(record.route for record in records)),
        "states": dict(Counter(record.state.value for record in records)),
        "numbers": numbers,
    }

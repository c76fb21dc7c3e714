"""An edit of a record: what it would say, held against the profile as a desk's request is, and whom it would then concern."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ulid import ULID

from proxy.operations.asked import EditAsked
from proxy.operations.centre import Centre
from proxy.operations.errors import InTheWay, Unfit
from proxy.operations.records import found
from proxy.operations.repair import as_act, told, unchanged, wake
from proxy.rules.admission import Inadmissible, admit
from proxy.rules.edits import Change, Unsettable, edited
from proxy.rules.fields import from_block, to_block, with_key, with_length
from proxy.rules.routes import Match
from store.decisions import Edited, NotDecided, Obstacle
from store.records import Record
from store.traces import is_damaged


async def edit(centre: Centre, asked: EditAsked) -> dict[str, Any]:
    """
    Let a record say something else, and queue it; with `dry_run` only tell what would change.

    Raises:
        NotThere: no record has this number or id.
        Unfit: a change cannot be made, or the record would not be one any more.
        InTheWay: the profile does not describe the record's route any more.
    """
    record = await found(centre, asked.key)
    if is_damaged(record):
        return told(record, "edit", NotDecided(record.number, record.state, Obstacle.NOT_WHOLE)) | {"changes": []}
    try:
        body, changes = edited(record.body, asked.set)
    except Unsettable as error:
        raise Unfit(str(error)) from None
    difference = {"changes": [_shown(change) for change in changes]}
    if not changes:
        return unchanged(record) | difference
    new = await _edited(centre, replace(record, headers=_headers(record, body), body=body))
    if asked.dry_run:
        return unchanged(record) | difference
    decision = await centre.journal.edit(record, new, as_act(asked), centre.clock.wall())
    wake(centre)
    return told(record, "edit", decision) | difference


async def _edited(centre: Centre, record: Record) -> Edited:
    persons = centre.persons
    route = persons.profile.route(record.route)
    if route is None:
        raise InTheWay(f"The profile has no route {record.route} any more. Put it back, then try again.")
    known = await persons.resolve(route, record.target, record.headers, record.body)
    if known is None:
        raise Unfit("An id in it was not given out here, or stands where the profile declares no person's id")
    params = persons.view(record, record.target, record.body)["path"]
    admission = admit(Match(route, params), record.method, record.target, from_block(record.headers), record.body, known.real_ids)
    if isinstance(admission, Inadmissible):
        raise Unfit(f"It could not be recorded like that: {admission.detail}")
    facts = admission.facts
    lanes, key, content = persons.lanes(facts), persons.natural_key(route, facts), persons.content(facts)
    return Edited(record.target, record.headers, record.body, lanes, key, content, known.awaits, persons.topics(route, admission.view))


def _headers(record: Record, body: bytes) -> bytes:
    return to_block(with_key(with_length(from_block(record.headers), len(body)), str(ULID())))


def _shown(change: Change) -> dict[str, Any]:
    return {"path": change.path, "old": change.old, "new": change.new}

"""The outage ledger as an operator sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, Final

from proxy.operations.asked import AnnotateAsked, OutagesAsked
from proxy.operations.centre import Centre
from proxy.operations.errors import NotThere
from proxy.operations.times import rfc3339
from proxy.rules.outage import lasted_ms
from proxy.rules.stamps import Stamp
from store.outage_ledger import OutageFilter
from store.outages import Note, Outage

ALL: Final = OutagesAsked(kind="all")


async def listed(centre: Centre, asked: OutagesAsked = ALL) -> list[dict[str, Any]]:
    """
    Return every row of the ledger that fits, oldest first; the keys of DESIGN §9, and more.

    `kind` is `down`, `slow` or `planned`; `duration_s` of one that runs is counted up to now. It began within `began_between` and ended
    within `ended_between`, of which null is not known.
    """
    found = await rows(centre, OutageFilter(groups=asked.group, since=asked.since))
    return await lines(centre, [row for row in found if asked.kind in ("all", row.kind)], centre.clock.stamp())


async def rows(centre: Centre, wanted: OutageFilter) -> list[Outage]:
    """Return all rows that fit, oldest first."""
    found: list[Outage] = []
    while page := await centre.journal.outages(replace(wanted, after=found[-1].id if found else 0)):
        found += page
    return found


async def lines(centre: Centre, found: Sequence[Outage], now: Stamp) -> list[dict[str, Any]]:
    """Return rows as JSON-able values, with what persons noted of them."""
    notes = await centre.journal.outage_notes([row.id for row in found])
    of = {id_: list(own) for id_, own in groupby(sorted(notes, key=lambda note: note.outage), key=lambda note: note.outage)}
    return [_line(row, now, of) for row in found]


async def annotate(centre: Centre, asked: AnnotateAsked) -> dict[str, Any]:
    """
    Add what a person knows better of an outage; the ledger's own words stay.

    Raises:
        NotThere: there is no outage of that id.
    """
    note = Note(asked.key, centre.clock.wall(), asked.by, asked.reason, asked.cause, asked.scope)
    if not await centre.journal.annotate(note):
        raise NotThere(f"There is no outage {asked.key}; their ids are in: dosekeeper outages list")
    return _note(note)


def _line(outage: Outage, now: Stamp, notes: Mapping[int, Sequence[Note]]) -> dict[str, Any]:
    return {
        "id": outage.id,
        "group": outage.group,
        "started_at": rfc3339(outage.started_at),
        "detected_at": rfc3339(outage.detected_at),
        "ended_at": rfc3339(outage.ended_at),
        "duration_s": lasted_ms(outage, now) / 1000,
        "cause": outage.cause,
        "scope": outage.scope,
        "flaps": outage.flaps,
        "recorded": outage.recorded,
        "drained_at": rfc3339(outage.drained_at),
        "unobserved_s": outage.unobserved_ms / 1000,
        "clock_doubtful": outage.clock_doubtful,
        "kind": outage.kind,
        "began_between": [rfc3339(outage.good_before_at), rfc3339(outage.first_bad_at)],
        "ended_between": [rfc3339(outage.last_asked_at), rfc3339(outage.ended_at)],
        "first_error": outage.first_error,
        "last_error": outage.last_error,
        "longest_wait_s": outage.longest_wait_ms / 1000,
        "slow_share": outage.slow_calls / outage.calls if outage.calls else None,
        "notes": [_note(note) for note in notes.get(outage.id, ())],
    }


def _note(note: Note) -> dict[str, Any]:
    return {"at": rfc3339(note.at), "by": note.by, "reason": note.reason, "cause": note.cause, "scope": note.scope}

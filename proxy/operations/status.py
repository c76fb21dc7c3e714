"""How the centre stands, as JSON-able values."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from proxy.operations.centre import Centre
from proxy.operations.groups import group_is_down, groups, is_down
from proxy.operations.health import recording
from proxy.operations.log_ins import needing
from proxy.operations.look_ups import failing
from proxy.operations.reads import coverage, remembered
from proxy.operations.times import rfc3339
from proxy.rules.outage import lasted_ms
from proxy.rules.stamps import Stamp
from store.copies import Restored
from store.file.originals import Original
from store.operator_hold import OperatorHold
from store.outages import Outage
from store.records import OPEN_STATES
from store.rescue import Rescue
from store.snapshot import Snapshot


async def status(centre: Centre) -> dict[str, Any]:
    """
    Return the keys of DESIGN §9, and more.

    `upstream` is `down` while a group with a record route is open or half-open, else `held` while an operator's hold is in force, else
    `up`. Without running traffic it is what the outage ledger last knew, as of `as_of`, and `service` is false.
    """
    stamp = centre.clock.stamp()
    snapshot = await centre.snapshot()
    hold = in_force(snapshot.hold, stamp.wall)
    return {
        **in_short(centre, snapshot, stamp),
        "service": centre.traffic is not None and not centre.traffic.narrowed,
        "as_of": None if centre.traffic is not None else rfc3339(await _last_watched(centre, stamp.wall)),
        "recording": recording(centre),
        "hold": None if hold is None else hold_value(hold),
        "groups": [_group(centre, group, snapshot, stamp) for group in groups(centre)],
        "next_deadline_at": rfc3339(snapshot.next_deadline_at),
        "past_deadline": snapshot.past_deadline,
        "restored": _restored(centre.journal.restored),
        "needs_log_in": await needing(centre, snapshot, stamp.wall),
        "look_ups_fail": await failing(centre),
        "credential": _credential(centre),
        "clock": _clock(centre),
        "damage": [rescue_value(rescue) for rescue in snapshot.rescues],
        "originals": [original_value(original) for original in await centre.journal.originals()],
        "remembered": await remembered(centre),
        "coverage": await coverage(centre),
    }


async def _last_watched(centre: Centre, now: int) -> int | None:
    """Return until when anybody looked how the server is, wall-clock milliseconds UTC; None where nobody ever did."""
    return max((watch.seen_at for watch in await centre.journal.watches(0, now)), default=None)


def in_short(centre: Centre, snapshot: Snapshot, now: Stamp) -> dict[str, Any]:
    """Return what client software may know too: no group, nobody's name."""
    running = sorted((o.running for o in snapshot.outages.values() if o.running is not None), key=lambda outage: outage.started_at)
    hold = in_force(snapshot.hold, now.wall)
    return {
        "upstream": "down" if is_down(centre, snapshot) else "held" if hold else "up",
        "outage": _running(running[0], now) if running else None,
        "records": {state.value: count for state, count in snapshot.records.items()},
        "oldest_unsent_at": rfc3339(snapshot.oldest_unsent_at),
        "all_confirmed": not any(snapshot.records[state] for state in OPEN_STATES),
    }


def in_force(hold: OperatorHold | None, now: int) -> OperatorHold | None:
    """Return *hold* unless it is over; *now* is wall-clock milliseconds UTC."""
    return None if hold is None or (hold.until is not None and hold.until <= now) else hold


def hold_value(hold: OperatorHold) -> dict[str, Any]:
    """Return an operator's hold as a JSON-able value."""
    return {"held_at": rfc3339(hold.held_at), "until": rfc3339(hold.until), "reason": hold.reason, "by": hold.by}


def rescue_value(rescue: Rescue) -> dict[str, Any]:
    """Return what was found damaged, and what became of it, as a JSON-able value."""
    return asdict(rescue) | {"at": rfc3339(rescue.at)}


def original_value(original: Original) -> dict[str, Any]:
    """Return a damaged original that is kept beside the journal as a JSON-able value."""
    return {"name": original.file.name, "at": rfc3339(original.at), "bytes": original.size_bytes}


def _clock(centre: Centre) -> dict[str, Any]:
    """Return how the clock stands: by the upstream's where a service has heard that, `offset_s` above 0 where ours is ahead."""
    watch = centre.traffic.watch if centre.traffic else None
    offset_s, doubt = (watch.offset_s(), watch.doubt()) if watch else (None, None)
    return {
        "offset_s": None if offset_s is None else round(offset_s, 1),
        "doubtful": doubt is not None,
        "reason": None if doubt is None else str(doubt),
    }


def _credential(centre: Centre) -> dict[str, Any] | None:
    if centre.traffic is None or not centre.traffic.credentials.own.configured:
        return None
    wrong = centre.traffic.credentials.own.wrong
    return {"ok": wrong is None, "reason": wrong}


def _group(centre: Centre, group: str, snapshot: Snapshot, now: Stamp) -> dict[str, Any]:
    known = snapshot.outages.get(group)
    running = None if known is None else known.running
    phase = centre.traffic.circuits.watched(group).circuit.phase if centre.traffic else None
    return {
        "group": group,
        "records": group in centre.record_groups(),
        "upstream": "down" if group_is_down(centre, group, snapshot) else "up",
        "circuit": None if phase is None else phase.value,
        "outage": None if running is None else _running(running, now),
    }


def _restored(copy: Restored | None) -> dict[str, Any] | None:
    """Return since when the journal is a copy; `copied_at` is null where it was copied by hand."""
    if copy is None:
        return None
    times = {"at": rfc3339(copy.at), "copied_at": rfc3339(copy.copied_at)}
    return {**times, "last_number": copy.last_number, "next_number": copy.next_number}


def _running(outage: Outage, now: Stamp) -> dict[str, Any]:
    return {
        "started_at": rfc3339(outage.started_at),
        "duration_s": lasted_ms(outage, now) / 1000,
        "cause": outage.cause,
        "scope": outage.scope,
    }

"""
Replay as an operator's act.

The service sends the backlog by itself; what is asked for here does not wait for its own back-off any longer, and its progress is told.
The order within a person, the pace and this centre's start slot stay as they are: they protect the server from all centres at once.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from proxy.operations.asked import ReplayAsked
from proxy.operations.centre import Centre
from proxy.operations.chosen import facts, looked_at_again, unsent
from proxy.operations.errors import InTheWay, Unfit
from proxy.operations.repair import retried
from proxy.operations.runs import Run
from proxy.operations.times import rfc3339
from proxy.operations.waiting import Why, moving, why
from store.decisions import Act
from store.record_search import UNSENT_STATES
from store.records import Record, RecordState

log = logging.getLogger(__name__)

LOOK_S: Final = 1.0
"""Time between two looks at how a replay gets on."""

DOWN_PATIENCE_S: Final = 20.0
"""How long a replay waits for a server that is down; the next one (or the service) sends the rest."""


async def begin(centre: Centre, asked: ReplayAsked) -> dict[str, Any]:
    """
    Begin a replay, in place of one that is under way, and return its progress; for a dry run, return what it would send.

    Raises:
        Unfit: a state is asked for in which nothing is sent, or held records by nobody.
        InTheWay: nothing here can send.
    """
    records = await unsent(centre, asked)
    if asked.dry_run:
        return await _plan(centre, records)
    if centre.traffic is None:
        raise InTheWay("Nothing here can send. Start the service: dosekeeper serve")
    if any(record.state is RecordState.HELD for record in records):
        records = await _tried_again(centre, records, asked.by)
    numbers = frozenset(record.number for record in records)
    now = centre.clock.monotonic()
    if centre.traffic.narrowed:
        centre.traffic.replayer.chosen = lambda record: record.number in numbers
    await _end_back_off(centre, records)
    centre.traffic.replays.begin(Run(asked, numbers, centre.clock.wall(), now), asked.rate, now)
    centre.traffic.replayer.wake.ring()
    log.info("replay begun", extra={"action": "replay", "records": len(numbers)})
    return await progress(centre)


async def _tried_again(centre: Centre, records: Sequence[Record], by: str | None) -> list[Record]:
    """Retry the held ones; return those that can go up, the others wait for another decision."""
    if by is None:
        raise Unfit("by: who lets held records be tried again?")
    act = Act(by, "replay")
    return [record for record in records if record.state is not RecordState.HELD or (await retried(centre, record, act))["done"]]


async def progress(centre: Centre) -> dict[str, Any]:
    """Return how the latest replay stands; `chosen` is 0 where none has been asked for since the start."""
    run = centre.traffic.replays.run if centre.traffic else None
    if run is None:
        return _progress(None, (), Counter())
    records = await looked_at_again(centre, run.choice, run.numbers)
    return _progress(run, records, await _reasons(centre, records))


async def step(centre: Centre) -> float | None:
    """Look how the replay gets on and end it when it is over; return seconds until the next look, None where none is running."""
    replays = centre.traffic.replays if centre.traffic else None
    if replays is None or replays.run is None or replays.run.ended_at is not None:
        return None
    run, now = replays.run, centre.clock.monotonic()
    reasons = await _reasons(centre, await looked_at_again(centre, run.choice, run.numbers))
    if moving(reasons):
        run.moved_at = now
    elif Why.SERVER_DOWN not in reasons or now - run.moved_at >= DOWN_PATIENCE_S:
        replays.end(centre.clock.wall(), now)
        log.info("replay ended", extra={"action": "replay_ended", "records": len(run.numbers), "unsent": reasons.total()})
        return None
    return LOOK_S


async def _plan(centre: Centre, records: Sequence[Record]) -> dict[str, Any]:
    known = await facts(centre, list(records))
    return {
        "records": len(records),
        "lanes": sum(record.number in known.heads for record in records),
        "routes": dict(Counter(record.route for record in records)),
        "waiting": _by_reason(why(record, known) for record in records),
        "order": [_planned(record, why(record, known)) for record in records],
    }


def _planned(record: Record, reason: Why) -> dict[str, Any]:
    return {"number": record.number, "route": record.route, "recorded_at": rfc3339(record.recorded_at), "waits_for": reason.value}


def _progress(run: Run | None, records: Sequence[Record], reasons: Counter[Why]) -> dict[str, Any]:
    states = Counter(record.state for record in records)
    return {
        "running": run is not None and run.ended_at is None,
        "began_at": None if run is None else rfc3339(run.began_at),
        "ended_at": None if run is None else rfc3339(run.ended_at),
        "chosen": 0 if run is None else len(run.numbers),
        "states": {state.value: states[state] for state in RecordState},
        "waiting": _by_reason(reasons.elements()),
    }


async def _reasons(centre: Centre, records: Iterable[Record]) -> Counter[Why]:
    left = [record for record in records if record.state in UNSENT_STATES]
    known = await facts(centre, left)
    return Counter(why(record, known) for record in left)


def _by_reason(reasons: Iterable[Why]) -> dict[str, int]:
    return {reason.value: count for reason, count in Counter(reasons).most_common()}


async def _end_back_off(centre: Centre, records: Iterable[Record]) -> None:
    """Let what waits after a failure of its own, or of its look-up, be tried now."""
    now = centre.clock.wall()
    for record in records:
        if record.state in (RecordState.PENDING, RecordState.UNKNOWN) and record.due_at > now:
            await centre.journal.postpone(record.number, record.state, 0)

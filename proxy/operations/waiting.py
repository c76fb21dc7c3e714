"""Why a record has not gone up yet, and whether waiting will help. Pure: the facts are arguments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from store.records import Record, RecordState


class Why(StrEnum):
    """What a record that is not sent waits for."""

    READY = "ready"
    """Nothing: it goes up as soon as the pace allows."""
    SENDING = "sending"
    """The answer to a send under way."""
    STARTING = "starting"
    """The server is just coming back, or this centre's start slot is still to come."""
    BACKING_OFF = "backing-off"
    """Its own next try, after a failure of its own."""
    SERVER_DOWN = "server-down"
    """The server."""
    HOLD = "hold"
    """The operator's release."""
    LOG_IN = "log-in"
    """Somebody's log-in at a desk: it goes up with a client's credential, and none of that client's is at hand."""
    CREDENTIAL = "credential"
    """The sidecar's own token, which is not to be had."""
    LOOK_UP_FAILS = "look-up-fails"
    """The answer to its look-up: the server fails again and again when it is asked for this record."""
    UNDECIDED = "undecided"
    """A decision: the server may have it already."""
    HELD = "held"
    """A person's decision to try it again: this replay."""
    BEHIND = "behind"
    """An older record of the same person."""


MOVES: Final = frozenset({Why.READY, Why.SENDING, Why.STARTING, Why.BACKING_OFF})
"""These pass by themselves, soon."""


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What the reasons are judged by.

    `down` and `starting` are groups; `principals` those whose credential is at hand; `heads` the numbers of the records that nothing
    older precedes; `now` is wall-clock milliseconds UTC. `lacking`: the sidecar has no token of its own although it should. `failing`: the
    numbers of those whose look-up fails again and again.
    """

    held: bool
    down: frozenset[str]
    starting: frozenset[str]
    principals: frozenset[bytes]
    heads: frozenset[int]
    now: int
    lacking: bool = False
    failing: frozenset[int] = frozenset()


def why(record: Record, facts: Facts) -> Why:  # noqa: PLR0911 - one reason, one return
    """Return what an unsent *record* waits for; of several things the one that lasts longest."""
    if record.state is RecordState.HELD:
        return Why.HELD
    if record.state is RecordState.UNKNOWN:
        return Why.LOOK_UP_FAILS if record.number in facts.failing else Why.UNDECIDED
    if record.state is RecordState.SENDING:
        return Why.SENDING
    if record.number not in facts.heads:
        return Why.BEHIND
    if record.principal is not None and record.principal not in facts.principals:
        return Why.LOG_IN
    if facts.held:
        return Why.HOLD
    if facts.lacking:
        return Why.CREDENTIAL
    if record.group in facts.down:
        return Why.SERVER_DOWN
    if record.group in facts.starting:
        return Why.STARTING
    if record.number in facts.failing:
        return Why.LOOK_UP_FAILS
    return Why.BACKING_OFF if record.due_at > facts.now else Why.READY


def moving(reasons: Iterable[Why]) -> bool:
    """Whether any of the records will go up without anybody's doing."""
    return not MOVES.isdisjoint(reasons)

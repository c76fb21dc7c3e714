"""
What a record is: the states it can be in, and the ways between them.

Pure types; every other module may import them. The database enforces the same table of transitions (a test holds the two equal).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class RecordState(StrEnum):
    """Where a record stands (DESIGN §4)."""

    PENDING = "pending"
    """Kept, to be sent."""
    SENDING = "sending"
    """A send is under way; durable before the first byte."""
    UNKNOWN = "unknown"
    """May have been processed; so is every `sending` found at start."""
    HELD = "held"
    """Waits for a person."""
    DELIVERED = "delivered"
    """The server has it."""
    REFUSED = "refused"
    """The server said no, and the client was told or the route passes it by."""
    DISCARDED = "discarded"
    """Given up by a named person with a reason; the row stays."""


_S = RecordState

TRANSITIONS: Final[Mapping[RecordState, frozenset[RecordState]]] = {
    _S.PENDING: frozenset({_S.SENDING, _S.DELIVERED, _S.HELD, _S.DISCARDED}),
    _S.SENDING: frozenset({_S.DELIVERED, _S.REFUSED, _S.PENDING, _S.UNKNOWN, _S.HELD}),
    _S.UNKNOWN: frozenset({_S.DELIVERED, _S.PENDING, _S.HELD}),
    _S.HELD: frozenset({_S.PENDING, _S.UNKNOWN, _S.DELIVERED, _S.DISCARDED}),
    _S.DELIVERED: frozenset({_S.HELD}),
    _S.REFUSED: frozenset(),
    _S.DISCARDED: frozenset(),
}
"""From each state, the states it may go to. The database refuses the rest."""

FIRST_STATES: Final = frozenset({_S.PENDING, _S.SENDING})
"""The states in which a record may be born."""

OPEN_STATES: Final = frozenset({_S.PENDING, _S.SENDING, _S.UNKNOWN, _S.HELD})
"""While a record is in one of these, what is younger in its lanes waits behind it."""


@dataclass(frozen=True, slots=True)
class NewRecord:
    """
    A write to be kept.

    `headers` is the request's header block as it came, `Name: value` lines ended by CRLF, without credential and hop-by-hop fields;
    `target` is path and query as they came, percent-encodings untouched; `lanes` are 16-byte keyed hashes of the persons concerned;
    `recorded_at` is wall-clock milliseconds UTC; `principal` is a keyed hash of who the request's credential stood for, or None.
    """

    id: bytes
    route: str
    group: str
    lanes: tuple[bytes, ...]
    method: str
    target: str = field(repr=False)
    headers: bytes = field(repr=False)
    body: bytes = field(repr=False)
    recorded_at: int
    principal: bytes | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """
    A record as it stands in the journal; times are wall-clock milliseconds UTC.

    `number` is the centre's running number, spoken on the telephone. `attempt` counts the sends begun and is the generation that
    settling compares; `failures` counts those that were the record's own fault and is what its back-off grows with (an outage uses
    up none). `maybe_applied` says whether some send may have got through. `reason` is a short code and text without personal data.
    """

    number: int
    id: bytes
    state: RecordState
    route: str
    group: str
    recorded_at: int
    settled_at: int | None
    due_at: int
    attempt: int
    failures: int
    maybe_applied: bool
    reason: str | None
    principal: bytes | None
    method: str
    target: str = field(repr=False)
    headers: bytes = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a record that was kept: its number, and whether the caller is to send it now (`sending`) or later (`pending`)."""

    number: int
    state: RecordState


@dataclass(frozen=True, slots=True)
class Settlement:
    """
    What one attempt, or one person's act, makes of a record.

    `outcome` is counted in `sends_total` (None: no send was made). `due_at` is the earliest next try, wall-clock milliseconds UTC.
    `failed` says the failure was the record's own. `answer_status` is what the server said, where it said something.
    """

    state: RecordState
    outcome: str | None
    reason: str | None = None
    due_at: int = 0
    failed: bool = False
    maybe_applied: bool = False
    answer_status: int | None = None

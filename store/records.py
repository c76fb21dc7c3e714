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

    `natural_key` is the 16-byte keyed hash of what makes two requests the same fact, `content` the keyed hash of the fields in which
    two tellings of it may differ; `override` says why it is to be kept although the fact is known with other content.
    `idempotency_key` is the 16-byte keyed hash of principal and key, `fingerprint` the hash of the request it came with. `awaits` are
    the provisional ids that it is keyed by. `deadline_at` is until when the server takes it, wall-clock milliseconds UTC.
    `clock_doubt` says why `recorded_at` cannot be believed, None where it can. `same` is a keyed hash: the credential of any principal
    with an equal one may send it.
    `topics` are the keyed hashes by which a look-up finds it.
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
    natural_key: bytes | None = None
    content: bytes = b""
    override: str | None = None
    idempotency_key: bytes | None = None
    fingerprint: bytes = b""
    awaits: tuple[str, ...] = ()
    deadline_at: int | None = None
    clock_doubt: str | None = None
    same: bytes | None = None
    topics: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """
    A record as it stands in the journal; times are wall-clock milliseconds UTC.

    `number` is the centre's running number, spoken on the telephone. `attempt` counts the sends begun and is the generation that
    settling compares; `failures` counts those that were the record's own fault and is what its back-off grows with (an outage uses
    up none). `maybe_applied` says whether some send may have got through. `reason` is a short code and text without personal data.

    `last_sent_at` is when the latest attempt ended (for one that a stop cut off: when that was found), `looked_up_at` when a look-up
    last found nothing. `issues` is the provisional id given with it. `revision` counts a person's edits, from 1. `reference` is that
    by which a person found it at the server. The request of a record that was purged is empty. `clock_doubt` says why `recorded_at`
    cannot be believed.
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
    last_sent_at: int | None = None
    natural_key: bytes | None = None
    deadline_at: int | None = None
    looked_up_at: int | None = None
    issues: str | None = None
    override: str | None = field(default=None, repr=False)
    revision: int = 1
    reference: str | None = field(default=None, repr=False)
    exported_at: int | None = None
    clock_doubt: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """
    What became of a record that was kept: its number, and whether the caller is to send it now (`sending`) or later (`pending`).

    `issues` is the provisional id that it was given.
    """

    number: int
    state: RecordState
    issues: str | None = None


@dataclass(frozen=True, slots=True)
class Same:
    """The request, or its fact with this content, is a record already; nothing was kept."""

    number: int
    id: bytes
    state: RecordState
    issues: str | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """Its fact is a record already, with other content; nothing was kept."""

    number: int
    id: bytes
    state: RecordState


@dataclass(frozen=True, slots=True)
class KeyReused:
    """Its idempotency key came with another request before; nothing was kept."""

    number: int
    id: bytes
    state: RecordState


@dataclass(frozen=True, slots=True)
class Outrun:
    """A provisional id that it is keyed by has become known meanwhile; nothing was kept: key it by the real id and ask again."""

    provisional: str
    real: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NotKept:
    """It would have had to wait behind an older record of its lanes, and was not to wait; nothing was kept."""


Admission = Recorded | Same | Conflict | KeyReused | Outrun | NotKept
"""What comes of a write that is to be kept. All but the first only where the NewRecord has the keys, awaits somebody, or may not wait."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """
    What one attempt, or one person's act, makes of a record.

    `outcome` is counted in `sends_total` (None: no send was made). `due_at` is the earliest next try, wall-clock milliseconds UTC.
    `failed` says the failure was the record's own. `answer_status` is what the server said, where it said something.
    `looked_up`: a look-up found nothing. `cleared`: it is sure now that no send got through (allowed from `pending`, `unknown` and `held`).
    """

    state: RecordState
    outcome: str | None
    reason: str | None = None
    due_at: int = 0
    failed: bool = False
    maybe_applied: bool = False
    answer_status: int | None = None
    looked_up: bool = False
    cleared: bool = False


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What the server answered; `headers` is a block of `Name: value` lines ended by CRLF."""

    status: int
    reason: str
    headers: bytes = field(repr=False)
    body: bytes = field(repr=False)

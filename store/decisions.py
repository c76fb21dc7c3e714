"""What persons may decide about a record, and why a decision is not taken. Pure types."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from store.records import RecordState


@dataclass(frozen=True, slots=True)
class Act:
    """
    Who decides, and why.

    `word`: they vouch that no send got through, and that a second record of one fact is meant; without it the record is looked up, or
    the decision is not taken.
    """

    by: str
    reason: str
    word: bool = False


@dataclass(frozen=True, slots=True)
class Edited:
    """What a record is to say from now on; lanes, natural key, content and awaited ids as in NewRecord."""

    target: str = field(repr=False)
    headers: bytes = field(repr=False)
    body: bytes = field(repr=False)
    lanes: tuple[bytes, ...]
    natural_key: bytes | None
    content: bytes
    awaits: tuple[str, ...] = ()
    topics: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Revision:
    """What a record said before an edit; `replaced_at` is wall-clock milliseconds UTC. What was purged is empty."""

    revision: int
    replaced_at: int
    replaced_by: str
    reason: str
    target: str = field(repr=False)
    headers: bytes = field(repr=False)
    body: bytes = field(repr=False)


class Obstacle(StrEnum):
    """Why a decision is not taken."""

    MOVED_ON = "moved-on"
    """The record is not any more as the person saw it."""
    NOT_FROM_THIS_STATE = "not-from-this-state"
    """In its state nobody can decide this."""
    MAYBE_APPLIED = "maybe-applied"
    """A send may have got through: a look-up, or the person's word, has to say that none did."""
    FACT_IS_KNOWN = "fact-is-known"
    """Another record is the same fact."""
    NOT_WHOLE = "not-whole"
    """A part of it was lost on disk: there is nothing that could be sent."""
    CHILDREN_WAIT = "children-wait"
    """Records of the person that it registers wait behind it."""


@dataclass(frozen=True, slots=True)
class Decided:
    """The decision is taken, and where the record stands now."""

    number: int
    state: RecordState
    revision: int


@dataclass(frozen=True, slots=True)
class NotDecided:
    """Nothing was changed; `state` is where the record stands, `other` the record in the way, if one is."""

    number: int
    state: RecordState | None
    obstacle: Obstacle
    other: int | None = None


Decision = Decided | NotDecided


@dataclass(frozen=True, slots=True)
class HeldGroup:
    """Held records of one route and reason; `oldest_at` is wall-clock milliseconds UTC, `lanes` how many persons they concern."""

    route: str
    reason: str
    count: int
    oldest_at: int
    lanes: int

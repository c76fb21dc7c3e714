"""What is known of the disk, and what follows from it. Pure: times and figures are arguments."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from store.file.room import Room

SLOW_S: Final = 2.0
"""One commit that takes longer than this keeps no desk's record in time (`answering.answer_within` is 3 s by default)."""

FIRST_TRY_S: Final = 0.05
LAST_TRY_S: Final = 1.0

_FULL: Final = 13
_FAILING: Final = frozenset({8, 10, 14})
"""SQLITE_FULL; SQLITE_READONLY, SQLITE_IOERR, SQLITE_CANTOPEN (sqlite.org/rescode.html)."""


class Trouble(StrEnum):
    """What keeps the journal from being written."""

    FULL = "full"
    """The disk took nothing more: nothing of the write is there."""
    FAILING = "failing"
    """The disk gave an error: what was written may come to light after a power cut."""


class Why(StrEnum):
    """Why records can, or cannot, be kept."""

    WELL = "well"
    SHORT = "disk-short"
    FULL = "disk-full"
    FAILING = "disk-failing"
    SLOW = "disk-slow"
    MENDING = "mending"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Standing:
    """How the journal stands. `left` is about how many bytes records may still take, where the disk is short."""

    why: Why
    left: int | None = None

    @property
    def can_record(self) -> bool:
        """Whether a new record can be kept."""
        return self.why in (Why.WELL, Why.SHORT)


def trouble_of(error: BaseException) -> Trouble | None:
    """Return what an error of SQLite's says of the disk; None where it says nothing of it."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest tells which call it was
    if code == _FULL:
        return Trouble.FULL
    return Trouble.FAILING if code in _FAILING else None


def again_s(tries: int) -> float:
    """Return how long to wait after so many failed tries in a row (at least 1) until the next: doubled each time, a second at most."""
    return float(min(LAST_TRY_S, FIRST_TRY_S * 2 ** min(tries - 1, 10)))


def standing(trouble: Trouble | None, under_way_s: float, room: Room, left: int) -> Standing:
    """
    Return how the journal stands.

    Args:
        trouble: What the latest write met.
        under_way_s: For how many seconds the present write has been going on; 0 where there is none.
        room: How much room its disk has.
        left: Bytes that records may still take before the disk counts as full.
    """
    if trouble is Trouble.FAILING:
        return Standing(Why.FAILING)
    if trouble is Trouble.FULL or room is Room.FULL:
        return Standing(Why.FULL)
    if under_way_s > SLOW_S:
        return Standing(Why.SLOW)
    return Standing(Why.SHORT, left) if room is Room.SHORT else Standing(Why.WELL)

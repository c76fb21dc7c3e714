"""How much room the journal has. Pure: sizes are arguments, in bytes."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

LOW_SHARE: Final = 4
"""With less than this part of the reserve free beside it, the reserve is given up for recording."""

FLOOR_SHARE: Final = 8
"""The last such part is kept for what has become of records: a server's verdict must find room."""


class Room(StrEnum):
    """How a journal's disk is filled."""

    AMPLE = "ample"
    """The reserve is kept, and nobody need know of it."""
    SHORT = "short"
    """Records are kept in the room that was the reserve's."""
    FULL = "full"
    """No new records; what becomes of the old ones is still written."""


def room(free: int, ballast: int, reserve: int, before: Room) -> Room:
    """
    Return how the disk is filled.

    Args:
        free: What the file system has left for us.
        ballast: What the reserve's file takes now.
        reserve: What it is to take, `store.reserve`; with 0 the disk's own refusal decides.
        before: What was said last. On the way back twice as much is asked for, so that it is not said in turns.
    """
    if reserve == 0:
        return Room.AMPLE
    low, least = reserve // LOW_SHARE, reserve // FLOOR_SHARE
    if free + ballast >= reserve + (low if before is Room.AMPLE else 2 * low):
        return Room.AMPLE
    return Room.FULL if free + ballast < (2 * least if before is Room.FULL else least) else Room.SHORT


def left_for_records(free: int, reserve: int) -> int:
    """Return how many bytes records may still take until the disk is full."""
    return max(0, free - reserve // FLOOR_SHARE)

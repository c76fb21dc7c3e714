"""
Lanes: what is younger waits behind what is older, for each person.

`record_lane` holds the open records of each lane; `record.behind` counts the lanes in which an older one is among them, so that the heads
of all lanes are one index away (0 = heads them all) and a change of state touches the next in line only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from store.queries import Db, rows, run, value

_LANE_BYTES: Final = 16
_YOUNGEST: Final = (1 << 63) - 1
"""Above every number there will be."""


def packed(lanes: Sequence[bytes]) -> bytes:
    """Return *lanes* as `record.lanes` holds them, each once."""
    return b"".join(dict.fromkeys(lanes))


def unpacked(lanes: bytes) -> list[bytes]:
    """Return the lanes of a `record.lanes`."""
    return [lanes[start : start + _LANE_BYTES] for start in range(0, len(lanes), _LANE_BYTES)]


def behind(db: Db, lanes: Sequence[bytes], number: int = _YOUNGEST) -> int:
    """Return in how many of *lanes* an open record older than *number* waits; a record that is yet to be kept is the youngest."""
    return sum(value(db, "is_preceded", lane=lane, number=number) for lane in lanes)


def enter(db: Db, number: int, lanes: Sequence[bytes]) -> None:
    """Queue a new record."""
    for lane in lanes:
        run(db, "enter_lane", lane=lane, number=number)


def leave(db: Db, number: int, lanes: Sequence[bytes]) -> None:
    """Take a closed record out; the next in each lane that it headed moves up."""
    for lane in lanes:
        run(db, "leave_lane", lane=lane, number=number)
        run(db, "shift_head", lane=lane, number=number, step=-1)


def reenter(db: Db, number: int, lanes: Sequence[bytes]) -> None:
    """Put a record that is open again back in its old place: before all that is younger."""
    for lane in lanes:
        run(db, "shift_head", lane=lane, number=number, step=1)
    run(db, "set_behind", number=number, behind=behind(db, lanes, number))
    enter(db, number, lanes)


def open_in(db: Db, lanes: Iterable[bytes]) -> list[int]:
    """Return the numbers of all open records of *lanes*, oldest first."""
    return sorted({number for lane in lanes for (number,) in rows(db, "open_in_lane", lane=lane)})


def exchange(db: Db, number: int, new_lanes: Sequence[bytes]) -> set[bytes]:
    """Take an open record out of its lanes and put it into others, at its old place; return all that are to be recounted."""
    old_lanes = of(db, number)
    for lane in old_lanes:
        run(db, "leave_lane", lane=lane, number=number)
    new_lanes = unpacked(packed(new_lanes))
    run(db, "set_lanes", number=number, lanes=packed(new_lanes))
    enter(db, number, new_lanes)
    return {*old_lanes, *new_lanes}


def recount(db: Db, lanes: Iterable[bytes]) -> None:
    """Work out anew who waits behind whom, for all open records of *lanes*."""
    for number in open_in(db, lanes):
        run(db, "set_behind", number=number, behind=behind(db, of(db, number), number))


def of(db: Db, number: int) -> list[bytes]:
    """Return a record's lanes; none where there is no such record."""
    return unpacked(value(db, "lanes_of", number=number) or b"")


def overtaken(db: Db) -> set[int]:
    """Return the numbers of those of whose lanes a younger record is being sent: their own send cannot begin."""
    return {
        older
        for number, packed_lanes in rows(db, "under_way")
        for lane in unpacked(packed_lanes)
        for (older,) in rows(db, "before_in_lane", lane=lane, number=number)
    }


def under_way_behind(db: Db, number: int) -> bool:
    """Return whether a younger record of its lanes is being sent: possible where two lanes turned out to be one person's."""
    return any(value(db, "is_under_way", lane=lane, number=number) for lane in of(db, number))

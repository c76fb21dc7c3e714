"""How full the disk is, and what follows: the pure rules."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.file.room import Room, left_for_records, room
from store.file.standing import LAST_TRY_S, SLOW_S, Standing, Trouble, Why, again_s, standing, trouble_of

MIB = 1 << 20
RESERVE = 64 * MIB
SIZES = st.integers(0, 1 << 40)


@pytest.mark.parametrize(
    ("free_mib", "ballast_mib", "before", "expected"),
    [
        (1000, 64, Room.AMPLE, Room.AMPLE),
        (16, 64, Room.AMPLE, Room.AMPLE),
        (15, 64, Room.AMPLE, Room.SHORT),
        (79, 0, Room.SHORT, Room.SHORT),
        (95, 0, Room.SHORT, Room.SHORT),
        (96, 0, Room.SHORT, Room.AMPLE),
        (8, 0, Room.SHORT, Room.SHORT),
        (7, 0, Room.SHORT, Room.FULL),
        (15, 0, Room.FULL, Room.FULL),
        (16, 0, Room.FULL, Room.SHORT),
        (7, 64, Room.FULL, Room.SHORT),
        (1000, 0, Room.FULL, Room.AMPLE),
    ],
)
def test_room(free_mib: int, ballast_mib: int, before: Room, expected: Room) -> None:
    assert room(free_mib * MIB, ballast_mib * MIB, RESERVE, before) is expected


@given(SIZES, SIZES, st.sampled_from(Room))
def test_without_a_reserve_the_disks_own_refusal_decides(free: int, ballast: int, before: Room) -> None:
    assert room(free, ballast, 0, before) is Room.AMPLE


@given(SIZES, st.integers(8, 1 << 35), st.sampled_from(Room))
def test_what_was_said_is_said_again_of_the_same_disk(free: int, reserve: int, before: Room) -> None:
    """Making the reserve, or giving it up, must not be the reason to do the opposite."""
    said = room(free, 0, reserve, before)
    made = reserve if said is Room.AMPLE else 0
    assert room(free - made, made, reserve, said) is said


@given(SIZES, st.integers(8, 1 << 35), st.sampled_from(Room))
def test_there_is_nothing_left_for_records_on_a_full_disk_and_something_on_a_short_one(free: int, reserve: int, before: Room) -> None:
    said = room(free, 0, reserve, before)
    if said is Room.FULL and before is not Room.FULL:
        assert left_for_records(free, reserve) == 0
    if said is Room.SHORT:
        assert left_for_records(free, reserve) >= 0


@pytest.mark.parametrize(
    ("trouble", "under_way_s", "room_", "expected"),
    [
        (None, 0.0, Room.AMPLE, Standing(Why.WELL)),
        (None, SLOW_S, Room.AMPLE, Standing(Why.WELL)),
        (None, SLOW_S + 0.1, Room.AMPLE, Standing(Why.SLOW)),
        (None, 0.0, Room.SHORT, Standing(Why.SHORT, 5)),
        (None, 0.0, Room.FULL, Standing(Why.FULL)),
        (Trouble.FULL, 0.0, Room.AMPLE, Standing(Why.FULL)),
        (Trouble.FAILING, SLOW_S + 1, Room.FULL, Standing(Why.FAILING)),
    ],
)
def test_standing(trouble: Trouble | None, under_way_s: float, room_: Room, expected: Standing) -> None:
    assert standing(trouble, under_way_s, room_, 5) == expected


def test_only_a_disk_that_is_well_or_short_keeps_records() -> None:
    assert {why for why in Why if Standing(why).can_record} == {Why.WELL, Why.SHORT}


def test_tries_come_less_often_and_at_least_once_a_second() -> None:
    waits = [again_s(tries) for tries in (1, 2, 3, 4, 5, 6, 1000)]
    assert waits == [0.05, 0.1, 0.2, 0.4, 0.8, LAST_TRY_S, LAST_TRY_S]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (sqlite3.SQLITE_FULL, Trouble.FULL),
        (sqlite3.SQLITE_IOERR_FSYNC, Trouble.FAILING),
        (sqlite3.SQLITE_READONLY, Trouble.FAILING),
        (sqlite3.SQLITE_CANTOPEN, Trouble.FAILING),
        (sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY, None),
        (sqlite3.SQLITE_CORRUPT, None),
    ],
)
def test_what_an_error_says_of_the_disk(code: int, expected: Trouble | None) -> None:
    error = sqlite3.OperationalError()
    error.sqlite_errorcode = code
    assert trouble_of(error) is expected
    assert trouble_of(LookupError()) is None

from __future__ import annotations

import pytest

from proxy.traffic.under_way import PASSED_MAX, UnderWay
from store.records import NewRecord


def a_write(number: int, *, lane: bytes = b"", key: bytes | None = None) -> NewRecord:
    own = number.to_bytes(16)
    return NewRecord(own, "vaccinate", "vaccinator", (lane or own,), "POST", "/", b"", b"", 0, natural_key=own, idempotency_key=key)


def test_what_is_passed_on_keeps_its_person_and_its_key_busy_for_so_long() -> None:
    under_way = UnderWay()
    same_lane, same_key = a_write(2, lane=(1).to_bytes(16)), a_write(3, key=b"key")
    with under_way.passing_on(a_write(1, key=b"key")):
        assert under_way.is_passed_on(same_lane)
        assert under_way.is_passed_on(same_key)
        assert not under_way.is_passed_on(a_write(4))
    assert not under_way.is_passed_on(same_lane)
    assert not under_way.is_passed_on(same_key)


def test_of_two_that_are_kept_the_other_is_still_under_way_when_one_is_done() -> None:
    under_way = UnderWay()
    with under_way.keeping(a_write(1)):
        with under_way.keeping(a_write(1)):
            assert under_way.is_kept(a_write(1))
        assert under_way.is_kept(a_write(1))
    assert not under_way.is_kept(a_write(1))


def test_who_fails_while_being_passed_on_leaves_the_lane_free() -> None:
    under_way = UnderWay()
    with pytest.raises(LookupError), under_way.passing_on(a_write(1)):
        raise LookupError
    assert not under_way.is_passed_on(a_write(1))


def test_the_latest_facts_are_remembered() -> None:
    under_way = UnderWay()
    for number in range(PASSED_MAX + 1):
        under_way.remember(a_write(number))
    assert not under_way.may_have_it(a_write(0))
    assert under_way.may_have_it(a_write(PASSED_MAX))

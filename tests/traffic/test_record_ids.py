from __future__ import annotations

from ulid import ULID

from proxy.traffic.record_ids import AT_A_TIME, RecordIds

NOON = 1_627_626_240_000


def test_each_is_a_ulid_of_its_time_and_comes_once() -> None:
    ids = RecordIds()
    made = [ids.new(NOON + number) for number in range(2 * AT_A_TIME + 1)]
    assert [ULID(each).milliseconds for each in made] == list(range(NOON, NOON + len(made)))
    assert len({each[6:] for each in made}) == len(made)
    assert made == sorted(made)

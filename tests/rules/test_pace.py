from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.rules.pace import (
    Bucket,
    Drain,
    Limit,
    drain,
    drain_after,
    drain_wait_s,
    full,
    limit_after,
    start_delay_s,
    take_live,
    take_probe,
    take_replay,
)

INSTALLATION = bytes(range(16))
COWIN_PER_MINUTE = 20.0

Take = Callable[[Bucket, float], tuple[Bucket, float]]

rates = st.floats(1, 6000)
takes = st.sampled_from([take_replay, take_probe])
draws = st.floats(0, 1, exclude_max=True)


class TestLimit:
    def test_starts_with_one(self) -> None:
        assert Limit().value == 1

    def test_grows_by_one_for_a_round_of_good_answers(self) -> None:
        limit, seen = Limit(), []
        for _ in range(16):
            limit = limit_after(limit, good=True, limit_max=8)
            seen.append(limit.value)
        assert seen == [2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 5, 6, 6]

    @pytest.mark.parametrize(("value", "halved"), [(8, 4), (5, 2), (3, 1), (2, 1), (1, 1)])
    def test_is_halved_by_a_bad_one_and_begins_a_new_round(self, value: int, halved: int) -> None:
        assert limit_after(Limit(value, goods=1), good=False, limit_max=8) == Limit(halved)

    @given(st.lists(st.booleans(), max_size=300), st.integers(1, 8))
    def test_stays_within_its_bounds(self, answers: list[bool], limit_max: int) -> None:
        limit = Limit()
        for good in answers:
            limit = limit_after(limit, good=good, limit_max=limit_max)
            assert 1 <= limit.value <= limit_max

    def test_obeys_a_maximum_that_was_lowered(self) -> None:
        assert limit_after(Limit(8, goods=7), good=True, limit_max=3).value == 3


class TestDrain:
    @pytest.mark.parametrize(
        ("records", "trouble_s", "deadline_left_s", "interval_s"),
        [
            pytest.param(60, 3 * 3600, None, 90, id="three hours' backlog goes up in half of that"),
            pytest.param(3, 3 * 3600, None, 120, id="a few records are not stretched over hours"),
            pytest.param(60, 12, None, 0.1, id="a short break hardly counts"),
            pytest.param(60, 3 * 3600, 7200, 60, id="half the time to the deadline is left over"),
            pytest.param(60, 3 * 3600, 0, 0, id="the deadline is now"),
            pytest.param(0, 3 * 3600, None, 0, id="nothing waits"),
        ],
    )
    def test_spreads_by_what_gathered_and_how_long(
        self, records: int, trouble_s: float, deadline_left_s: float | None, interval_s: float
    ) -> None:
        assert drain(records, trouble_s, 900, deadline_left_s).interval_s == pytest.approx(interval_s)

    def test_does_not_spread_where_that_is_turned_off(self) -> None:
        assert drain(60, 3 * 3600, 0) == Drain()

    def test_waits_from_one_record_to_the_next(self) -> None:
        assert [drain_wait_s(Drain(90), since_s) for since_s in (0, 60, 90, 1000)] == [90, 30, 0, 0]

    def test_a_bad_answer_doubles_the_interval_and_good_ones_bring_it_back(self) -> None:
        spread = drain_after(Drain(90), good=False)
        assert drain_wait_s(spread, 0) == 180
        for _ in range(7):
            spread = drain_after(spread, good=True)
        assert spread == Drain(90)

    def test_the_interval_does_not_grow_for_ever(self) -> None:
        spread = Drain(90)
        for _ in range(100):
            spread = drain_after(spread, good=False)
        assert spread.stretch == 8


def replay_for(bucket: Bucket, seconds: float, live_per_s: float = 0.0, probe_every_s: float = 0.0) -> Counter[str]:
    """Try to send ten records a second, and count what went out."""
    sent: Counter[str] = Counter()
    owed = 0.0
    for tick in range(1, int(seconds * 10) + 1):
        now = bucket.at + 0.1
        owed += live_per_s / 10
        while owed >= 1:
            bucket, owed = take_live(bucket, now), owed - 1
            sent["live"] += 1
        if probe_every_s and tick % round(probe_every_s * 10) == 0:
            bucket, wait_s = take_probe(bucket, now)
            sent["probe"] += wait_s == 0
        bucket, wait_s = take_replay(bucket, now)
        sent["replay"] += wait_s == 0
    return sent


class TestBucket:
    def test_replay_alone_has_the_whole_budget(self) -> None:
        assert replay_for(full(COWIN_PER_MINUTE, 0), 600)["replay"] == pytest.approx(200, abs=5)

    def test_replay_takes_what_the_desks_leave(self) -> None:
        assert replay_for(full(COWIN_PER_MINUTE, 0), 600, live_per_s=8 / 60)["replay"] == pytest.approx(120, abs=5)

    @pytest.mark.parametrize("live_per_s", [20 / 60, 1, 10, 50])
    def test_replay_has_one_token_in_five_however_busy_the_desks(self, live_per_s: float) -> None:
        assert replay_for(full(COWIN_PER_MINUTE, 0), 600, live_per_s)["replay"] == pytest.approx(40, abs=5)

    def test_probes_have_a_quarter_at_most_and_are_counted(self) -> None:
        sent = replay_for(full(COWIN_PER_MINUTE, 0), 600, probe_every_s=0.5)
        assert sent["probe"] == pytest.approx(50, abs=6)
        assert sent["probe"] + sent["replay"] == pytest.approx(200, abs=10)

    def test_a_suspicion_has_a_few_probes_at_once(self) -> None:
        bucket, sent = full(COWIN_PER_MINUTE, 0), 0
        while (taken := take_probe(bucket, 0))[1] == 0:
            bucket, sent = taken[0], sent + 1
        assert sent == 5

    def test_a_flood_of_live_calls_never_stops_probes(self) -> None:
        bucket = reduce(lambda held, _: take_live(held, 0), range(10_000), full(COWIN_PER_MINUTE, 0))
        assert take_probe(bucket, 0)[1] == 0

    def test_a_flood_of_live_calls_is_held_against_the_replay_for_a_minute_or_two(self) -> None:
        bucket = reduce(lambda held, _: take_live(held, 0), range(10_000), full(COWIN_PER_MINUTE, 0))
        assert replay_for(bucket, 600)["replay"] >= 200 - 25

    @pytest.mark.parametrize(("calls_per_minute", "at_once"), [(1, 2), (20, 3), (600, 100)])
    def test_an_idle_hour_does_not_end_in_a_salvo(self, calls_per_minute: float, at_once: int) -> None:
        bucket, sent = full(calls_per_minute, 0), 0
        while (taken := take_replay(bucket, 3600))[1] == 0:
            bucket, sent = taken[0], sent + 1
        assert sent == at_once

    def test_without_a_rate_nothing_waits(self) -> None:
        bucket = full(None, 0)
        for _ in range(100):
            bucket = take_live(bucket, 1)
            assert take_replay(bucket, 1) == (bucket, 0.0)
            assert take_probe(bucket, 1) == (bucket, 0.0)

    @pytest.mark.parametrize("calls_per_minute", [0, -1.5])
    def test_a_rate_of_nothing_is_an_error(self, calls_per_minute: float) -> None:
        with pytest.raises(ValueError, match="calls_per_minute must be above 0"):
            full(calls_per_minute, 0)

    @given(rates, st.lists(st.tuples(st.floats(0, 30), takes), max_size=200))
    def test_no_more_goes_out_than_the_rate_and_the_burst_allow(self, calls_per_minute: float, asked: list[tuple[float, Take]]) -> None:
        bucket, now, sent = full(calls_per_minute, 0), 0.0, 0
        for step_s, take in asked:
            now += step_s
            bucket, wait_s = take(bucket, now)
            sent += wait_s == 0
        burst = max(1, calls_per_minute / 6) + 2 + max(1, calls_per_minute / 4)
        assert sent <= burst + calls_per_minute / 60 * now + 0.01

    @given(rates, st.floats(-1e6, 1e6), st.integers(0, 500), takes)
    def test_who_waited_as_long_as_told_has_the_token(self, calls_per_minute: float, now: float, live: int, take: Take) -> None:
        bucket = reduce(lambda held, _: take_live(held, now), range(live), full(calls_per_minute, now))
        wait_s = 0.0
        while wait_s == 0:
            bucket, wait_s = take(bucket, now)
        assert take(bucket, now + wait_s)[1] == 0
        assert take(bucket, now + wait_s * 0.9)[1] > 0

    @given(rates, st.floats(0, 1e6), st.floats(0, 1e9))
    def test_a_clock_that_goes_back_gives_no_token_and_takes_none(self, calls_per_minute: float, now: float, back_s: float) -> None:
        bucket, _ = take_replay(full(calls_per_minute, now), now)
        earlier = take_live(bucket, now - back_s)
        assert (earlier.shared, earlier.reserved, earlier.probes) == (bucket.shared - 1, bucket.reserved, bucket.probes)
        assert take_replay(earlier, now - back_s + 3600)[1] == 0


def delay_s(centre: str, outage_s: float, spread_max_s: float = 900, draw: float = 0.0, retry_after_s: float | None = None) -> float:
    return start_delay_s(centre, INSTALLATION, outage_s, draw, spread_max_s, retry_after_s)


class TestStartSlot:
    @pytest.mark.parametrize(
        ("outage_s", "spread_max_s", "retry_after_s", "window_s"),
        [
            pytest.param(1, 900, None, 10, id="ten seconds at least"),
            pytest.param(200, 900, None, 10, id="ten seconds up to 200 s"),
            pytest.param(10_800, 900, None, 540, id="5 % of three hours"),
            pytest.param(10**6, 3600, None, 900, id="a quarter of an hour at most"),
            pytest.param(200, 900, 120.0, 120, id="the server's own wish"),
            pytest.param(10_800, 900, 120.0, 540, id="the server's wish is the smaller"),
            pytest.param(200, 900, 7200.0, 900, id="never more than spread_max, whatever is wished"),
            pytest.param(10_800, 60, None, 60, id="never more than spread_max"),
            pytest.param(10_800, 0, 7200.0, 0, id="no spreading"),
        ],
    )
    def test_window(self, outage_s: float, spread_max_s: float, retry_after_s: float | None, window_s: float) -> None:
        delays = [delay_s(f"centre-{i}", outage_s, spread_max_s, 0.999, retry_after_s) for i in range(2000)]
        assert all(delay < window_s or delay == window_s == 0 for delay in delays)
        assert max(delays) == pytest.approx(window_s, rel=0.01)

    def test_sixty_seven_thousand_centres_are_spread_evenly(self) -> None:
        minutes = Counter(int(delay_s(f"centre-{i}", 18_000, draw=0.5) // 60) for i in range(67_000))
        assert len(minutes) == 15
        assert all(count == pytest.approx(67_000 / 14.25, rel=0.1) for minute, count in minutes.items() if 0 < minute < 14)

    def test_centres_that_were_given_one_id_are_spread_too(self) -> None:
        delays = {start_delay_s("centre-1", bytes([i] * 16), 600, 0.0, 900) for i in range(50)}
        assert len(delays) == 50

    @given(st.text(), st.binary(max_size=64), st.floats(0, 1e8), draws, st.floats(0, 1e4), st.none() | st.floats(0, 1e9))
    def test_is_within_bounds(
        self, centre: str, installation: bytes, outage_s: float, draw: float, spread_max_s: float, retry_after_s: float | None
    ) -> None:
        assert 0 <= start_delay_s(centre, installation, outage_s, draw, spread_max_s, retry_after_s) <= spread_max_s

    def test_a_centre_has_the_same_slot_in_every_outage(self) -> None:
        assert delay_s("centre-1", 3600) * 2 == pytest.approx(delay_s("centre-1", 7200))

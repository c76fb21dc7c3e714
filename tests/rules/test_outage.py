from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.rules.circuit import Circuit, Downtime, Phase
from proxy.rules.outage import Anchor, Begin, End, Entry, Reopen, Touch, entry_for, scope_of, unobserved_ms, wall_at
from store.outages import Outage

NOON = 1_627_626_600_000
ANCHOR = Anchor(monotonic=1000, wall=NOON)
CLOSED = Circuit()


def circuit(phase: Phase, last_bad_at: float = 1020, good_since: float | None = None) -> Circuit:
    return Circuit(phase=phase, downtime=Downtime(1000, 1005, last_bad_at, "http_503", good_since))


def row(ended_at: int | None = None, last_bad_at: int = NOON + 5_000, seen_at: int = 0) -> Outage:
    return Outage(
        id=7,
        group="vaccinator",
        started_at=NOON,
        detected_at=NOON + 5_000,
        last_bad_at=last_bad_at,
        ended_at=ended_at,
        cause="refused",
        scope="upstream",
        seen_at=seen_at,
    )


OPEN, OPEN_LATER = circuit(Phase.OPEN), circuit(Phase.OPEN, last_bad_at=1040)
HALF_OPEN = circuit(Phase.HALF_OPEN, good_since=1030)
BEGIN = Begin(NOON, NOON + 5_000, "http_503", "upstream")


@pytest.mark.parametrize(
    ("last", "before", "after", "entry"),
    [
        pytest.param(None, CLOSED, CLOSED, None, id="nothing happened"),
        pytest.param(None, CLOSED, OPEN, BEGIN, id="opened for the first time"),
        pytest.param(row(ended_at=NOON - 120_000), CLOSED, OPEN, BEGIN, id="opened two minutes after the last"),
        pytest.param(row(ended_at=NOON - 119_999), CLOSED, OPEN, Reopen(7, NOON + 20_000), id="opened less than two minutes after: a flap"),
        pytest.param(row(ended_at=NOON + 9_000), CLOSED, OPEN, Reopen(7, NOON + 20_000), id="the wall clock was put back a little"),
        pytest.param(row(ended_at=NOON + 10**9), CLOSED, OPEN, Reopen(7, NOON + 10**9), id="the wall clock was put back by days"),
        pytest.param(row(), OPEN, OPEN, None, id="nothing new"),
        pytest.param(row(), OPEN, OPEN_LATER, Touch(7, NOON + 40_000), id="another bad answer"),
        pytest.param(row(last_bad_at=NOON + 60_000), OPEN, OPEN_LATER, Touch(7, NOON + 60_000), id="the last bad answer never moves back"),
        pytest.param(row(), OPEN, HALF_OPEN, None, id="may be over"),
        pytest.param(row(), HALF_OPEN, OPEN_LATER, Touch(7, NOON + 40_000), id="was not over"),
        pytest.param(row(), HALF_OPEN, CLOSED, End(7, NOON + 30_000), id="over since the first good answer"),
        pytest.param(row(last_bad_at=NOON + 50_000), HALF_OPEN, CLOSED, End(7, NOON + 50_000), id="not before the last bad answer"),
        pytest.param(row(), CLOSED, OPEN, Touch(7, NOON + 20_000), id="the row's end could not be written: it goes on"),
        pytest.param(None, OPEN, OPEN_LATER, BEGIN, id="the row could not be written: it is now"),
        pytest.param(None, HALF_OPEN, CLOSED, None, id="closed, and there is no row"),
        pytest.param(row(ended_at=NOON + 30_000), HALF_OPEN, CLOSED, None, id="closed, and the row has its end"),
    ],
)
def test_what_the_ledger_is_told(last: Outage | None, before: Circuit, after: Circuit, entry: Entry | None) -> None:
    assert entry_for(last, before, after, ANCHOR) == entry


@given(st.integers(-(10**7), 10**7), st.integers(-(10**7), 10**7))
def test_an_outage_lasts_as_long_as_the_monotonic_clock_says(started_ms: int, lasted_ms: int) -> None:
    start = wall_at(1000 + started_ms / 1000, ANCHOR)
    assert wall_at(1000 + (started_ms + lasted_ms) / 1000, ANCHOR) - start == lasted_ms
    assert start == NOON + started_ms


@pytest.mark.parametrize("cause", ["dns", "connect", "tls", "portal", "redirect", "content_type"])
def test_causes_on_the_way(cause: str) -> None:
    assert scope_of(cause) == "between"


@pytest.mark.parametrize("cause", ["refused", "timeout", "reset", "truncated", "protocol", "slow", "throttled", "http_500", "http_503"])
def test_causes_at_the_upstream(cause: str) -> None:
    assert scope_of(cause) == "upstream"


@pytest.mark.parametrize(
    ("running", "now", "expected_ms"),
    [
        pytest.param(row(seen_at=NOON + 10_000), NOON + 70_000, 60_000, id="since it was last seen"),
        pytest.param(row(), NOON + 70_000, 70_000, id="never seen since it began"),
        pytest.param(row(seen_at=NOON + 10_000), NOON, 0, id="the wall clock was put back"),
        pytest.param(row(ended_at=NOON + 10_000, seen_at=NOON + 10_000), NOON + 70_000, 0, id="it was over"),
    ],
)
def test_how_long_nobody_watched(running: Outage, now: int, expected_ms: int) -> None:
    assert unobserved_ms(running, now) == expected_ms

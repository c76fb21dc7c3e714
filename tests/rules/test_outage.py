from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.rules.circuit import Circuit, Downtime, Phase
from proxy.rules.outage import (
    FLAP_MS,
    Anchor,
    Begin,
    End,
    Entry,
    Reopen,
    Touch,
    end_holds,
    entry_for,
    lasted_ms,
    reckoned_by,
    scope_of,
    seen,
    unobserved_ms,
    wall_at,
)
from proxy.rules.stamps import Stamp
from store.outages import Failed, Outage, Seen

NOON = 1_627_626_600_000
ANCHOR = Anchor(monotonic=1000, wall=NOON)
CLOSED = Circuit()


def circuit(phase: Phase, last_bad_at: float = 1020, good_since: float | None = None) -> Circuit:
    return Circuit(phase=phase, downtime=Downtime(1000, 1005, last_bad_at, "http_503", good_since))


def row(ended_at: int | None = None, last_bad_at: int = NOON + 5_000) -> Outage:
    return Outage(
        id=7,
        group="vaccinator",
        started_at=NOON,
        detected_at=NOON + 5_000,
        last_bad_at=last_bad_at,
        ended_at=ended_at,
        cause="refused",
        scope="upstream",
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
        pytest.param(
            row(ended_at=NOON - 119_999), CLOSED, OPEN, Reopen(7, Failed(NOON + 20_000)), id="opened less than two minutes after: a flap"
        ),
        pytest.param(row(), OPEN, OPEN, None, id="nothing new"),
        pytest.param(row(), OPEN, OPEN_LATER, Touch(7, Failed(NOON + 40_000)), id="another bad answer"),
        pytest.param(
            row(last_bad_at=NOON + 60_000), OPEN, OPEN_LATER, Touch(7, Failed(NOON + 60_000)), id="the last bad answer never moves back"
        ),
        pytest.param(row(), OPEN, HALF_OPEN, None, id="may be over"),
        pytest.param(row(), HALF_OPEN, OPEN_LATER, Touch(7, Failed(NOON + 40_000)), id="was not over"),
        pytest.param(row(), HALF_OPEN, CLOSED, End(7, NOON + 30_000), id="over since the first good answer"),
        pytest.param(row(last_bad_at=NOON + 50_000), HALF_OPEN, CLOSED, End(7, NOON + 50_000), id="not before the last bad answer"),
        pytest.param(row(), CLOSED, OPEN, Touch(7, Failed(NOON + 20_000)), id="the row's end could not be written: it goes on"),
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


DAY = 86_400_000


def at(boot_s: float, wall: int | None = None, boot: str = "this boot") -> Stamp:
    """A moment of the boot in which noon is 1000 s; the wall clock says *wall*, or what it would if nobody set it."""
    return Stamp(NOON + round((boot_s - 1000) * 1000) if wall is None else wall, boot, boot_s)


def seen_row(seen_s: float, ended_at: int | None = None, ahead: int = 0, boot: str = "this boot") -> Outage:
    """The row as it was seen last, at boot seconds *seen_s*, by a wall clock *ahead* milliseconds of the row's own time."""
    seen_at = NOON + round((seen_s - 1000) * 1000)
    more = {"seen_at": seen_at, "seen_wall_at": seen_at + ahead, "seen_boot": boot, "seen_boot_s": seen_s}
    return replace(row(ended_at=ended_at), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("running", "now", "unobserved", "lasted"),
    [
        pytest.param(seen_row(1010), at(1070), 60_000, 70_000, id="restarted: since it was last seen"),
        pytest.param(seen_row(1010), at(1070, NOON + DAY), 60_000, 70_000, id="restarted, set a day ahead meanwhile"),
        pytest.param(seen_row(1010, ahead=DAY), at(1070, NOON), 60_000, 70_000, id="set ahead before, and right meanwhile"),
        pytest.param(seen_row(1010), at(1070, NOON - 2 * DAY), 60_000, 70_000, id="restarted, put back two days meanwhile"),
        pytest.param(seen_row(1010), at(20, NOON + 70_000, "next"), 60_000, 70_000, id="rebooted: by the wall clock"),
        pytest.param(seen_row(1010, ahead=DAY), at(20, NOON + DAY + 70_000, "next"), 60_000, 70_000, id="rebooted, set ahead before"),
        pytest.param(seen_row(1010), at(20, NOON - DAY, "next"), 0, 10_000, id="rebooted, put back: never less than was seen"),
        pytest.param(seen_row(1010, ended_at=NOON + 8_000), at(1070), 0, 8_000, id="it was over"),
    ],
)
def test_how_long_it_lasted_and_nobody_watched(running: Outage, now: Stamp, unobserved: int, lasted: int) -> None:
    assert (unobserved_ms(running, now), lasted_ms(running, now)) == (unobserved, lasted)


OVER = seen_row(1040, ended_at=NOON + 30_000)
"""Its end was at 1030 s, found at 1040 s."""


@pytest.mark.parametrize(
    ("last", "first_bad_s", "now", "begins_at"),
    [
        pytest.param(None, 2000, at(2006), NOON + 1_000_000, id="the first: by the wall clock"),
        pytest.param(OVER, 2000, at(2006), NOON + 1_000_000, id="the next: by the wall clock"),
        pytest.param(OVER, 2000, at(2006, NOON + DAY), NOON + DAY - 6_000, id="the next, the clock was set ahead: as it is now"),
        pytest.param(OVER, 2000, at(2006, NOON - DAY), NOON + 1_000_000, id="put back: by the last row's time, and no overlap"),
        pytest.param(OVER, 2000, at(2006, NOON + 70_000), NOON + 1_000_000, id="put back a little: it does not look like a flap"),
        pytest.param(OVER, 1149, at(1155, NOON + DAY), NOON + 149_000, id="a flap is one by what was measured, set ahead or not"),
        pytest.param(OVER, 1149, at(1155, NOON - DAY), NOON + 149_000, id="or put back"),
        pytest.param(OVER, 10, at(16, NOON + 50_000, "next"), NOON + 150_000, id="rebooted within two minutes: no flap, so not so near"),
        pytest.param(OVER, 10, at(16, NOON - DAY, "next"), NOON + 150_000, id="rebooted, put back: no overlap"),
        pytest.param(OVER, 10, at(16, NOON + DAY, "next"), NOON + DAY - 6_000, id="rebooted: by the wall clock"),
        pytest.param(seen_row(1040), 1020, at(1050, NOON - DAY), NOON + 20_000, id="one that runs goes on by its own time"),
    ],
)
def test_by_which_time_an_outage_is_reckoned(last: Outage | None, first_bad_s: float, now: Stamp, begins_at: int) -> None:
    assert wall_at(first_bad_s, reckoned_by(last, first_bad_s, now, doubtful=False)) == begins_at


@pytest.mark.parametrize(("doubtful", "begins_at"), [(False, NOON - DAY - 6_000), (True, NOON + 1_000_000)])
def test_a_clock_that_was_ahead_and_is_right_again_does_not_date_outages_ahead_for_ever(doubtful: bool, begins_at: int) -> None:
    last, now = replace(OVER, clock_doubtful=True), at(2006, NOON - DAY)
    anchor = reckoned_by(last, 2000, now, doubtful=doubtful)
    assert wall_at(2000, anchor) == begins_at
    assert isinstance(entry_for(last, CLOSED, Circuit(downtime=Downtime(2000, 2006, 2006, "refused")), anchor), Begin)


@given(st.lists(st.tuples(st.floats(1, 1e6), st.integers(-(10**9), 10**9), st.booleans()), min_size=1, max_size=8))
def test_rows_never_overlap_and_last_as_long_as_was_measured_whatever_the_wall_clock_does(days: list[tuple[float, int, bool]]) -> None:
    last: Outage | None = None
    boot_s, boot = 1000.0, 0
    for gap_s, set_to, rebooted in days:
        boot, boot_s = (boot + 1, 5.0) if rebooted else (boot, boot_s)
        bad_s, over_s = boot_s + gap_s, boot_s + gap_s + 60
        anchor = reckoned_by(last, bad_s, at(bad_s, NOON + set_to, str(boot)), doubtful=False)
        entry = entry_for(last, CLOSED, Circuit(downtime=Downtime(bad_s, bad_s, bad_s, "refused")), anchor)
        now = seen(anchor, at(over_s, NOON - set_to, str(boot)), doubtful=False)
        more = {"seen_at": now.at, "seen_wall_at": now.wall, "seen_boot": now.boot_id, "seen_boot_s": now.boot_s}
        ended_at = wall_at(over_s, anchor)
        if isinstance(entry, Begin):
            assert last is None or last.ended_at is None or entry.started_at >= last.ended_at + FLAP_MS
            assert ended_at - entry.started_at == pytest.approx(60_000, abs=1)
            last = replace(row(), started_at=entry.started_at, ended_at=ended_at, **more)  # type: ignore[arg-type]
        else:
            assert isinstance(entry, Reopen)
            assert last is not None
            assert gap_s < FLAP_MS / 1000
            last = replace(last, ended_at=ended_at, **more)  # type: ignore[arg-type]
        boot_s = over_s


@pytest.mark.parametrize(
    ("now", "holds"),
    [
        pytest.param(at(1149), False, id="not yet"),
        pytest.param(at(1150), True, id="two minutes"),
        pytest.param(at(1149, NOON + DAY), False, id="a clock set ahead makes it no longer"),
        pytest.param(at(1150, NOON - DAY), True, id="one put back no shorter"),
        pytest.param(at(10, NOON, "next"), True, id="rebooted: it cannot come back, so it is told"),
    ],
)
def test_when_the_end_of_an_outage_holds(now: Stamp, holds: bool) -> None:
    assert end_holds(OVER, now) is holds
    assert not end_holds(seen_row(1040), now)


@pytest.mark.parametrize(
    ("ahead_ms", "known_wrong", "doubtful"),
    [(0, False, False), (1_900, False, False), (-2_100, False, True), (DAY, False, True), (0, True, True)],
)
def test_a_row_is_doubtful_when_the_clock_was_set_or_is_wrong(ahead_ms: int, known_wrong: bool, doubtful: bool) -> None:
    found = seen(ANCHOR, at(1010, NOON + 10_000 + ahead_ms), doubtful=known_wrong)
    assert found == Seen(NOON + 10_000, NOON + 10_000 + ahead_ms, "this boot", 1010, doubtful)

from __future__ import annotations

import pytest

from proxy.rules.stamps import Stamp, age_s

NOON = 1_627_626_600_000
THEN = Stamp(NOON, "this boot", 500.0)


@pytest.mark.parametrize(
    ("now", "age"),
    [
        pytest.param(Stamp(NOON + 60_000, "this boot", 560.0), 60.0, id="clocks agree"),
        pytest.param(Stamp(NOON + 86_460_000, "this boot", 560.0), 60.0, id="set a day ahead meanwhile"),
        pytest.param(Stamp(NOON - 172_800_000, "this boot", 560.0), 60.0, id="set two days back meanwhile"),
        pytest.param(Stamp(NOON + 60_000, "next boot", 20.0), 60.0, id="rebooted"),
        pytest.param(Stamp(NOON + 60_000, "next boot", 900.0), 60.0, id="rebooted, and up for longer than then"),
        pytest.param(Stamp(NOON - 60_000, "next boot", 20.0), 0.0, id="rebooted, clock put back: never negative"),
        pytest.param(Stamp(NOON + 60_000, "this boot", 20.0), 60.0, id="a boot copied with its name (a cloned machine)"),
    ],
)
def test_age_is_measured_within_a_boot_and_told_by_the_wall_clock_over_a_reboot(now: Stamp, age: float) -> None:
    assert age_s(THEN, now) == age

from __future__ import annotations

import pytest

from proxy.operations.asked import Choice
from proxy.operations.runs import Replays, Run, slower
from proxy.rules.pace import full
from proxy.traffic.budget import Budget
from proxy.traffic.clock import Clock


def calls_per_minute(replays: Replays) -> float | None:
    rate_s = replays.budget.bucket.rate_s
    return None if rate_s is None else round(rate_s * 60, 6)


@pytest.mark.parametrize(("configured", "asked", "kept"), [(20, 5, 5), (20, 50, 20), (None, 5, 5)])
def test_a_rate_only_ever_slows(configured: float | None, asked: int, kept: float) -> None:
    bucket = slower(full(configured, 0.0), asked, 0.0)
    assert bucket.rate_s is not None
    assert bucket.rate_s * 60 == pytest.approx(kept)


async def test_the_pace_is_given_back() -> None:
    replays = Replays(Budget(full(20, 0.0), Clock()))
    replays.begin(Run(Choice(), frozenset({1}), 1000, 0.0), 5, 0.0)
    assert calls_per_minute(replays) == 5
    replays.begin(Run(Choice(), frozenset({2}), 2000, 1.0), 7, 1.0)
    assert calls_per_minute(replays) == 7
    hurried = [replays.budget.hurried]
    replays.end(3000, 2.0)
    assert [*hurried, replays.budget.hurried] == [True, False]
    assert calls_per_minute(replays) == 20
    assert replays.run is not None
    assert replays.run.ended_at == 3000

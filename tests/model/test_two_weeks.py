"""Weeks of flapping: every dose once and in order, and the outages as they were. `make test` plays four days, `make proof` two weeks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.model.two_weeks import two_weeks
from tests.proof.mode import PROOF

DAYS, HOURS, DOSES = (14, 8, 100_000) if PROOF else (4, 1, 2_000)
WITHIN_S = 10.0
"""A busy machine's, by which the begin or the end of an outage of many minutes may be seen late."""


@pytest.mark.timeout(3600 if PROOF else 120)
async def test_weeks_of_flapping_lose_nothing_double_nothing_and_are_measured(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    async with two_weeks(tmp_path, DOSES, seed=1) as weeks:
        await weeks.play(DAYS, HOURS, DOSES)
        weeks.judge()
        errors_s = weeks.errors_s()
    assert max(map(abs, errors_s)) < WITHIN_S
    away_s = sum(ended - began for began, ended in weeks.truth())
    record_property("doses", len(weeks.told))
    record_property("outages", f"{len(weeks.rows)}, {away_s / 3600:.1f} h in all")
    record_property("flaps", sum(row.flaps for row in weeks.rows))
    record_property("measured too long by, s, worst and in all", f"{max(errors_s, key=abs):.1f}, {sum(errors_s):.1f}")

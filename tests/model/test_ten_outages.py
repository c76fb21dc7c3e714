"""Ten outages of 5 s to 30 min, with flaps, restarts and a clock that is set: each is one row, and the row says how sure it is."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from store.outages import Outage
from tests.model.ten_outages import ANSWERS_IN_S, CALL_EVERY_S, MORNING, TIMES_OUT_S, Away, Truth, opened

SCRIPT: Final = [
    Away("refused", (5,)),
    Away("timeout", (31,)),
    Away("http_503", (12,)),
    Away("refused", (40, 15, 20)),  # flaps
    Away("dns", (240,), killed=(60, 45)),
    Away("timeout", (900,), set_by_s=(300, 3600)),
    Away("portal", (90,), set_by_s=(30, -180)),
    Away("http_503", (1800,), killed=(700, 20), set_by_s=(600, 86_400)),
    Away("refused", (200,), killed=(150, 90)),  # back before we are
    Away("http_503", (25, 60), apart_s=80),
]
FAILS_AFTER_S: Final = {"timeout": TIMES_OUT_S}


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_each_outage_is_one_row_that_begins_and_ends_when_it_did_and_says_how_sure_it_is(tmp_path: Path, seed: int) -> None:
    day = await opened(tmp_path, seed)
    try:
        await day.well(200)
        for script in SCRIPT:
            await day.play(script)
        rows = await day.rows()
    finally:
        await day.journal.close()
    assert [row.cause for row in rows] == [script.cause for script in SCRIPT]
    for row, truth in zip(rows, day.merged(), strict=True):
        judge(row, truth)
    assert [row.unobserved_ms > 0 for row in rows] == [script.killed is not None for script in SCRIPT]
    assert sum(row.flaps for row in rows) >= 2


def judge(row: Outage, truth: Truth) -> None:
    began, ended = (MORNING + truth.ahead_ms + round((at - 5_000) * 1000) for at in (truth.began_s, truth.ended_s))
    assert row.good_before_at is not None
    assert row.first_bad_at is not None
    assert row.last_asked_at is not None
    assert row.ended_at is not None
    assert row.good_before_at <= row.started_at <= row.first_bad_at
    assert row.good_before_at <= began <= row.first_bad_at, "it began when the row says that it may have"
    assert row.last_asked_at <= ended <= row.ended_at, "and ended"
    assert abs(row.started_at - began) <= 2_000 * 1.5 * CALL_EVERY_S
    if truth.watched_end:
        in_force_s = truth.probe_every_s + FAILS_AFTER_S.get(row.cause, ANSWERS_IN_S)  # the next is asked when the last was answered
        assert row.ended_at - ended <= 2_000 * in_force_s

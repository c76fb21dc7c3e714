"""Twelve bits flipped anywhere: no altered dose goes up, every record is delivered, held or named, and the service is up."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.system import bit_flips
from tests.system.bit_flips import Verdict

SEEDS = range(20) if os.environ.get("HYPOTHESIS_PROFILE") == "proof" else range(3)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("play", [bit_flips.stopped, bit_flips.running])
async def test_twelve_flipped_bits_alter_no_dose_and_lose_none(
    tmp_path: Path, seed: int, play: Callable[[Path, int], Awaitable[Verdict]]
) -> None:
    verdict = await play(tmp_path, seed)
    assert (verdict.altered, verdict.twice, verdict.overtaken, verdict.lost) == (0, 0, 0, 0)
    assert verdict.rescues, "there was something to rescue"
    assert verdict.delivered + verdict.named >= verdict.recorded

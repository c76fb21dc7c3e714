from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from simulator import Simulator
from tests.traffic.centre import Centre, a_centre


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(seed=7, people=60) as running:
        yield running


@pytest.fixture
async def centre(sim: Simulator, tmp_path: Path) -> AsyncIterator[Centre]:
    async with a_centre(tmp_path, f"{sim.url}/api") as running:
        yield running

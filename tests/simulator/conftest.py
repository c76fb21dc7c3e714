from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from simulator import Simulator
from tests.simulator.desk import Desk


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(seed=7, people=30) as running:
        yield running


@pytest.fixture
async def desk(sim: Simulator) -> AsyncIterator[Desk]:
    async with aiohttp.ClientSession() as http:
        yield Desk(sim, http)

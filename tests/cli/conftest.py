from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from simulator import Simulator
from tests.cli.centre import Centre, a_centre


@pytest.fixture(autouse=True)
def log_level() -> Iterator[None]:
    """A command that is run in this process sets the level of all its logs."""
    level = logging.getLogger().level
    yield
    logging.getLogger().setLevel(level)


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(seed=7, people=30) as running:
        yield running


@pytest.fixture
async def centre(tmp_path: Path, sim: Simulator) -> AsyncIterator[Centre]:
    async with a_centre(tmp_path, f"{sim.url}/api") as made:
        yield made

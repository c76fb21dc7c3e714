from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.disk.faulty_disk import FaultyDisk, compiled


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if sys.platform != "linux" or shutil.which("gcc") is None:
        pytest.skip("the faults are made by a preloaded library: Linux and gcc")
    return compiled(tmp_path_factory.mktemp("library"))


@pytest.fixture
def disk(library: Path, tmp_path: Path) -> Iterator[FaultyDisk]:
    made = FaultyDisk(library, tmp_path / "orders")
    made.order()
    yield made
    made.order()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"

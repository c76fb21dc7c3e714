"""docs/faults.md is what a run of every fault prints."""

from __future__ import annotations

import sys

import pytest

from tests.architecture.source import text
from tests.traffic.fault_table import page


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a full queue of connections is not dropped from")
@pytest.mark.timeout(240)
async def test_the_page_is_what_comes_out() -> None:
    assert (await page()).splitlines() == text("docs/faults.md").splitlines()

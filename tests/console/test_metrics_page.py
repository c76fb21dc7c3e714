"""Every metric is described once, and docs/metrics.md is that."""

from __future__ import annotations

import pytest

from proxy.console.metrics_page import PAGE_FILE, page
from proxy.operations.durable_metrics import DURABLE
from proxy.traffic.meters import Meters
from proxy.traffic.process_metrics import PROCESS

KINDS = {"_total": "counter", "_info": "info"}


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE_FILE.read_text(encoding="utf-8") == page(), "write it anew: python -m proxy.console.metrics_page"


@pytest.mark.parametrize("name", [*DURABLE, *PROCESS])
def test_a_name_has_the_ending_of_its_kind_and_words(name: str) -> None:
    about = {**DURABLE, **PROCESS}[name]
    assert about.kind == next((kind for ending, kind in KINDS.items() if name.endswith(ending)), about.kind)
    assert name.endswith("_seconds") or about.kind != "histogram"
    assert about.meaning.endswith(".")
    assert about.use.endswith(".")
    assert not (DURABLE.keys() & PROCESS.keys())


def test_the_process_counts_what_is_described_and_nothing_else() -> None:
    assert {family.name for family in Meters().registry.collect()} == {about.family for about in PROCESS.values()}

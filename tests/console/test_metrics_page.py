"""Every metric is described once, and docs/metrics.md is that."""

from __future__ import annotations

import re

import pytest

from proxy.console.metrics_page import PAGE_FILE, page
from proxy.operations.durable import ACTIONS
from proxy.operations.durable_metrics import DURABLE
from proxy.traffic.meters import Meters
from proxy.traffic.process_metrics import PROCESS
from tests.architecture.source import modules

PINNED = """
build_info[version] upstream_up[group] outage_current_seconds[group] outage_last_start_timestamp_seconds[group]
outage_last_end_timestamp_seconds[group] outages_total[group] outage_seconds_total[group] outage_duration_seconds[group] records[state]
records_recorded_total[route] records_oldest_unsent_timestamp_seconds records_next_deadline_timestamp_seconds records_past_deadline
sends_total[outcome] delivery_delay_seconds http_requests_total[method,route,outcome] http_request_duration_seconds[route]
upstream_requests_total[outcome] upstream_request_duration_seconds probe_success reads_total[result] replay_concurrency_limit
journal_commit_duration_seconds journal_size_bytes journal_free_bytes clock_offset_seconds operator_actions_total[action]
writes_unrecorded_total records_quarantined sweep_missing_total credential_ok operator_hold
"""
"""Names and labels that scripts and checks rely on."""

NOTED = re.compile(r"\b(?:note|_decide)\([^()]*?\"([a-z][a-z-]*)\"")

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


def test_pinned_names_and_labels_stay() -> None:
    labels = {name: ",".join(about.labels) for name, about in {**DURABLE, **PROCESS}.items()}
    pinned = {name: labels for name, _, labels in (each.removesuffix("]").partition("[") for each in PINNED.split())}
    assert pinned.items() <= labels.items()


def test_what_persons_do_is_told_before_the_first_of_them_does_it() -> None:
    noted = {action for module in modules("proxy", "store") for action in NOTED.findall(module.path.read_text(encoding="utf-8"))}
    assert {*ACTIONS} <= noted
    assert noted - {*ACTIONS} == {"salvage"}


def test_the_process_counts_what_is_described_and_nothing_else() -> None:
    assert {family.name for family in Meters().registry.collect()} == {about.family for about in PROCESS.values()}

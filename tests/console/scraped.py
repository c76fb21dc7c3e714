"""A scrape, as a Prometheus reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families as parsed

from proxy.operations.durable_metrics import DURABLE

Samples = Mapping[tuple[str, ...], float]
"""By name and values of the labels."""

DURABLE_COUNTERS = {about.family for about in DURABLE.values() if about.kind in ("counter", "histogram")}


def families(text: str) -> dict[str, Metric]:
    return {family.name: family for family in parsed(text)}


def durable_counters(text: str) -> Samples:
    """Return every sample that must never fall, over restarts too."""
    return {
        (sample.name.removeprefix("dosekeeper_"), *sample.labels.values()): sample.value
        for family in parsed(text)
        if family.name in DURABLE_COUNTERS
        for sample in family.samples
    }


def falls(scrapes: Sequence[Samples]) -> list[tuple[str, ...]]:
    """Return what fell, or went away, from one scrape to the next: Prometheus would take each for a restart from 0."""
    return [name for before, after in pairwise(scrapes) for name in before if after.get(name, -1.0) < before[name]]

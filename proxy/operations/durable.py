"""The durable metrics: one snapshot of the journal, and how the circuits stand, as Prometheus families. Nothing is read in here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from proxy.operations.durable_metrics import DURABLE
from proxy.rules.hours import Opening
from proxy.rules.outage import lasted_ms
from proxy.rules.outcome import OutcomeKind
from proxy.rules.stamps import Stamp
from store.snapshot import DURATION_BOUNDS_S, GroupOutages, Histogram, Snapshot

NEVER_OUT: Final = GroupOutages(0, 0.0, Histogram(DURATION_BOUNDS_S, (0,) * (len(DURATION_BOUNDS_S) + 1), 0.0), 0, None, None)
"""The figures of a group that never was out."""

ACTIONS: Final = ("edit", "retry", "settle", "discard", "hold", "release", "export", "restore", "reads-purge")
"""What persons do; told from the start, at 0, else increase() would miss the first of each. What was put right without one comes to it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """
    What is known at one scrape.

    `groups` has every group with whether it is up; `routes` the record routes; `free_bytes` is the room on the journal's disk, None where
    it cannot be had; `held` says that an operator's hold is in force; `clock_offset_s` is None until the upstream's clock is known;
    `openings` has the latest of each span of the centre's hours; `running` says whether a service runs.
    """

    snapshot: Snapshot
    groups: Mapping[str, bool]
    routes: tuple[str, ...]
    at: Stamp
    free_bytes: int | None
    held: bool
    clock_offset_s: float | None
    openings: Mapping[str, Opening]
    running: bool


def families(standing: Standing) -> Iterator[Metric]:
    """Yield every durable family, and the gauges that go with them."""
    yield _one("service_running", standing.running)
    yield from _upstream(standing)
    yield from _outages(standing)
    yield from _records(standing)
    yield from _journal(standing)
    if standing.openings:
        yield from _hours(standing)


def _upstream(standing: Standing) -> Iterator[Metric]:
    up, current = _gauge("upstream_up"), _gauge("outage_current_seconds")
    for group, is_up in standing.groups.items():
        up.add_metric([group], float(is_up))
        running = standing.snapshot.outages.get(group, NEVER_OUT).running
        current.add_metric([group], 0.0 if running is None else lasted_ms(running, standing.at) / 1000)
    yield up
    yield current
    yield _one("operator_hold", standing.held)


def _outages(standing: Standing) -> Iterator[Metric]:
    of = {group: standing.snapshot.outages.get(group, NEVER_OUT) for group in {**standing.groups, **standing.snapshot.outages}}
    yield _counter("outages_total", {group: own.total for group, own in of.items()})
    yield _counter("outage_seconds_total", {group: own.seconds_total for group, own in of.items()})
    started = {group: own.last_start_at for group, own in of.items() if own.total}
    yield _times("outage_last_start_timestamp_seconds", started)
    ended = {group: own.last_end_at for group, own in of.items() if own.last_end_at is not None}
    yield _times("outage_last_end_timestamp_seconds", ended)
    yield _histogram("outage_duration_seconds", {(group,): own.durations for group, own in of.items()})


def _records(standing: Standing) -> Iterator[Metric]:
    snapshot = standing.snapshot
    states = _gauge("records")
    for state, count in snapshot.records.items():
        states.add_metric([state.value], count)
    yield states
    recorded = dict.fromkeys(standing.routes, 0) | dict(snapshot.recorded_total)
    yield _counter("records_recorded_total", recorded)
    if snapshot.oldest_unsent_at is not None:
        yield _one("records_oldest_unsent_timestamp_seconds", snapshot.oldest_unsent_at / 1000)
    if snapshot.next_deadline_at is not None:
        yield _one("records_next_deadline_timestamp_seconds", snapshot.next_deadline_at / 1000)
    yield _one("records_past_deadline", snapshot.past_deadline)
    yield _one("records_quarantined", snapshot.quarantined)
    yield _counter("operator_actions_total", dict.fromkeys(ACTIONS, 0) | dict(snapshot.operator_actions_total))
    sends = dict.fromkeys((kind.value for kind in OutcomeKind), 0) | dict(snapshot.sends_total)
    yield _counter("sends_total", sends)
    yield _histogram("delivery_delay_seconds", {(): snapshot.delivery_delay})


def _journal(standing: Standing) -> Iterator[Metric]:
    yield _one("journal_size_bytes", standing.snapshot.journal_size_bytes)
    if standing.clock_offset_s is not None:
        yield _one("clock_offset_seconds", standing.clock_offset_s)
    if standing.free_bytes is not None:
        yield _one("journal_free_bytes", standing.free_bytes)


def _hours(standing: Standing) -> Iterator[Metric]:
    yield _one("centre_open", any(opening.has(standing.at.wall) for opening in standing.openings.values()))
    starts, lengths = _gauge("centre_hours_start_timestamp_seconds"), _gauge("centre_hours_seconds")
    for span, opening in standing.openings.items():
        starts.add_metric([span], opening.at / 1000)
        lengths.add_metric([span], opening.length_s)
    yield starts
    yield lengths


def _gauge(name: str) -> GaugeMetricFamily:
    about = DURABLE[name]
    return GaugeMetricFamily(about.family, about.meaning, labels=about.labels)


def _one(name: str, value: float) -> GaugeMetricFamily:
    family = _gauge(name)
    family.add_metric([], value)
    return family


def _counter(name: str, values: Mapping[str, float]) -> CounterMetricFamily:
    about = DURABLE[name]
    family = CounterMetricFamily(about.family, about.meaning, labels=about.labels)
    for of, value in values.items():
        family.add_metric([of], value)
    return family


def _times(name: str, values: Mapping[str, int]) -> GaugeMetricFamily:
    family = _gauge(name)
    for group, at in values.items():
        family.add_metric([group], at / 1000)
    return family


def _histogram(name: str, values: Mapping[tuple[str, ...], Histogram]) -> HistogramMetricFamily:
    about = DURABLE[name]
    family = HistogramMetricFamily(about.family, about.meaning, labels=about.labels)
    for labels, histogram in values.items():
        bounds: Iterable[str] = [*map(str, histogram.bounds_s), "+Inf"]
        family.add_metric(labels, list(zip(bounds, accumulate(histogram.counts), strict=True)), histogram.sum_s)
    return family

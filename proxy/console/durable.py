"""The durable metrics: one snapshot of the journal, and how the circuits stand, as Prometheus families. Nothing is read in here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from proxy.rules.outage import lasted_ms
from proxy.rules.outcome import OutcomeKind
from proxy.rules.stamps import Stamp
from store.snapshot import DURATION_BOUNDS_S, GroupOutages, Histogram, Snapshot

NEVER_OUT: Final = GroupOutages(0, 0.0, Histogram(DURATION_BOUNDS_S, (0,) * (len(DURATION_BOUNDS_S) + 1), 0.0), 0, None, None)
"""The figures of a group that never was out."""


@dataclass(frozen=True, slots=True)
class Standing:
    """
    What is known at one scrape.

    `groups` has every group with whether it is up; `routes` the record routes; `free_bytes` is the room on the journal's disk, None where
    it cannot be had; `held` says that an operator's hold is in force; `clock_offset_s` is None until the upstream's clock is known.
    """

    snapshot: Snapshot
    groups: Mapping[str, bool]
    routes: tuple[str, ...]
    at: Stamp
    free_bytes: int | None
    held: bool
    clock_offset_s: float | None


def families(standing: Standing) -> Iterator[Metric]:
    """Yield every durable family, and the gauges that go with them."""
    yield from _upstream(standing)
    yield from _outages(standing)
    yield from _records(standing)
    yield from _journal(standing)


def _upstream(standing: Standing) -> Iterator[Metric]:
    up = _gauge("upstream_up", "1 while the group's circuit lets calls through, 0 in an outage.", "group")
    current = _gauge("outage_current_seconds", "Seconds since the running outage's first failure, 0 while there is none.", "group")
    for group, is_up in standing.groups.items():
        up.add_metric([group], float(is_up))
        running = standing.snapshot.outages.get(group, NEVER_OUT).running
        current.add_metric([group], 0.0 if running is None else lasted_ms(running, standing.at) / 1000)
    yield up
    yield current
    yield _one("operator_hold", "1 while an operator's hold keeps records from being sent.", float(standing.held))


def _outages(standing: Standing) -> Iterator[Metric]:
    of = {group: standing.snapshot.outages.get(group, NEVER_OUT) for group in {**standing.groups, **standing.snapshot.outages}}
    yield _counter("outages", "Outages, the running one included.", "group", {group: own.total for group, own in of.items()})
    seconds = {group: own.seconds_total for group, own in of.items()}
    yield _counter("outage_seconds", "Seconds of outage, the running one up to its last failure seen.", "group", seconds)
    started = {group: own.last_start_at for group, own in of.items() if own.total}
    yield _times("outage_last_start", "When the latest outage began.", started)
    ended = {group: own.last_end_at for group, own in of.items() if own.last_end_at is not None}
    yield _times("outage_last_end", "When the latest outage that is over ended.", ended)
    lengths = HistogramMetricFamily(
        "dosekeeper_outage_duration_seconds", "Length of outages whose end has held two minutes.", labels=["group"]
    )
    for group, own in of.items():
        lengths.add_metric([group], _buckets(own.durations), own.durations.sum_s)
    yield lengths


def _records(standing: Standing) -> Iterator[Metric]:
    snapshot = standing.snapshot
    states = _gauge("records", "Records in the journal, by state.", "state")
    for state, count in snapshot.records.items():
        states.add_metric([state.value], count)
    yield states
    recorded = dict.fromkeys(standing.routes, 0) | dict(snapshot.recorded_total)
    yield _counter("records_recorded", "Records kept.", "route", recorded)
    if snapshot.oldest_unsent_at is not None:
        yield _one("records_oldest_unsent_timestamp_seconds", "When the oldest unsent record was made.", snapshot.oldest_unsent_at / 1000)
    if snapshot.next_deadline_at is not None:
        yield _one("records_next_deadline_timestamp_seconds", "Next deadline of what is not confirmed.", snapshot.next_deadline_at / 1000)
    yield _one("records_past_deadline", "Records that are not confirmed and should have been.", snapshot.past_deadline)
    yield _one("records_quarantined", "Records ever held because a part of them was damaged on disk.", snapshot.quarantined)
    yield _counter("operator_actions", "What persons did, as in the audit.", "action", snapshot.operator_actions_total)
    sends = dict.fromkeys((kind.value for kind in OutcomeKind), 0) | dict(snapshot.sends_total)
    yield _counter("sends", "Sends of records, by outcome.", "outcome", sends)
    delay = HistogramMetricFamily("dosekeeper_delivery_delay_seconds", "Time from keeping a record to its delivery.")
    delay.add_metric([], _buckets(snapshot.delivery_delay), snapshot.delivery_delay.sum_s)
    yield delay


def _journal(standing: Standing) -> Iterator[Metric]:
    yield _one("journal_size_bytes", "Size of the journal with its log.", standing.snapshot.journal_size_bytes)
    if standing.clock_offset_s is not None:
        yield _one("clock_offset_seconds", "How far this computer's clock is ahead of the upstream's.", standing.clock_offset_s)
    if standing.free_bytes is not None:
        yield _one("journal_free_bytes", "Free space on the journal's disk.", standing.free_bytes)


def _gauge(name: str, documentation: str, label: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"dosekeeper_{name}", documentation, labels=[label])


def _one(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"dosekeeper_{name}", documentation, value=value)


def _counter(name: str, documentation: str, label: str, values: Mapping[str, float]) -> CounterMetricFamily:
    family = CounterMetricFamily(f"dosekeeper_{name}", documentation, labels=[label])
    for of, value in values.items():
        family.add_metric([of], value)
    return family


def _times(name: str, documentation: str, values: Mapping[str, int]) -> GaugeMetricFamily:
    family = _gauge(f"{name}_timestamp_seconds", documentation, "group")
    for group, at in values.items():
        family.add_metric([group], at / 1000)
    return family


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    bounds: Iterable[str] = [*map(str, histogram.bounds_s), "+Inf"]
    return list(zip(bounds, accumulate(histogram.counts), strict=True))

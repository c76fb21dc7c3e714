"""
What is counted while requests pass: metrics of this process, reset with it.

What must survive a restart is not here; it is counted by the journal's own transactions and read in one snapshot per scrape.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

FAST_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 10.0, 30.0)


class Meters:
    """The instruments, each by its name in DESIGN §9 without the prefix."""

    def __init__(self) -> None:
        disable_created_metrics()
        self.registry = CollectorRegistry()

        def named(name: str) -> str:
            return f"dosekeeper_{name}"

        self.http_requests = Counter(
            named("http_requests"), "Requests of clients, by what became of them.", ("method", "route", "outcome"), registry=self.registry
        )
        self.http_request_duration = Histogram(
            named("http_request_duration_seconds"),
            "Time from a client's request to its answer.",
            ("route",),
            buckets=FAST_S,
            registry=self.registry,
        )
        # A label's own instrument is looked up under a lock each time; a profile has few of them.
        self.http_requests_of = cache(self.http_requests.labels)
        self.http_request_duration_of = cache(self.http_request_duration.labels)
        self.upstream_requests = Counter(
            named("upstream_requests"), "Requests sent to the upstream, by outcome.", ("outcome",), registry=self.registry
        )
        self.upstream_request_duration = Histogram(
            named("upstream_request_duration_seconds"), "Time the upstream took.", buckets=FAST_S, registry=self.registry
        )
        self.probe_success = Gauge(named("probe_success"), "1 if the last probe was answered by the upstream.", registry=self.registry)
        self.credential_ok = Gauge(
            named("credential_ok"), "0 while the sidecar's own credential is refused, or cannot be had.", registry=self.registry
        )
        self.credential_ok.set(1)
        self.replay_concurrency_limit = Gauge(
            named("replay_concurrency_limit"), "Records that replay may have in flight.", registry=self.registry
        )
        self.journal_commit_duration = Histogram(
            named("journal_commit_duration_seconds"),
            "Time of one journal commit, a batch of writes.",
            buckets=FAST_S,
            registry=self.registry,
        )
        self.reads = Counter(
            named("reads"),
            "Answers on read routes: the upstream's own, remembered ones, none to be had.",
            ("result",),
            registry=self.registry,
        )
        self.sweep_missing = Counter(named("sweep_missing"), "Records that the upstream took and no longer has.", registry=self.registry)
        self.writes_unrecorded = Counter(
            named("writes_unrecorded"), "Writes passed on without a record because the journal could not keep them.", registry=self.registry
        )

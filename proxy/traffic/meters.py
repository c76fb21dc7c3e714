"""
What is counted while requests pass: metrics of this process, reset with it.

What must survive a restart is not here; it is counted by the journal's own transactions and read in one snapshot per scrape.
"""

from __future__ import annotations

import math
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Final, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics
from prometheus_client.metrics import MetricWrapperBase

from proxy.rules.outcome import OutcomeKind
from proxy.traffic.process_metrics import PROCESS

Instrument = TypeVar("Instrument", bound=MetricWrapperBase)

FAST_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 10.0, 30.0)

READ_RESULTS: Final = ("fetched", "remembered", "own", "missing")


class Meters:
    """The instruments, each by its name in DESIGN §9 without the prefix."""

    def __init__(self) -> None:
        disable_created_metrics()
        self.registry = CollectorRegistry()
        self._make(Info, "build_info").info({"version": running_version()})
        self.http_requests = self._make(Counter, "http_requests_total")
        self.http_request_duration = self._timed("http_request_duration_seconds")
        # A label's own instrument is looked up under a lock each time; a profile has few of them.
        self.http_requests_of = cache(self.http_requests.labels)
        self.http_request_duration_of = cache(self.http_request_duration.labels)
        self.upstream_requests = self._make(Counter, "upstream_requests_total")
        self.upstream_request_duration = self._timed("upstream_request_duration_seconds")
        self.probe_success = self._make(Gauge, "probe_success")
        self.probe_success.set(math.nan)
        self.credential_ok = self._make(Gauge, "credential_ok")
        self.credential_ok.set(1)
        self.replay_concurrency_limit = self._make(Gauge, "replay_concurrency_limit")
        self.journal_commit_duration = self._timed("journal_commit_duration_seconds")
        self.journal_read_errors = self._make(Counter, "journal_read_errors_total")
        reads = self._make(Counter, "reads_total")
        self.reads_of = cache(reads.labels)
        self.sweep_missing = self._make(Counter, "sweep_missing_total")
        self.writes_unrecorded = self._make(Counter, "writes_unrecorded_total")
        # What is first seen at 1 has not risen, says Prometheus: the first of each would be lost to it.
        for kind in OutcomeKind:
            self.upstream_requests.labels(kind.value)
        for result in READ_RESULTS:
            self.reads_of(result)

    def _make(self, kind: type[Instrument], name: str) -> Instrument:
        about = PROCESS[name]
        labels = () if kind is Info else about.labels  # an info's labels are its value
        return kind(about.family, about.meaning, labels, registry=self.registry)

    def _timed(self, name: str) -> Histogram:
        about = PROCESS[name]
        return Histogram(about.family, about.meaning, about.labels, registry=self.registry, buckets=FAST_S)


def running_version() -> str:
    """Return the version of dosekeeper that is installed, `0` where it runs from a folder."""
    try:
        return version("dosekeeper")
    except PackageNotFoundError:
        return "0"

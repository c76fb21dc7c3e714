"""The metrics of this process, reset with it. A new one is described here, made in `proxy.traffic.meters`."""

from __future__ import annotations

from typing import Final

from proxy.traffic.described import Described, by_name

PROCESS: Final = by_name(
    Described(
        "build_info",
        "info",
        ("version",),
        "The version that is running.",
        "See which centres still run an old version: `count by (version) (dosekeeper_build_info)`.",
    ),
    Described(
        "http_requests_total",
        "counter",
        ("method", "route", "outcome"),
        "Requests of clients, by what became of them.",
        "What the desks get: `verdict` is the server's own answer, `receipt` ours, `problem` an error of ours. "
        "A route that the profile does not name is `other`.",
    ),
    Described(
        "http_request_duration_seconds",
        "histogram",
        ("route",),
        "Time from a client's request to its answer.",
        "How long a desk waits; on record and read routes hardly above `answering.answer_within`.",
    ),
    Described(
        "upstream_requests_total",
        "counter",
        ("outcome",),
        "Requests sent to the upstream, by outcome.",
        "`unknown` and `unavailable` rise before an outage is declared; `throttled` says that the server wants fewer calls.",
    ),
    Described(
        "upstream_request_duration_seconds",
        "histogram",
        (),
        "Time the upstream took.",
        "The server is getting slow: compare with `outage.slow_after`.",
    ),
    Described(
        "probe_success",
        "gauge",
        (),
        "1 if the last probe was answered by the upstream, 0 if not, NaN before the first.",
        "For a look only: whether there is an outage says `dosekeeper_upstream_up`, which goes by real calls too.",
    ),
    Described(
        "credential_ok",
        "gauge",
        (),
        "0 while the sidecar's own credential is refused, or cannot be had.",
        "At 0 put the right credential in place: see the runbook, it says how.",
    ),
    Described(
        "replay_concurrency_limit",
        "gauge",
        (),
        "Records that replay may have in flight.",
        "At 1 the server is being spared: it was slow or throttled of late.",
    ),
    Described(
        "journal_commit_duration_seconds",
        "histogram",
        (),
        "Time of one journal commit, a batch of writes.",
        "Above 2 s the disk keeps no dose in time: runbook, by `dosekeeper status`.",
    ),
    Described(
        "journal_read_errors_total",
        "counter",
        (),
        "Scrapes that could not read the journal: the durable metrics were missing.",
        "If it rises, look at the disk, then `dosekeeper journal check`.",
    ),
    Described(
        "reads_total",
        "counter",
        ("result",),
        "Answers on read routes: the upstream's own, remembered ones, none to be had.",
        "`missing` in an outage is what nobody had looked up before: the desks go by paper there.",
    ),
    Described(
        "sweep_missing_total",
        "counter",
        (),
        "Records that the upstream took and no longer has.",
        "Anything above 0: the server lost doses. They are held again: `dosekeeper records list --state held`.",
    ),
    Described(
        "writes_unrecorded_total",
        "counter",
        (),
        "Writes passed on without a record because the journal could not keep them.",
        "Anything above 0: make room on the disk, or have it looked at. Those doses are with the server, not here.",
    ),
)
"""By name, without the prefix."""

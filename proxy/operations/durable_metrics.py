"""The metrics that are the journal's, and outlive the process. A new one is described here, made in `proxy.operations.durable`."""

from __future__ import annotations

from typing import Final

from proxy.traffic.described import Described, by_name

DURABLE: Final = by_name(
    Described(
        "service_running",
        "gauge",
        (),
        "1 when a running service tells the metrics, 0 when a command read the journal without one.",
        "0 comes from `dosekeeper metrics` only: start the service.",
    ),
    Described(
        "upstream_up",
        "gauge",
        ("group",),
        "1 while the group's circuit lets calls through, 0 in an outage.",
        "At 0 the desks get receipts. One centre alone: its line; many at once: the server.",
    ),
    Described(
        "outage_current_seconds",
        "gauge",
        ("group",),
        "Seconds since the running outage's first failure, 0 while there is none.",
        "How long it lasts, by this centre's own clock; no sum of times of two computers.",
    ),
    Described(
        "outages_total",
        "counter",
        ("group",),
        "Outages, the running one included.",
        "`increase(…[30d])`: how often it was down.",
    ),
    Described(
        "outage_seconds_total",
        "counter",
        ("group",),
        "Seconds of outage, the running one up to its last failure seen.",
        "`increase(…[30d]) / (30 * 86400)`: the share of the time it was down.",
    ),
    Described(
        "outage_duration_seconds",
        "histogram",
        ("group",),
        "Length of outages whose end has held two minutes.",
        "How long outages are. Each is counted once, when it can no longer go on as the same one.",
    ),
    Described(
        "outage_last_start_timestamp_seconds",
        "gauge",
        ("group",),
        "When the latest outage began; absent before the first.",
        "Unix time, for a dashboard.",
    ),
    Described(
        "outage_last_end_timestamp_seconds",
        "gauge",
        ("group",),
        "When the latest outage that is over ended; absent before the first.",
        "Unix time, for a dashboard.",
    ),
    Described(
        "operator_hold",
        "gauge",
        (),
        "1 while an operator's hold keeps records from being sent.",
        "Silence other alerts meanwhile; if it is forgotten: `dosekeeper release`.",
    ),
    Described(
        "records",
        "gauge",
        ("state",),
        "Records in the journal, by state.",
        "`held` waits for a person: `dosekeeper records list --state held --grouped`. `pending` goes up by itself.",
    ),
    Described(
        "records_recorded_total",
        "counter",
        ("route",),
        "Records kept.",
        "Doses and registrations of this centre, up or down.",
    ),
    Described(
        "records_oldest_unsent_timestamp_seconds",
        "gauge",
        (),
        "When the oldest record was made that is still to be sent; absent where there is none.",
        "Old although the server is up: the queue is stuck. `dosekeeper status` says why.",
    ),
    Described(
        "records_next_deadline_timestamp_seconds",
        "gauge",
        (),
        "Next deadline of what is not confirmed; absent where there is none.",
        "Less than four hours ahead: `dosekeeper export`, and enter by hand what will not go up in time.",
    ),
    Described(
        "records_past_deadline",
        "gauge",
        (),
        "Records that are not confirmed and should have been.",
        "Anything above 0: `dosekeeper export --out FILE`, enter them by hand.",
    ),
    Described(
        "records_quarantined",
        "gauge",
        (),
        "Records ever held because a part of them was damaged on disk.",
        "If it rises, the disk is failing: make a copy (`dosekeeper backup`), then `dosekeeper journal check`.",
    ),
    Described(
        "operator_actions_total",
        "counter",
        ("action",),
        "What persons did, and what was put right without one, as in the audit.",
        "Many `edit` or `discard` at one centre: `dosekeeper audit list`.",
    ),
    Described(
        "sends_total",
        "counter",
        ("outcome",),
        "Sends of records, by outcome.",
        "What the server says of the doses; `refused` is said of the dose, `unavailable` of the server.",
    ),
    Described(
        "delivery_delay_seconds",
        "histogram",
        (),
        "Time from keeping a record to its delivery.",
        "How late doses reach the server; those of an outage stand in the long buckets.",
    ),
    Described(
        "journal_size_bytes",
        "gauge",
        (),
        "Size of the journal with its log.",
        "Grows with the records; their content is purged `privacy.keep_delivered` after they were closed.",
    ),
    Described(
        "journal_free_bytes",
        "gauge",
        (),
        "Free space on the journal's disk.",
        "`predict_linear(…[3d], 7 * 86400) < 0`: full within a week. Make room.",
    ),
    Described(
        "clock_offset_seconds",
        "gauge",
        (),
        "How far this computer's clock is ahead of the upstream's; absent until that was heard.",
        "Beyond ±60: set the clock. Doses carry its time.",
    ),
    Described(
        "centre_open",
        "gauge",
        (),
        "1 within centre.hours, 0 outside; absent where no hours are set.",
        "Join other alerts with it, so that nobody is called at night for what can wait.",
    ),
    Described(
        "centre_hours_start_timestamp_seconds",
        "gauge",
        ("span",),
        "When a span of centre.hours last began; absent where no hours are set.",
        "With the next one: whether a centre that has gone silent ought to be open, below.",
    ),
    Described(
        "centre_hours_seconds",
        "gauge",
        ("span",),
        "How long that span of centre.hours is; absent where no hours are set.",
        "See above.",
    ),
)
"""By name, without the prefix."""

"""What an outage is: one row of the outage ledger. Pure types."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outage:
    """
    One outage of one group of routes; times are wall-clock milliseconds UTC.

    `started_at` is the first failure of the run (back-dated), `ended_at` the first good answer of the run that held, None while it
    lasts; `last_bad_at` is the last failure seen; `flaps` counts the times it came back within two minutes of its end;
    `unobserved_ms` is the part of it during which no sidecar was running; `seen_at` is when the row was last known to be true.
    """

    id: int
    group: str
    started_at: int
    detected_at: int
    last_bad_at: int
    ended_at: int | None
    cause: str
    scope: str
    flaps: int = 0
    unobserved_ms: int = 0
    recorded: int = 0
    drained_at: int | None = None
    seen_at: int = 0

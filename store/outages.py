"""What an outage is: one row of the outage ledger. Pure types."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outage:
    """
    One outage of one group of routes; times are wall-clock milliseconds UTC.

    `started_at` is the first failure of the run (back-dated), `ended_at` the first good answer of the run that held, None while it
    lasts; `last_bad_at` is the last failure seen; `flaps` counts the times it came back within two minutes of its end;
    `unobserved_ms` is the part of it during which no sidecar was running; `seen_at` is when the row was last known to be true, and
    `seen_wall_at`, `seen_boot`, `seen_boot_s` are that moment by the wall clock as it stood then and by the boot's own. All other times
    are by the wall clock as it stood at the beginning. `clock_doubtful` says that it was set meanwhile, or known to be wrong.

    `first_number` is the first record that can have been made in it, `last_number` the last when its end was found, None while it lasts.
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
    seen_wall_at: int = 0
    seen_boot: str = ""
    seen_boot_s: float = 0.0
    first_number: int = 0
    last_number: int | None = None
    clock_doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """When a row is known to be true: `at` in its own time, the wall clock's milliseconds UTC, and seconds since the boot of that name."""

    at: int
    wall: int
    boot_id: str
    boot_s: float
    doubtful: bool = False

"""Brown-outs in the outage ledger: the server answers, but late."""

from __future__ import annotations

from store.outage_ledger import as_outages, begin_row, columns
from store.outages import Outage, Seen, Slowness, Start
from store.queries import Db, rows, run


def begin(db: Db, group: str, slowness: Slowness, seen: Seen) -> int:
    """Begin a row, or go on with the one that runs, as after a write whose end was not heard of; return its id."""
    for row in running(db):
        if row.group == group:
            go_on(db, row.id, slowness, seen)
            return row.id
    times, counts = (slowness.started_at, seen.at), {"calls": slowness.calls, "slow_calls": slowness.slow_calls}
    start = Start(error=slowness.first)
    return begin_row(db, "slow", group, times, ("slow", "upstream"), seen, start, last_error=slowness.last, **counts)


def go_on(db: Db, id_: int, slowness: Slowness, seen: Seen) -> bool:
    """Note what it comes to by now; False where it is over."""
    figures = {"last_slow_at": slowness.last_slow_at, "calls": slowness.calls, "slow_calls": slowness.slow_calls}
    return run(db, "slow_down", id=id_, last_error=slowness.last, **figures, **columns(seen)) > 0


def running(db: Db) -> list[Outage]:
    """Return the brown-outs that are not over, as the journal knows."""
    return as_outages(rows(db, "running_brown_outs"))

"""When a sidecar was running and looked: all other time is unobserved, neither up nor down."""

from __future__ import annotations

from store.outages import Watch
from store.queries import Db, rows, run, value


def begin(db: Db, began_at: int, began_by: str) -> int:
    """Note that somebody looks from now on; return the id of it."""
    id_: int = value(db, "begin_watch", began_at=began_at, began_by=began_by)
    return id_


def go_on(db: Db, id_: int, seen_at: int) -> bool:
    """Note that they still do."""
    return run(db, "go_on_watching", id=id_, seen_at=seen_at) > 0


def between(db: Db, since: int, until: int) -> list[Watch]:
    """Return those that touch a span, in the order in which they began."""
    return [Watch(*row) for row in rows(db, "watches", since=since, until=until)]

"""The request is done, and the connection closes before the answer."""

from __future__ import annotations

from simulator.exchange import Reply
from simulator.faults.fault import RequestFault, Visit


class CommitThenDrop(RequestFault):
    """Does what was asked and closes the connection without a word."""

    async def strike(self, visit: Visit) -> Reply | None:
        """Work, then close."""
        await visit.work()
        visit.drop()
        return None

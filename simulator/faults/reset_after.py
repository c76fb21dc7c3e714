"""The connection breaks after the server has read the whole request, and before it has done it."""

from __future__ import annotations

from simulator.exchange import Reply
from simulator.faults.fault import RequestFault, Visit


class ResetAfter(RequestFault):
    """Reads, then resets the connection: the client cannot tell whether the request was done."""

    async def strike(self, visit: Visit) -> Reply | None:
        """Read and reset; the request is not done."""
        await visit.read()
        visit.reset()
        return None

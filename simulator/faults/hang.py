"""The server takes the request and says nothing."""

from __future__ import annotations

from simulator.exchange import Reply
from simulator.faults.fault import RequestFault, Visit


class Hang(RequestFault):
    """Reads the request and leaves it until the fault is lifted: then it is done if the client still waits, and never if it has gone."""

    async def strike(self, visit: Visit) -> Reply | None:
        """Wait for the end of the fault."""
        await visit.read()
        await visit.wait()
        return None if visit.left else await visit.work()

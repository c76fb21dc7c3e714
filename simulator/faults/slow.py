"""The server works, but late."""

from __future__ import annotations

from pydantic import NonNegativeFloat

from simulator.exchange import Reply
from simulator.faults.fault import RequestFault, Visit


class Slow(RequestFault):
    """Reads the request and does it `latency_s` seconds later, whether or not the client still waits."""

    latency_s: NonNegativeFloat = 5.0

    async def strike(self, visit: Visit) -> Reply | None:
        """Wait, then work; at the end of the fault, work at once."""
        await visit.read()
        await visit.wait(self.latency_s)
        return await visit.work()

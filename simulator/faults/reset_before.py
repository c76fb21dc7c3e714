"""The connection breaks before the server has read the body."""

from __future__ import annotations

from simulator.exchange import Reply
from simulator.faults.fault import RequestFault, Visit


class ResetBefore(RequestFault):
    """Resets the connection as soon as the head has come in."""

    async def strike(self, visit: Visit) -> Reply | None:
        """Reset; the request is not done."""
        visit.reset()
        return None

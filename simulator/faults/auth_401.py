"""The server accepts no credential any more."""

from __future__ import annotations

from simulator.exchange import Reply
from simulator.faults.fault import RequestFault, Visit


class Auth401(RequestFault):
    """Answers 401 in the server's own words, whatever credential came."""

    async def strike(self, visit: Visit) -> Reply | None:
        """Answer 401; the request is not done."""
        await visit.read()
        return visit.unauthenticated()

"""The request is done, but the gateway has stopped waiting for it."""

from __future__ import annotations

from simulator.exchange import Reply
from simulator.faults.fault import RequestFault, Visit
from simulator.faults.gateway_504 import ENDPOINT_TIMED_OUT


class CommitThen504(RequestFault):
    """Does what was asked and answers with the gateway's 504."""

    async def strike(self, visit: Visit) -> Reply | None:
        """Work, then answer as the gateway does."""
        await visit.work()
        return ENDPOINT_TIMED_OUT

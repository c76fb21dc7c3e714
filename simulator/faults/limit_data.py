"""The connection closes after so many bytes of the answer."""

from __future__ import annotations

from pydantic import NonNegativeInt

from simulator import wire
from simulator.exchange import Reply
from simulator.faults.fault import RequestFault, Visit


class LimitData(RequestFault):
    """Does what was asked and sends the first `size` bytes of the answer, counted from its status line, then closes."""

    size: NonNegativeInt = 40

    async def strike(self, visit: Visit) -> Reply | None:
        """Work, then send no more than that."""
        reply = await visit.work()
        if reply is not None:
            visit.send((wire.head(reply) + reply.body)[: self.size])
            visit.drop()
        return None

"""The request is done, and the connection closes in the middle of the answer."""

from __future__ import annotations

from simulator import wire
from simulator.exchange import Reply
from simulator.faults.fault import RequestFault, Visit


class Truncated(RequestFault):
    """Does what was asked, and sends the head and half of the body of the answer."""

    async def strike(self, visit: Visit) -> Reply | None:
        """Work, then send a part."""
        reply = await visit.work()
        if reply is not None:
            visit.send(wire.head(reply) + reply.body[: len(reply.body) // 2])
            visit.drop()
        return None

"""The answer is there, but the close that ends it is late."""

from __future__ import annotations

from pydantic import NonNegativeFloat

from simulator import wire
from simulator.exchange import Reply
from simulator.faults.fault import RequestFault, Visit


class SlowClose(RequestFault):
    """Does what was asked, answers at once without a length, and closes `delay_s` seconds later: only then is the answer whole."""

    delay_s: NonNegativeFloat = 5.0

    async def strike(self, visit: Visit) -> Reply | None:
        """Work, answer, wait, close."""
        reply = await visit.work()
        if reply is not None:
            visit.send(wire.head(reply, with_length=False) + reply.body)
            await visit.wait(self.delay_s)
            visit.drop(answered=reply)
        return None

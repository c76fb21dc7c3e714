"""The line is thin."""

from __future__ import annotations

from pydantic import PositiveInt

from simulator.exchange import Reply
from simulator.faults.fault import RequestFault, Visit
from simulator.faults.pieces import send_in_pieces

PIECES_PER_SECOND = 20


class Bandwidth(RequestFault):
    """Lets `rate` bytes a second of each request through: first its body, then, once it is done, the answer."""

    rate: PositiveInt = 1024

    async def strike(self, visit: Visit) -> Reply | None:
        """Take as long as the body would, work, and send the answer at the rate."""
        await visit.wait(len(await visit.read()) / self.rate)
        reply = await visit.work()
        if reply is not None:
            size = -(-self.rate // PIECES_PER_SECOND)
            await send_in_pieces(visit, reply, size, size / self.rate)
        return None

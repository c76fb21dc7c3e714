"""The answer drips."""

from __future__ import annotations

from pydantic import NonNegativeFloat, PositiveInt

from simulator.exchange import Reply
from simulator.faults.fault import RequestFault, Visit
from simulator.faults.pieces import send_in_pieces


class Slicer(RequestFault):
    """Does what was asked and sends the answer, its head too, in pieces of `size` bytes, `delay_s` seconds apart."""

    size: PositiveInt = 16
    delay_s: NonNegativeFloat = 0.5

    async def strike(self, visit: Visit) -> Reply | None:
        """Work, then drip."""
        reply = await visit.work()
        if reply is not None:
            await send_in_pieces(visit, reply, self.size, self.delay_s)
        return None

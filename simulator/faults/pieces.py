"""How the faults that slow an answer down send it."""

from __future__ import annotations

from simulator import wire
from simulator.exchange import Reply
from simulator.faults.fault import Visit


async def send_in_pieces(visit: Visit, reply: Reply, size: int, pause_s: float) -> None:
    """Send *reply* in pieces of *size* bytes, *pause_s* seconds apart; once the fault is lifted, the rest without a pause."""
    raw = wire.head(reply) + reply.body
    for start in range(0, len(raw), size):
        if visit.left:
            return
        visit.send(raw[start : start + size])
        await visit.wait(pause_s)
    visit.drop(answered=reply)

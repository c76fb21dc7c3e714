"""The server's clock, or a proxy's, is wrong."""

from __future__ import annotations

from dataclasses import replace
from email.utils import formatdate

from simulator import clock
from simulator.exchange import Reply
from simulator.faults.fault import RequestFault, Visit


class WrongDate(RequestFault):
    """Does what was asked; the answer's Date is `ahead_s` seconds ahead (below 0: behind), or is `text` if that is given."""

    ahead_s: float = 86_400.0
    text: str | None = None

    async def strike(self, visit: Visit) -> Reply | None:
        """Work, then date the answer wrongly."""
        reply = await visit.work()
        date = formatdate(clock.now().at / 1000 + self.ahead_s, usegmt=True) if self.text is None else self.text
        return reply and replace(reply, fields=(*reply.fields, ("Date", date)))

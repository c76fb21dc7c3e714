"""The server's answer comes under a wrong name."""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from simulator.exchange import Reply
from simulator.faults.fault import RequestFault, Visit


class ContentType(RequestFault):
    """Does what was asked and calls the answer `says`, whatever it is."""

    says: str = Field("application/octet-stream", min_length=1)

    async def strike(self, visit: Visit) -> Reply | None:
        """Work, then misname the answer."""
        reply = await visit.work()
        return reply and replace(reply, content_type=reply.content_type and self.says)

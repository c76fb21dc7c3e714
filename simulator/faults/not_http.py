"""Something answers that does not speak HTTP."""

from __future__ import annotations

from simulator.exchange import Reply
from simulator.faults.fault import RequestFault, Visit


class NotHttp(RequestFault):
    """Answers with bytes that are no HTTP, as a misconfigured port does."""

    async def strike(self, visit: Visit) -> Reply | None:
        """Send them and close; the request is not done, which the client cannot know."""
        await visit.read()
        visit.send(b"220 mail.invalid ESMTP ready\r\n\r\n")
        visit.drop()
        return None

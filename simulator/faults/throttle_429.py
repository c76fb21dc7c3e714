"""The gateway finds that this client asks too often."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

from pydantic import NonNegativeInt

from simulator.exchange import Reply, json_reply
from simulator.faults.fault import RequestFault, Visit


class Throttle429(RequestFault):
    """Answers 429, with Retry-After if `retry_after_s` is given."""

    retry_after_s: NonNegativeInt | None = None

    async def strike(self, visit: Visit) -> Reply | None:
        """Answer 429; the request is not done."""
        await visit.read()
        reply = json_reply(HTTPStatus.TOO_MANY_REQUESTS, {"message": "Too Many Requests"})
        return reply if self.retry_after_s is None else replace(reply, fields=(("Retry-After", str(self.retry_after_s)),))

"""The server is there and says that it cannot now."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import Final

from pydantic import NonNegativeInt

from simulator.exchange import Reply, html_reply, json_reply
from simulator.faults.fault import RequestFault, Visit

STATUS: Final = HTTPStatus.SERVICE_UNAVAILABLE
OWN: Final = json_reply(STATUS, {"errorCode": "GERR001", "error": "Under maintenance"})
BALANCERS: Final = html_reply(STATUS, "<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>")


class Unavailable503(RequestFault):
    """
    Answers 503, with Retry-After unless `retry_after_s` is null.

    The words are the server's own, which proves that the request was not done; with `own` false they are a balancer's, which proves
    nothing.
    """

    retry_after_s: NonNegativeInt | None = 30
    own: bool = True

    async def strike(self, visit: Visit) -> Reply | None:
        """Answer 503; the request is not done."""
        await visit.read()
        reply = OWN if self.own else BALANCERS
        return reply if self.retry_after_s is None else replace(reply, fields=(("Retry-After", str(self.retry_after_s)),))

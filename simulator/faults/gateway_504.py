"""The gateway in front of the server has waited long enough."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from simulator.exchange import Reply, json_reply
from simulator.faults.fault import RequestFault, Visit

ENDPOINT_TIMED_OUT: Final = json_reply(HTTPStatus.GATEWAY_TIMEOUT, {"message": "Endpoint request timed out"})
"""As seen on 28 April 2021."""


class Gateway504(RequestFault):
    """Answers with the gateway's 504; the request never reached the server."""

    async def strike(self, visit: Visit) -> Reply | None:
        """Answer as the gateway does; the request is not done."""
        await visit.read()
        return ENDPOINT_TIMED_OUT

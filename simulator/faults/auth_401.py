"""The server accepts no credential any more."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from simulator.exchange import Reply, text_reply
from simulator.faults.fault import RequestFault, Visit

UNAUTHENTICATED: Final = text_reply(HTTPStatus.UNAUTHORIZED, "Unauthenticated access!")
"""CoWIN's words."""


class Auth401(RequestFault):
    """Answers 401 in CoWIN's words, whatever credential came."""

    async def strike(self, visit: Visit) -> Reply | None:
        """Answer 401; the request is not done."""
        await visit.read()
        return UNAUTHENTICATED

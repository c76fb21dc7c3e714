"""The server breaks while it works on the request."""

from __future__ import annotations

from http import HTTPStatus

from simulator.exchange import Reply, text_reply
from simulator.faults.fault import RequestFault, Visit


class Error500(RequestFault):
    """Answers 500 in plain text, as CoWIN does; with `match` it is the one payload that the server cannot bear."""

    async def strike(self, visit: Visit) -> Reply | None:
        """Answer 500; the request is not done."""
        await visit.read()
        return text_reply(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal Server Error")

"""The gateway cannot make sense of what the server behind it says."""

from __future__ import annotations

from http import HTTPStatus

from simulator.exchange import Reply, html_reply
from simulator.faults.fault import RequestFault, Visit

PAGE = "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"


class BadGateway502(RequestFault):
    """Answers with a gateway's 502; the request never reached the server, which the client cannot know."""

    async def strike(self, visit: Visit) -> Reply | None:
        """Answer as the gateway does; the request is not done."""
        await visit.read()
        return html_reply(HTTPStatus.BAD_GATEWAY, PAGE)

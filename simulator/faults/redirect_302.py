"""The line's captive portal sends everybody to its log-in page."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

from simulator.exchange import Reply, html_reply
from simulator.faults.fault import RequestFault, Visit


class Redirect302(RequestFault):
    """Answers 302 to `location`, a page of another host."""

    location: str = "https://login.portal.invalid/voucher"

    async def strike(self, visit: Visit) -> Reply | None:
        """Answer as the portal does; the request never reached the server."""
        await visit.read()
        page = html_reply(HTTPStatus.FOUND, "<html><body>Please log in.</body></html>")
        return replace(page, fields=(("Location", self.location),))

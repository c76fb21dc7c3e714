"""The firewall in front of the server turns the request away."""

from __future__ import annotations

from http import HTTPStatus

from simulator.exchange import Reply, html_reply
from simulator.faults.fault import RequestFault, Visit

PAGE = """<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN" "http://www.w3.org/TR/html4/loose.dtd">
<HTML><HEAD><TITLE>ERROR: The request could not be satisfied</TITLE></HEAD><BODY>
<H1>403 ERROR</H1>
<H2>The request could not be satisfied.</H2>
Request blocked.
</BODY></HTML>
"""


class Waf403(RequestFault):
    """Answers 403 with a content network's page, as it does to whoever is over the limit."""

    async def strike(self, visit: Visit) -> Reply | None:
        """Answer as the firewall does; the request never reached the server."""
        await visit.read()
        return html_reply(HTTPStatus.FORBIDDEN, PAGE)

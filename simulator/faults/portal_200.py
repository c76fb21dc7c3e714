"""The line's captive portal answers in the server's place."""

from __future__ import annotations

from http import HTTPStatus

from simulator.exchange import Reply, html_reply
from simulator.faults.fault import RequestFault, Visit

PAGE = """<!DOCTYPE html>
<html><head><title>Wi-Fi log-in</title></head>
<body><h1>Welcome</h1><form action="/login" method="post"><input name="voucher"><button>Connect</button></form></body></html>
"""


class Portal200(RequestFault):
    """Answers every request with 200 and a page that asks for a voucher."""

    async def strike(self, visit: Visit) -> Reply | None:
        """Answer as the portal does; the request never reached the server."""
        await visit.read()
        return html_reply(HTTPStatus.OK, PAGE)

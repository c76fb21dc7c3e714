"""The proxy in front of the server allows no method that could change anything."""

from __future__ import annotations

from http import HTTPStatus

from simulator.exchange import Reply, html_reply
from simulator.faults.fault import RequestFault, Visit

PAGE = """<html>
<head><title>405 Not Allowed</title></head>
<body>
<center><h1>405 Not Allowed</h1></center>
<hr><center>nginx</center>
</body>
</html>
"""


class Nginx405(RequestFault):
    """Answers 405 with nginx's page, as seen in May and June 2021."""

    async def strike(self, visit: Visit) -> Reply | None:
        """Answer as nginx does; the request never reached the server."""
        await visit.read()
        return html_reply(HTTPStatus.METHOD_NOT_ALLOWED, PAGE)

"""The answer is a success in a shape that the server has never given."""

from __future__ import annotations

from http import HTTPStatus

from simulator.exchange import Reply, json_reply
from simulator.faults.fault import RequestFault, Visit


class WrongShape200(RequestFault):
    """Answers 200 with JSON's `null`, as a broken cache or a half-started server does."""

    async def strike(self, visit: Visit) -> Reply | None:
        """Answer; the request is not done, which the client cannot know."""
        await visit.read()
        return json_reply(HTTPStatus.OK, None)

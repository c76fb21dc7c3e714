"""The citizen's token dies before its time."""

from __future__ import annotations

from base64 import urlsafe_b64decode

import orjson
from pydantic import NonNegativeFloat

from simulator import clock
from simulator.exchange import Reply
from simulator.faults.fault import RequestFault, Visit


class TokenDies(RequestFault):
    """Answers 401 to a bearer token (a JWT) that was issued more than `life_s` seconds ago; a new log-in helps, as in June 2021."""

    life_s: NonNegativeFloat = 60.0

    async def strike(self, visit: Visit) -> Reply | None:
        """Answer 401, or work where the token is young enough or there is none."""
        issued_s = _issued_s(visit.field("Authorization"))
        if issued_s is None or clock.now().at / 1000 - issued_s <= self.life_s:
            return await visit.work()
        await visit.read()
        return visit.unauthenticated()


def _issued_s(authorization: str) -> float | None:
    """Return when the token was issued, in seconds since 1970; None for what is no token that says so."""
    payload = authorization.partition(".")[2].partition(".")[0]
    try:
        return float(orjson.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["iat"])
    except (ValueError, TypeError, KeyError):
        return None

"""
The sidecar's own access token, by OAuth2 client credentials: fetched before it is needed, and by nobody but one loop.

A call takes the token that is at hand and never waits for the endpoint. So one that is slow or down costs a desk nothing while the
token lives, and is asked by one at a time, less and less often.
"""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

from proxy.rules.token_life import NoToken, Token, again_in_s, renewed_in_s, token_of
from proxy.rules.wire import Fields
from proxy.settings.model import OAuth2
from proxy.traffic.client_proof import Unusable, proof
from proxy.traffic.clock import Clock
from proxy.traffic.retry import Wake
from proxy.traffic.upstream import Outgoing, Upstream, elsewhere

log = logging.getLogger(__name__)

WITHIN_S: Final = 10.0
"""Time for the endpoint's answer."""

RENEW_AFTER_S: Final = 5.0
"""A token younger than this that the upstream refuses is not exchanged: the next would be refused alike."""

HEAD: Final[Fields] = ((b"Content-Type", b"application/x-www-form-urlencoded"), (b"Accept", b"application/json"))


@dataclass(slots=True)
class TokenSource:
    """
    Keeps one token.

    `wall` is the best that is known of the time (milliseconds UTC), `why` says what was wrong when it last had none to give, `changed` is
    called when it may have one or none.
    """

    settings: OAuth2
    upstream: Upstream
    clock: Clock
    wall: Callable[[], int]
    changed: Callable[[], None] = lambda: None
    wake: Wake = field(default_factory=Wake)
    why: str | None = None
    _token: Token | None = None
    _asked_at: float = -math.inf
    _renew_at: float = -math.inf
    _failures: int = 0

    def token(self) -> str | None:
        """Return the token; None where there is none that still lives."""
        if self._token is None or self._age_s() >= self._token.life_s:
            return None
        return self._token.value

    def refused(self) -> None:
        """Have another one fetched: the upstream does not take this one."""
        if self._token is not None and self._age_s() >= RENEW_AFTER_S:
            self._token, self._renew_at = None, -math.inf
            self.wake.ring()
            self.changed()

    async def step(self) -> float:
        """Fetch a token, if it is time to; return seconds until it is again, or until the one there is has ended."""
        if self._renew_at > self.clock.monotonic():
            self.changed()
            return self._next_s()
        asked_at, draw = self.clock.monotonic(), random.random()  # noqa: S311 - spreads centres, keeps no secret
        got = await self._fetch()
        match got:
            case Token():
                self._token, self._asked_at, self._failures, self.why = got, asked_at, 0, None
                wait_s = renewed_in_s(got.life_s, draw)
                log.info("own token fetched", extra={"action": "token", "life_s": got.life_s})
            case NoToken(why):
                self._failures, self.why = self._failures + 1, why
                wait_s = again_in_s(self._failures, draw)
                log.warning("no token of our own", extra={"action": "token_failed", "why": why, "times": self._failures})
        self._renew_at = asked_at + wait_s
        self.changed()
        return self._next_s()

    def _next_s(self) -> float:
        left_s = self._renew_at - self.clock.monotonic()
        life_s = 0.0 if self._token is None else self._token.life_s - self._age_s()
        return max(0.0, min(left_s, life_s) if life_s > 0 else left_s)

    def _age_s(self) -> float:
        return self.clock.monotonic() - self._asked_at

    async def _fetch(self) -> Token | NoToken:
        try:
            shown = proof(self.settings, self.wall())
        except Unusable as error:
            return NoToken(str(error))
        origin, target = elsewhere(self.settings.token_url)
        scope = {} if self.settings.scope is None else {"scope": self.settings.scope}
        body = urlencode({"grant_type": "client_credentials", **scope, **shown.form}).encode()
        return token_of(await self.upstream.ask(Outgoing("POST", target, HEAD + shown.fields, body, origin), WITHIN_S))

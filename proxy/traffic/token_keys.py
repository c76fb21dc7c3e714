"""
The keys that sign the clients' tokens: fetched while their server is there, remembered in the journal for when it is not.

With them a token is known to be genuine without asking anybody. RSA and elliptic curves only: a shared secret or "none" proves nothing.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import orjson

from proxy.rules.wire import Answer
from proxy.settings.model import Recording
from proxy.traffic.clock import Clock
from proxy.traffic.retry import Wake
from proxy.traffic.upstream import Outgoing, Upstream, elsewhere
from store.errors import JournalError
from store.journal import Journal

if TYPE_CHECKING:  # it takes 10 MB of memory, and is needed only where there is a `jwks_url`
    from joserfc.jwk import KeySet

log = logging.getLogger(__name__)

ALGORITHMS: Final = ("RS256", "ES256")
KIND: Final = {"RSA", "EC"}
EVERY_S: Final = 6 * 3600.0
AGAIN_S: Final = 60.0
"""Shortest time between two questions for the keys: a stranger's made-up key id must not make us ask for ever."""

WITHIN_S: Final = 10.0
KEPT_AS: Final = "token keys"


@dataclass(slots=True)
class TokenKeys:
    """Says whether a token is genuine; without `jwks_url` none is."""

    settings: Recording
    upstream: Upstream
    journal: Journal
    clock: Clock
    wake: Wake = field(default_factory=Wake)
    _keys: KeySet | None = None
    _asked_at: float = -math.inf
    _wanted: bool = False

    async def load(self) -> None:
        """Take the keys that were remembered."""
        kept = await self.journal.noted(KEPT_AS)
        if kept is not None and self.settings.jwks_url is not None:
            self._keys = _key_set(kept)

    def genuine(self, token: str | None) -> Mapping[str, Any] | None:
        """Return the claims of *token* if signature, issuer and audience are right, else None; whether it is over is for the caller."""
        if token is None or self._keys is None:
            return None
        from joserfc import jwt
        from joserfc.errors import JoseError

        try:
            found = jwt.decode(token, self._keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError, TypeError, KeyError):
            # Of a key that we do not know, perhaps: then a new set is fetched, and the next request may be known.
            self._wanted = True
            self.wake.ring()
            return None
        return found.claims if self._is_meant(found.claims) else None

    async def step(self) -> float | None:
        """Fetch the keys if it is time to; return seconds until it is again, None where there is nothing to fetch."""
        if self.settings.jwks_url is None:
            return None
        since_s = self.clock.monotonic() - self._asked_at
        wait_s = AGAIN_S if self._wanted or self._keys is None else EVERY_S
        if since_s < wait_s:
            return wait_s - since_s
        self._asked_at, self._wanted = self.clock.monotonic(), False
        await self._fetch(self.settings.jwks_url)
        return EVERY_S if self._keys is not None else AGAIN_S

    async def _fetch(self, url: str) -> None:
        origin, target = elsewhere(url)
        answer = await self.upstream.ask(Outgoing("GET", target, ((b"Accept", b"application/json"),), None, origin), WITHIN_S)
        keys = _key_set(answer.body) if isinstance(answer, Answer) and answer.status == HTTPStatus.OK else None
        if keys is None or not isinstance(answer, Answer):
            log.warning("keys of the clients' tokens cannot be had, those remembered stay", extra={"action": "token_keys_failed"})
            return
        self._keys = keys
        log.info("keys of the clients' tokens fetched", extra={"action": "token_keys", "keys": len(keys.keys)})
        try:
            await self.journal.note_down(KEPT_AS, answer.body)
        except JournalError:
            log.exception("keys of the clients' tokens cannot be remembered", extra={"action": "token_keys_unkept"})

    def _is_meant(self, claims: Mapping[str, Any]) -> bool:
        issuer, audience = self.settings.token_issuer, self.settings.token_audience
        meant = claims.get("aud")
        return (issuer is None or claims.get("iss") == issuer) and (
            audience is None or audience in (meant if isinstance(meant, list) else [meant])
        )


def _key_set(body: bytes) -> KeySet | None:
    """Return the keys in *body* that can sign a token, one by one: a kind that we do not know must not cost us the others."""
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    try:
        members = orjson.loads(body)["keys"]
        usable = [key for key in members if key.get("kty") in KIND and key.get("use", "sig") == "sig"]
        return KeySet.import_key_set({"keys": usable}) if usable else None
    except (ValueError, TypeError, KeyError, AttributeError, JoseError):
        return None

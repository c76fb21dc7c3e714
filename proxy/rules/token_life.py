"""
What a token endpoint answered (RFC 6749 §5), and when to ask it again.

Asked before the token ends, so that no call finds it over; after a failure less and less often, so that an endpoint in trouble has rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, assert_never

import orjson

from proxy.rules.backoff import BackoffPolicy, interval_s
from proxy.rules.wire import Answer, Exchange, Failure

EARLY: Final = 0.8
"""Part of its life after which a token is renewed, at the latest."""

JITTER: Final = 0.1
"""Part of its life by which centres that started together are spread."""

LIFE_S: Final = 300.0
"""Life of a token whose endpoint does not say (RFC 6749 §5.1 only recommends that it does)."""

LIFE_MAX_S: Final = 24 * 3600.0
AGAIN: Final = BackoffPolicy(base_s=1.0, ceiling_s=60.0)
SAID: Final = frozenset(
    {"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope"}
)
"""The errors of RFC 6749 §5.2: anything else is not repeated, it could hold a secret."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and the seconds it lives from when it was asked for."""

    value: str
    life_s: float

    def __repr__(self) -> str:
        return f"Token(life_s={self.life_s})"


@dataclass(frozen=True, slots=True)
class NoToken:
    """There is none; `why` is for a person to read, without a secret."""

    why: str


def token_of(exchange: Exchange) -> Token | NoToken:
    """Return what the endpoint's answer holds."""
    match exchange:
        case Failure():
            return NoToken(f"the token endpoint gave no answer ({exchange.kind.value})")
        case Answer():
            return _of_answer(exchange.status, _members(exchange.body))
        case _:
            assert_never(exchange)


def _of_answer(status: int, members: Mapping[str, Any]) -> Token | NoToken:
    if status != HTTPStatus.OK:
        error = members.get("error")
        return NoToken(f"the token endpoint said no: {error if error in SAID else f'HTTP {status}'}")
    value, kind = members.get("access_token"), members.get("token_type")
    if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable() or " " in value:
        return NoToken("the token endpoint's answer holds no token")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        return NoToken("the token endpoint gave a token that is no Bearer token")
    return Token(value, _life_s(members.get("expires_in")))


def renewed_in_s(life_s: float, draw: float) -> float:
    """Return after how many seconds of its life a token is renewed; *draw* is uniform in [0, 1)."""
    return life_s * (EARLY - JITTER * draw)


def again_in_s(failures: int, draw: float) -> float:
    """Return the seconds after which an endpoint that failed *failures* times in a row (at least 1) is asked again."""
    return interval_s(failures, AGAIN) * (1 - draw / 2)


def _members(body: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _life_s(expires_in: Any) -> float:  # noqa: ANN401 - any JSON value
    if isinstance(expires_in, str) and expires_in.isascii() and expires_in.isdigit():  # some servers quote it
        expires_in = int(expires_in[:9])
    if isinstance(expires_in, bool) or not isinstance(expires_in, int | float) or expires_in <= 0:
        return LIFE_S
    return min(float(expires_in), LIFE_MAX_S)

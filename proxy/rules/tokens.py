"""
What a signed token (a JWT) says, read without asking whether it is true: whose it may be, and when it ends.

Nothing is believed on the strength of it: it chooses among credentials, it does not vouch for one (`proxy.rules.trust` says what does).
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any, Final

import orjson

from proxy.rules.wire import Fields, first

TOKEN_MAX: Final = 16 * 1024
"""Characters; a longer one is not looked into."""

PARTS: Final = 3
"""Header, claims, signature (RFC 7519 §3)."""

FAR_MS: Final = 1 << 53
"""Beyond it a number is no time."""


def token_in(fields: Fields, name: str) -> str | None:
    """Return the token that the field called *name* (lower case) carries, with or without the scheme Bearer."""
    value = first(fields, name.encode())
    if value is None or len(value) > TOKEN_MAX:
        return None
    scheme, _, rest = value.partition(" ")
    token = rest.strip() if scheme.lower() == "bearer" else value
    return token if token.count(".") == PARTS - 1 else None


def signed_part(token: str) -> str:
    """Return that of *token* by which it is known again: what its signature covers. Of one by ECDSA anybody can make a second one."""
    return token.rpartition(".")[0]


def claims_of(token: str | None) -> Mapping[str, Any]:
    """Return what *token* claims; nothing where it is none."""
    if token is None:
        return {}
    part = token.split(".")[1]
    try:
        claims = orjson.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error):
        return {}
    return claims if isinstance(claims, dict) else {}


def ends_at(claims: Mapping[str, Any]) -> int | None:
    """Return when the token ends by its own word (`exp`), wall-clock milliseconds UTC; None where it does not say."""
    exp = claims.get("exp")
    if isinstance(exp, bool) or not isinstance(exp, int | float) or not 0 <= exp * 1000 < FAR_MS:
        return None
    return int(exp * 1000)

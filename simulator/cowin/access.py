"""Who may call: the API key of vaccinator and protected calls, and the citizen's token of 900 s."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Set as AbstractSet
from typing import Final

import orjson

from simulator.cowin.refusals import Unauthenticated
from simulator.exchange import Call

TOKEN_LIFE_S: Final = 900


def require_key(call: Call, keys: AbstractSet[str]) -> None:
    """Refuse *call* unless it carries one of *keys*."""
    if call.fields.get("x-api-key") not in keys:
        raise Unauthenticated


def issue_token(mobile: str, at: int, secret: bytes) -> str:
    """Return a JWT (HS256) for *mobile*, issued at *at* (wall-clock milliseconds UTC)."""
    claims = {"mobile_number": mobile, "iat": at // 1000, "exp": at // 1000 + TOKEN_LIFE_S}
    signed = f"{_part(orjson.dumps({'alg': 'HS256', 'typ': 'JWT'}))}.{_part(orjson.dumps(claims))}"
    return f"{signed}.{_signature(signed, secret)}"


def mobile_of(call: Call, secret: bytes) -> str:
    """Return whose token *call* carries, or refuse it: not ours, altered, or out of date."""
    scheme, _, token = call.fields.get("authorization", "").partition(" ")
    signed, _, signature = token.rpartition(".")
    if scheme.lower() != "bearer" or not hmac.compare_digest(_signature(signed, secret).encode(), signature.encode()):
        raise Unauthenticated
    payload = signed.partition(".")[2]
    claims = orjson.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    if claims["exp"] * 1000 <= call.at:
        raise Unauthenticated
    return str(claims["mobile_number"])


def _signature(signed: str, secret: bytes) -> str:
    return _part(hmac.digest(secret, signed.encode(), "sha256"))


def _part(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()

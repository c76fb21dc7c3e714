"""The `Idempotency-Key` field (draft-ietf-httpapi-idempotency-key-header): its syntax, and whether two requests are the same."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from re import compile as regex
from typing import Final

from http_sf import StructuredFieldError, parse

from proxy.texts import Text

KEY_MAX: Final = 255
"""Longest key in characters; the draft names no limit, and a UUID has 36."""

_UNQUOTED: Final = regex(rb"[A-Za-z0-9][A-Za-z0-9!#$%&'*+.^_`|~:/=@-]+")
"""What many clients send: the key without quotes. RFC 9651 would call some of them Tokens and others malformed."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """Why a field is no key, in words for the client."""

    why: Text


def parse_key(values: Sequence[bytes]) -> str | Malformed:
    """
    Return the key.

    Args:
        values: The values of all fields of that name as they came, one at least.

    Source: draft-ietf-httpapi-idempotency-key-header-07 §2.1: an Item whose value is a String (RFC 9651 §3.3.3). A key without quotes
    is accepted too, and means the same as with them.
    """
    if len(values) != 1:
        return Malformed(Text("The field Idempotency-Key was sent more than once."))
    key = _key(values[0].strip())
    if key is None:
        return Malformed(Text('An Idempotency-Key is text in quotes, such as "8e03978e-40d5-43dd-bc93-6894a57f9324".'))
    if not 1 <= len(key) <= KEY_MAX:
        return Malformed(Text("An Idempotency-Key has 1 to {most} characters; this one has {count}.", {"most": KEY_MAX, "count": len(key)}))
    return key


def fingerprint(method: str, target: str, body: bytes) -> bytes:
    """Return 16 bytes that differ when the request does; the journal keeps them as a keyed hash."""
    head = f"{method} {target}\n".encode("utf-8", "surrogateescape")
    return hashlib.blake2b(head + body, digest_size=16).digest()


def _key(value: bytes) -> str | None:
    if _UNQUOTED.fullmatch(value):
        return value.decode()
    try:
        item = parse(value, tltype="item")
    except StructuredFieldError:
        return None
    return item[0] if isinstance(item, tuple) and isinstance(item[0], str) else None

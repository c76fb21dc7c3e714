"""
Which header fields of a request go on, and in what shape.

Names and values stay the bytes they were; only what RFC 9110 §7.6.1 forbids a proxy to forward is left out, and what a client must
not be able to claim about itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Final

from proxy.rules.wire import Fields

HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Fields that speak of one connection only (RFC 9110 §7.6.1)."""

CLAIMS: Final = frozenset(
    {
        b"client-ip",
        b"forwarded",
        b"true-client-ip",
        b"via",
        b"x-client-ip",
        b"x-cluster-client-ip",
        b"x-original-url",
        b"x-real-ip",
        b"x-rewrite-url",
    }
)
"""What a proxy says of a client and of what it asked for, and a client could make up; the last would take a dose past the journal."""

NEVER_FORWARDED: Final = HOP_BY_HOP | CLAIMS | {b"host", b"expect"}
"""`Host` is the upstream's own, `Expect` was answered here."""

OWN_PREFIXES: Final = (b"x-forwarded-", b"dosekeeper-")

CONTROLS: Final = bytes((*range(9), *range(10, 32), 127))
BLANKED: Final = bytes.maketrans(CONTROLS, b" " * len(CONTROLS))
"""Control characters and the blanks that take their places (RFC 9110 §5.5): our own server refuses to write them."""

READABLE_CODINGS: Final = frozenset({"gzip", "deflate", "identity"})
"""Content codings in which a verdict can be read; see `readable_codings`."""


def forwardable(fields: Iterable[tuple[bytes, bytes]]) -> Fields:
    """Return the end-to-end fields of a request, as they came."""
    kept = tuple(fields)
    dropped = NEVER_FORWARDED | _named_in_connection(kept)
    return tuple((n, v) for n, v in kept if (name := _read_as(n)) not in dropped and not name.startswith(OWN_PREFIXES))


def answer_fields(fields: Iterable[tuple[bytes, bytes]]) -> Fields:
    """Return the end-to-end fields of an answer, as they came but for control characters."""
    kept = tuple(fields)
    dropped = HOP_BY_HOP | _named_in_connection(kept)
    return tuple((n, v.translate(BLANKED)) for n, v in kept if n.lower() not in dropped)


def _read_as(name: bytes) -> bytes:
    # To a server that hands fields on as CGI variables (RFC 3875 §4.1.18) X_Real_IP and X-Real-IP are one.
    return name.lower().replace(b"_", b"-")


def _named_in_connection(fields: Fields) -> frozenset[bytes]:
    values = b",".join(value for name, value in fields if name.lower() == b"connection")
    # RFC 9110 §7.6.1 lets Connection name fields; Content-Length named there would turn the body into a second request.
    return frozenset(_read_as(token.strip()) for token in values.split(b",") if token.strip()) - {b"content-length", b"content-type"}


def split_credentials(fields: Fields, names: Collection[bytes]) -> tuple[Fields, Fields]:
    """Return (all but the credential fields, the credential fields); *names* are lower case."""
    rest = tuple((n, v) for n, v in fields if n.lower() not in names)
    return rest, tuple((n, v) for n, v in fields if n.lower() in names)


def overlaid(fields: Fields, by: Fields) -> Fields:
    """Return *fields* with those of *by* in place of their namesakes."""
    names = {n.lower() for n, _ in by}
    return tuple((n, v) for n, v in fields if n.lower() not in names) + by


def with_missing(fields: Fields, more: Iterable[tuple[str, str]]) -> Fields:
    """Return *fields*, and those of *more* that have no namesake among them."""
    names = {n.lower() for n, _ in fields}
    return fields + tuple((n.encode(), v.encode("latin-1")) for n, v in more if n.lower().encode() not in names)


@lru_cache(256)
def readable_codings(fields: Fields) -> Fields:
    """
    Return *fields* asking only for content codings in which we can read a verdict.

    A browser offers `br` and `zstd`; an accepted dose whose answer cannot be read would have to wait for a person.
    """
    return tuple((n, _readable(v) if n.lower() == b"accept-encoding" else v) for n, v in fields)


def _readable(value: bytes) -> bytes:
    offers = [offer.strip() for offer in value.decode("latin-1").split(",")]
    kept = [offer for offer in offers if offer.partition(";")[0].strip().lower() in READABLE_CODINGS]
    return ", ".join(kept or ["identity"]).encode("latin-1")


def with_length(fields: Fields, length: int) -> Fields:
    """Return *fields* with their Content-Length, if they have one, saying *length*: a body in which an id was replaced may be longer."""
    return tuple((n, str(length).encode() if n.lower() == b"content-length" else v) for n, v in fields)


def with_key(fields: Fields, key: str) -> Fields:
    """
    Return *fields* with *key* as their Idempotency-Key, if they have one.

    What a person corrected is another request: a server that knows the old key would answer it with the old verdict.
    """
    return tuple((n, f'"{key}"'.encode() if n.lower() == b"idempotency-key" else v) for n, v in fields)


@lru_cache(256)
def to_block(fields: Fields) -> bytes:
    """Return *fields* as one block of `Name: value` lines ended by CRLF, the form in which the journal keeps them."""
    return b"".join(b"%b: %b\r\n" % field for field in fields)


def from_block(block: bytes) -> Fields:
    """Return the fields of a block that `to_block` made."""
    lines = block.split(b"\r\n")[:-1]
    return tuple((name, value) for name, _, value in (line.partition(b": ") for line in lines))

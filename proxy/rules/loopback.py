"""Whether a name stands for this machine alone, and where who made a request sits."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from proxy.rules.wire import Fields, first

FORWARDED: Final = (b"forwarded", b"via", b"x-real-ip")
FORWARDED_PREFIX: Final = b"x-forwarded-"
"""Fields of a proxy."""


class Seat(StrEnum):
    """Where a request comes from."""

    HERE = "here"
    """A program on this machine."""
    FORWARDED = "forwarded"
    """A proxy on this machine, for somebody who sits elsewhere."""
    ELSEWHERE = "elsewhere"
    """Another machine; or a page of another host, which made a browser on this machine send it."""


@lru_cache(256)
def is_loopback(host: str) -> bool:
    """Whether *host* is a loopback address or localhost."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def seat(peer: str, fields: Fields, origins: Collection[str]) -> Seat:
    """
    Return where the request comes from.

    Args:
        peer: Address at the other end of the connection.
        fields: As they came. A Host with a domain says that a page made a browser believe that its own name is this machine's (DNS
            rebinding).
        origins: Of pages that the operator has named (`listen.cors_origins`): what they send comes from a program of this centre.
    """
    named = first(fields, b"host")  # none, or an empty one: no browser sends that
    if not is_loopback(peer) or (named and not _is_local(host_of(f"//{named}"))) or _is_foreign(fields, origins):
        return Seat.ELSEWHERE
    names = [n.lower() for n, _ in fields]
    forwarded = any(name in FORWARDED or name.startswith(FORWARDED_PREFIX) for name in names)
    return Seat.FORWARDED if forwarded else Seat.HERE


def _is_foreign(fields: Fields, origins: Collection[str]) -> bool:
    """
    Whether a page of another host made a browser send this (Fetch §3.1; Fetch Metadata).

    No content type is safe: a page sends any bytes without asking, and where the upstream lets every origin ask, JSON and reads too. What
    somebody follows a link to is shown to them alone.
    """
    origin = first(fields, b"origin")
    if origin is None:
        return first(fields, b"sec-fetch-site") == "cross-site" and first(fields, b"sec-fetch-mode") != "navigate"
    if first(fields, b"access-control-request-method") is not None:
        return False  # a preflight, which only a browser can send: whether the page may go on is the server's to say
    scheme, _, rest = origin.partition("://")
    return origin not in origins and not (scheme in ("http", "https") and _is_local(host_of(f"//{rest}")))


def host_of(url: str) -> str:
    """Return the host in *url*, empty where it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_local(host: str) -> bool:
    # A name without a dot is no name of the public DNS: it comes from this machine's own hosts file or network.
    return is_loopback(host) or (host != "" and "." not in host and ":" not in host)

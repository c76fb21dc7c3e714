"""Whether a name stands for this machine alone, and where who made a request sits."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from proxy.rules.wire import Fields, first

FORWARDED: Final = (b"forwarded", b"via", b"x-real-ip")
FORWARDED_PREFIX: Final = b"x-forwarded-"
"""Fields of a proxy."""

FORM_TYPES: Final = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
"""Content types that a page of another origin may send without asking first (Fetch §2.2.2, "CORS-safelisted")."""


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


def seat(peer: str, fields: Fields) -> Seat:
    """
    Return where the request comes from.

    Args:
        peer: Address at the other end of the connection.
        fields: As they came. A Host with a domain says that a page made a browser believe that its own name is this machine's (DNS
            rebinding); a form from another origin, that a page made the browser send it.
    """
    named = first(fields, b"host")  # none, or an empty one: no browser sends that
    if not is_loopback(peer) or (named and not _is_local(host_of(f"//{named}"))) or _is_foreign_form(fields):
        return Seat.ELSEWHERE
    names = [n.lower() for n, _ in fields]
    forwarded = any(name in FORWARDED or name.startswith(FORWARDED_PREFIX) for name in names)
    return Seat.FORWARDED if forwarded else Seat.HERE


def _is_foreign_form(fields: Fields) -> bool:
    origin = first(fields, b"origin")
    if origin is None:
        return False
    kind = (first(fields, b"content-type") or "").partition(";")[0].strip().lower()
    return kind in FORM_TYPES and not _is_local(host_of(origin))


def host_of(url: str) -> str:
    """Return the host in *url*, empty where it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_local(host: str) -> bool:
    # A name without a dot is no name of the public DNS: it comes from this machine's own hosts file or network.
    return is_loopback(host) or (host != "" and "." not in host and ":" not in host)

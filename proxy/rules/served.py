"""
What of a request is not served at all, before anybody asks which route it is on.

aiohttp's parser refuses what is no HTTP; this is what it lets through, and what a server behind us could read otherwise than we do.
"""

from __future__ import annotations

from functools import lru_cache
from re import compile as regex
from typing import Final
from urllib.parse import unquote

from proxy.rules.wire import Fields

NOT_SERVED: Final = frozenset({"CONNECT", "TRACE"})
"""Methods that would make an open proxy of us, or show a client its own credentials (RFC 9110 §9.3.6, §9.3.8)."""

VERSIONS: Final = frozenset({(1, 0), (1, 1)})

_FRAMING: Final = frozenset({b"host", b"transfer-encoding"})

_ABSOLUTE: Final = regex(r"(?i:https?)://[^/?#]*")
_HOST: Final = regex(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]*)?")
_OTHERWISE: Final = regex(r"[\x00-\x1f\x7f\\]")
"""What a server may drop, or take for a slash."""

DECODED_MAX: Final = 3
"""How often a server, and those in front of it, may decode a path."""


def refusal(method: str, version: tuple[int, int], target: str, fields: Fields) -> str | None:
    """
    Return the problem with a request that is not served, None with one that is.

    Args:
        method: As it came.
        version: Major and minor number of its HTTP.
        target: Its path and query, as `origin_form` returns them.
        fields: Its header fields.
    """
    if version not in VERSIONS:
        return "version-not-served"
    if method in NOT_SERVED:
        return "method-not-served"
    if (code := _misframed(version, fields)) is not None:
        return code
    return "path-not-served" if not target.startswith("/") or "#" in target or seen_otherwise(target.partition("?")[0]) else None


@lru_cache(256)
def _misframed(version: tuple[int, int], fields: Fields) -> str | None:
    framing = [(lower, value) for name, value in fields if (lower := name.lower()) in _FRAMING]
    codings = [value.strip().lower() for name, value in framing if name != b"host"]
    if codings and version == (1, 0):
        return "request-malformed"  # RFC 9112 §6.1: its framing is faulty
    if codings not in ([], [b"chunked"]):
        return "coding-not-served"
    hosts = [value for name, value in framing if name == b"host"]
    return None if all(_HOST.fullmatch(host.strip()) for host in hosts) else "request-malformed"  # RFC 9112 §3.2


def origin_form(target: str) -> str:
    """Return path and query of a request's target; the host of an absolute one is ignored (RFC 9112 §3.2.2)."""
    absolute = _ABSOLUTE.match(target)
    if absolute is None:
        return target
    rest = target[absolute.end() :]
    return rest if rest.startswith("/") else f"/{rest}"


@lru_cache(256)
def seen_otherwise(path: str) -> bool:
    """
    Whether a server may see another path than we do in raw *path*: a dose would pass unrecorded, and `deny` be evaded.

    By `.` and `..` (RFC 3986 §5.2.4), also written `..;`, encoded, or encoded twice; by backslashes, control characters and empty segments.
    """
    if "//" in path:
        return True
    for _ in range(DECODED_MAX):
        if _OTHERWISE.search(path) or ("/." in f"/{path}" and _climbs(path)):
            return True
        if "%" not in path:
            return False
        path = unquote(path)
    return False


def _climbs(path: str) -> bool:
    return any(segment.partition(";")[0] in (".", "..") for segment in path.split("/"))

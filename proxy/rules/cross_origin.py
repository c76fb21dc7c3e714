"""
Pages of another origin that may use the data port (CORS; Fetch Living Standard, 3.2): those that the operator has named, and no other.

Their preflights are answered here, whether the server is up or down, and what the server says of origins is overruled for them: a page that
works on a good day works in an outage, and may send and see our own fields. To every other origin nothing is added and nothing is denied;
its requests and preflights go to the server as they come.
"""

from __future__ import annotations

from collections.abc import Collection
from re import compile as regex
from typing import Final

METHODS: Final = "GET, HEAD, POST, PUT, PATCH, DELETE"

EXPOSED: Final = (
    "Age, Cache-Status, Content-Language, Dosekeeper-Overlay, Dosekeeper-Record, Dosekeeper-State, Dosekeeper-Warning, ETag, Location, "
    "Retry-After"
)
"""Fields of ours, and of HTTP, that a page cannot see otherwise."""

PREFLIGHT_FOR_S: Final = 600
"""How long a browser need not ask again; what the operator takes back stays allowed for so long."""

_NAMES: Final = regex(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:\s*,\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+)*")

Fields = dict[str, str]


def preflight(method: str, origin: str | None, asked_method: str | None, asked_fields: str, origins: Collection[str]) -> Fields | None:
    """
    Return the fields of our answer to a preflight; None where the request is none, or not of one of *origins*.

    Args:
        method: Of the request.
        origin: Its Origin.
        asked_method: Its Access-Control-Request-Method.
        asked_fields: Its Access-Control-Request-Headers: they are all allowed, because the server judges the request itself.
        origins: Those that the operator has named.
    """
    if method != "OPTIONS" or asked_method is None or origin is None or origin not in origins:
        return None
    fields = {
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Max-Age": str(PREFLIGHT_FOR_S),
        "Access-Control-Allow-Private-Network": "true",
    }
    return fields | ({"Access-Control-Allow-Headers": asked_fields} if _NAMES.fullmatch(asked_fields) else {})


def shared_with(origin: str | None, origins: Collection[str], exposed: str | None, vary: str | None) -> Fields:
    """
    Return the fields by which an answer may be read by a page of *origin*, in place of what the server says of that.

    Args:
        origin: Of the request, None where it has none.
        origins: Those that the operator has named.
        exposed: What the answer exposes already.
        vary: What it varies by already.
    """
    if not origins:
        return {}
    varies = {"Vary": f"{vary}, Origin" if vary else "Origin"}
    if origin is None or origin not in origins:
        return varies
    return {
        "Access-Control-Allow-Origin": origin,  # never `*`: that and credentials exclude each other
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": f"{exposed}, {EXPOSED}" if exposed else EXPOSED,
        **varies,
    }

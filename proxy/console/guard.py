"""
Who may use the admin port, and the metrics port.

With a token every page but the health checks and the console's own files asks for it. Without one the port is on loopback only, and a
foreign Host is refused (DNS rebinding); with one the Host may be any name that this machine has, for a browser sends nobody's token by
itself. In both cases what a page of another origin makes a browser send is refused, and a POST that is not JSON (a form).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from proxy.console.problems import refused
from proxy.rules.loopback import is_loopback

HEALTH: Final = frozenset({"/healthz", "/readyz"})
"""Health checks tell nothing of the centre, and those who ask carry no token."""

READING: Final = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})


@dataclass(frozen=True, slots=True)
class Guard:
    """
    `token` None: none is configured; `host` is the port's own; `section` is where its settings stand.

    `open` are paths that need no token: what is there holds nothing of the centre, and a browser has to have it before it can send one.
    """

    token: str | None
    host: str
    section: str = "admin"
    open: frozenset[str] = frozenset()

    def refusal(self, request: web.Request) -> web.Response | None:
        """Return the answer to a request that is not allowed, None for one that is."""
        if request.path in HEALTH:
            return None
        if self.token is not None and request.path not in self.open and not self._knows_token(request):
            response = refused("token-missing", f"Send the token of {self.section}.token_file as: Authorization: Bearer TOKEN")
            response.headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
            return response
        if self.token is None and not is_own_host(request.headers.get(hdrs.HOST, ""), self.host):
            return refused("foreign-host", f"Ask by a loopback address, or configure {self.section}.token_file.")
        if is_foreign(request.method, request.headers):
            return refused("foreign-page", "Use the console's own page, or a command: dosekeeper status")
        if request.method not in READING and request.content_type != "application/json":
            return refused("not-json", "Send it with Content-Type: application/json.")
        return None

    def _knows_token(self, request: web.Request) -> bool:
        given = request.headers.get(hdrs.AUTHORIZATION, "")
        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), f"Bearer {self.token}".encode())


def is_foreign(method: str, fields: Mapping[str, str]) -> bool:
    """Whether a page of another origin made a browser send this (Fetch §3.1; Fetch Metadata); a link that is followed may come from one."""
    origin = fields.get(hdrs.ORIGIN)
    if origin is not None:
        return origin.partition("://")[2].lower() != fields.get(hdrs.HOST, "").lower()
    followed = fields.get("Sec-Fetch-Mode") == "navigate" and method in READING
    return fields.get("Sec-Fetch-Site", "none") not in ("same-origin", "none") and not followed


def is_own_host(field: str, own: str) -> bool:
    """Whether a Host field names loopback, or *own*."""
    try:
        host = urlsplit(f"//{field}").hostname or ""
    except ValueError:
        return False
    return host == own.lower() or is_loopback(host)

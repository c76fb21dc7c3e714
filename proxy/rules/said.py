"""
What a failure is called in the outage ledger: the server's status, reason and code, and who it was.

Nothing else of an answer is kept, and of the reason only what is made of words that servers use: anything more may be a person's name.
"""

from __future__ import annotations

from http import HTTPStatus
from re import compile as regex
from typing import Final
from urllib.parse import urlsplit

from proxy.rules.wire import Answer, Failure, FailureKind

SAID_MAX: Final = 160
"""Characters."""

_HOST: Final = regex(r"[A-Za-z0-9.:\[\]-]{1,80}")
_MANY_DIGITS: Final = regex(r"(?:[0-9][^.:]*){5}")
"""In one label of a host's name: it may be somebody's number."""
_NUMBERED: Final = regex(r".*[0-9].*")
_WORD: Final = regex(r"[a-z-]+")

_OTHERS: Final = """
    a available backend be bandwidth busy calm connection could dns down enhance error exceeded failed fetch guru handshake healthy
    host invalid is limit maintenance meditation no of on origin overloaded refused reset server ssl temporarily temporary the time-out
    unknown unreachable upstream varnish web your
"""
_WORDS: Final = frozenset(word for text in (*(status.phrase for status in HTTPStatus), _OTHERS) for word in _WORD.findall(text.lower()))
"""The registered reason phrases, and what nginx, Varnish, Envoy, Cloudflare and the like say."""

_FAILURES: Final = {
    FailureKind.DNS: "its name cannot be looked up",
    FailureKind.REFUSED: "connection refused",
    FailureKind.CONNECT: "no connection",
    FailureKind.TLS: "TLS handshake failed",
    FailureKind.TIMEOUT: "no answer in time",
    FailureKind.RESET: "connection reset",
    FailureKind.TRUNCATED: "the answer broke off",
    FailureKind.PROTOCOL: "the answer is not HTTP",
}


def of_failure(failure: Failure) -> str:
    """Return what is said of no answer: our words, since nobody else said any."""
    return _FAILURES[failure.kind]


def of_answer(answer: Answer, code: str | None) -> str:
    """Return what is said of an answer; *code* is the server's own; without a digit it could be a name (RAWAT_ASHA)."""
    code = code if code and _NUMBERED.fullmatch(code) else None
    host = _host(answer.field(b"location") or "")
    return " ".join(filter(None, (of_head(answer.status, answer.reason), code, host and f"to {host}")))[:SAID_MAX]


def of_head(status: int, reason: str) -> str:
    """Return a status with its reason, as far as that is of a server's usual words."""
    words = reason.lower().split()
    known = words and all(word in _WORDS for word in words)
    return f"{status} {reason.strip()}"[:SAID_MAX] if known else str(status)


def _host(url: str) -> str:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:  # an IPv6 address that does not end
        return ""
    return host if _HOST.fullmatch(host) and not _MANY_DIGITS.search(host) else ""

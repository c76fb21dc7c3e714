"""What came of one exchange with the upstream, as plain values: an answer, or the absence of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import lru_cache

Fields = tuple[tuple[bytes, bytes], ...]
"""Header fields as they stood on the wire: names in their own case, in their own order."""


def first(fields: Fields, name: bytes) -> str | None:
    """Return the first of *fields* called *name* (lower case), as text."""
    for key, value in fields:
        if key.lower() == name:
            return value.decode("latin-1").strip()
    return None


@lru_cache(64)  # a server says the same one all second long
def http_date(value: str | None) -> datetime | None:
    """Return a date field's value as an aware time, None where there is none or it cannot be read."""
    try:
        when = None if value is None else parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return when if when is None or when.tzinfo else when.replace(tzinfo=UTC)


def text_of(value: bytes) -> str:
    """
    Return a field's value as text that stands on the wire as the same bytes again: aiohttp writes UTF-8.

    What is not UTF-8 is read as Latin-1, and goes on in another coding.
    """
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, bytes as they came (never decompressed)."""

    status: int
    reason: str
    fields: Fields
    body: bytes

    def field(self, name: bytes) -> str | None:
        """Return the first field called *name* (lower case), as text."""
        return first(self.fields, name)


class FailureKind(StrEnum):
    """Why there is no answer; the words of the outage ledger's `cause`."""

    DNS = "dns"
    REFUSED = "refused"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    RESET = "reset"
    TRUNCATED = "truncated"
    PROTOCOL = "protocol"


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer. `sent` is False only where it is certain that not one byte of the request left."""

    kind: FailureKind
    sent: bool


Exchange = Answer | Failure

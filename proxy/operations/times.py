"""Times as operations give them: RFC 3339, UTC, milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload


@overload
def rfc3339(at: int) -> str: ...
@overload
def rfc3339(at: None) -> None: ...
@overload
def rfc3339(at: int | None) -> str | None: ...
def rfc3339(at: int | None) -> str | None:
    """Return wall-clock milliseconds UTC as `2026-11-24T12:03:11.250Z`; None stays None."""
    if at is None:
        return None
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(at: datetime) -> int:
    """Return an aware time as wall-clock milliseconds UTC."""
    return round(at.timestamp() * 1000)

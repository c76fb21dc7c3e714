"""Instants as FHIR writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def instant(at: int) -> str:
    """Return wall-clock milliseconds UTC as a FHIR instant."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")

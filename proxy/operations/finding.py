"""What `dosekeeper check` finds: one line of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `exit_code` is 0 where it is well, 2 for a mistake in the configuration, 1 for the rest."""

    what: str
    exit_code: int
    message: str


def well(what: str, message: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(what, 0, message)

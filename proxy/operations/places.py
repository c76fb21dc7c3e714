"""Where each operation stands in the admin API. Nothing is imported here: a command asks a running service in a few milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Place:
    """
    `path` may hold {key}, filled from the member of that name. Personal data travels in a POST's body, never in a URL.

    `answer_s` is how long a command waits for the answer, in seconds.
    """

    method: str
    path: str
    answer_s: float = 30.0


PLACES: Final[Mapping[str, Place]] = {
    "status": Place("GET", "/api/status"),
    "records": Place("GET", "/api/records"),
    "search": Place("POST", "/api/records/search"),
    "record": Place("GET", "/api/records/{key}"),
    "held": Place("GET", "/api/held"),
    "edit": Place("POST", "/api/records/{key}/edit"),
    "settle": Place("POST", "/api/records/{key}/settle"),
    "retry": Place("POST", "/api/retry"),
    "discard": Place("POST", "/api/discard"),
    "audit": Place("GET", "/api/audit"),
    "verify": Place("GET", "/api/audit/verify"),
    "export": Place("POST", "/api/export"),
    "outages": Place("GET", "/api/outages"),
    "report": Place("GET", "/api/outages/report", answer_s=120.0),
    "annotate": Place("POST", "/api/outages/{key}/notes"),
    "hold": Place("POST", "/api/hold"),
    "release": Place("POST", "/api/release"),
    "replay": Place("POST", "/api/replay"),
    "check-journal": Place("GET", "/api/journal"),
    "progress": Place("GET", "/api/replay"),
    "backup": Place("POST", "/api/backup", answer_s=600.0),
    "support": Place("GET", "/api/support"),
    "purge-reads": Place("POST", "/api/reads/purge", answer_s=600.0),
}

JOURNAL_FIELD: Final = "Dosekeeper-Journal"
"""With every answer of the admin port: whose journal it serves (`proxy.operations.identity`)."""

"""What the server says that it can do."""

from __future__ import annotations

from typing import Any, Final


def _kept(kind: str, *search: str) -> dict[str, Any]:
    return {
        "type": kind,
        "interaction": [{"code": code} for code in ("create", "read", "vread", "update", "search-type")],
        "versioning": "versioned-update",
        "conditionalCreate": True,
        "updateCreate": True,
        "searchParam": [{"name": name, "type": "token"} for name in search],
    }


STATEMENT: Final[dict[str, Any]] = {
    "resourceType": "CapabilityStatement",
    "status": "active",
    "date": "2026-11-23",
    "kind": "instance",
    "fhirVersion": "4.0.1",
    "format": ["application/fhir+json"],
    "implementation": {"description": "a simulated immunization registry"},
    "rest": [
        {
            "mode": "server",
            "resource": [
                _kept("Patient", "_id", "identifier", "birthdate", "family"),
                _kept("Immunization", "_id", "identifier", "patient", "date"),
                _kept("Observation", "_id", "identifier", "patient"),
            ],
            "interaction": [{"code": "transaction"}, {"code": "batch"}],
        }
    ],
}

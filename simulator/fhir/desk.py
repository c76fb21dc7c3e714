"""What a desk's software sends to a FHIR server; no sockets, no clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from simulator.cowin.form import INDIA, india_day
from simulator.fhir.meaning import identity as known_by
from simulator.fhir.opening import patient
from simulator.forms import Dialect, Due, Form, written
from simulator.people import Person

DOSES: Final = "https://centre.example.in/dose"
"""Namespace of the desks' own identifiers: made of whom a dose is for, never of an id that may be provisional."""


def registration(person: Person) -> Form:
    """Return that with which a desk registers *person*."""
    return Form("/Patient", patient(person))


def vaccination(due: Due, person: str, dose: int, at: int) -> Form:
    """Return that with which a desk marks *person*, an id, vaccinated *at* that time, wall-clock milliseconds UTC."""
    now = datetime.fromtimestamp(at / 1000, UTC).astimezone(INDIA)
    first = "-".join(reversed(due.first_day.split("-")))
    today = dose > 1 or due.first_day == written(india_day(at))
    body = {
        "resourceType": "Immunization",
        "identifier": [{"system": DOSES, "value": str(uuid5(NAMESPACE_URL, f"{due.who}/{dose}"))}],
        "status": "completed",
        "vaccineCode": {"text": due.vaccine},
        "patient": {"reference": f"Patient/{person}"},
        "occurrenceDateTime": now.isoformat(timespec="seconds") if today else first,
        "lotNumber": due.batch,
        "protocolApplied": [{"doseNumberPositiveInt": dose}],
    }
    return Form("/Immunization", body)


def identity(person: Person) -> str:
    """Return what the server's ledger knows a registration by."""
    return known_by(patient(person))


FHIR: Final = Dialect(
    api="fhir",
    base="/fhir",
    recorded=("/fhir/Immunization", "/fhir/Patient"),
    batch="lotNumber",
    registration=registration,
    vaccination=vaccination,
    identity=identity,
    issued=lambda answer: str(answer["id"]),
)

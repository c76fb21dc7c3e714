"""The register that the server opens with: invented people as Patients, and the doses that some of them have had."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import Final

from simulator.fhir.outcomes import Resource
from simulator.fhir.shelf import Shelf
from simulator.people import Person, population

IDENTIFIER: Final = "https://ids.example.in/health-id"
"""Namespace of the people's identifiers."""

LONG_AGO: Final = 0
"""When all of it was stored, wall-clock milliseconds UTC."""

GENDERS: Final = ("male", "female", "other")


def opened(people: int, seed: int, today: date) -> Shelf:
    """Return a server that knows so many *people*; the same seed gives the same ones on the same day."""
    draw = Random(seed)
    shelf = Shelf(draw)
    for person in population(people, draw, today):
        stored = shelf.put("Patient", shelf.new_id("Patient"), patient(person), LONG_AGO)
        for number, dose in person.doses.items():
            day = "-".join(reversed(dose.day.split("-")))
            shelf.put("Immunization", shelf.new_id("Immunization"), _had(stored["id"], number, day, dose.batch), LONG_AGO)
    return shelf


def patient(person: Person) -> Resource:
    """Return *person* as a resource."""
    given, _, family = person.name.partition(" ")
    return {
        "resourceType": "Patient",
        "identifier": [{"system": IDENTIFIER, "value": person.id}],
        "name": [{"family": family, "given": [given]}],
        "gender": GENDERS[person.gender_id - 1],
        "birthDate": person.birth_year,
        "telecom": [{"system": "phone", "value": person.mobile}],
    }


def _had(patient_id: str, number: int, day: str, batch: str) -> Resource:
    return {
        "resourceType": "Immunization",
        "status": "completed",
        "vaccineCode": {"text": "COVISHIELD"},
        "patient": {"reference": f"Patient/{patient_id}"},
        "occurrenceDateTime": day,
        "lotNumber": batch,
        "protocolApplied": [{"doseNumberPositiveInt": number}],
    }

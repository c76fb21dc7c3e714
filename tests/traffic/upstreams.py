"""The upstreams that the guarantees are tried against: how a desk writes there, and what its ledger says. One adapter each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import NAMESPACE_URL, uuid5

from simulator import Api, Simulator
from tests.traffic.centre import VACCINATE, a_dose, people

REGISTER = "/v2/vaccinator/beneficiaries/new"

Asked = tuple[str, dict[str, Any]]
"""Path, below the upstream's, and body."""


class Kind(Protocol):
    """One kind of upstream."""

    profile: str
    api: Api
    base: str
    group: str

    def dose(self, person: str, number: int, batch: str = "4121Z012") -> Asked: ...

    def walk_in(self, name: str, *, wrong: bool = False) -> Asked: ...

    def dose_path(self) -> str:
        """Where doses go, as a fault's route."""
        ...

    def walk_in_path(self) -> str: ...

    def issued(self, answer: bytes) -> str:
        """The id in the answer to a walk-in."""
        ...

    def people(self, sim: Simulator) -> list[str]:
        """Those on the register who have had no dose."""
        ...

    def refuse(self, sim: Simulator, batch: str) -> None: ...


@dataclass
class Cowin:
    profile: str = "cowin-vaccinator"
    api: Api = Api.COWIN
    base: str = "/api"
    group: str = "vaccinator"

    def dose(self, person: str, number: int, batch: str = "4121Z012") -> Asked:
        return VACCINATE, a_dose(person, number) | {"vaccine_batch": batch}

    def walk_in(self, name: str, *, wrong: bool = False) -> Asked:
        return REGISTER, {
            "name": name,
            "birth_year": "1700" if wrong else "1962",
            "gender_id": 2,
            "mobile_number": "9000000001",
            "photo_id_type": 1,
            "photo_id_number": "4821",
            "comorbidity_ind": "N",
            "consent_version": "1",
        }

    def dose_path(self) -> str:
        return self.base + VACCINATE

    def walk_in_path(self) -> str:
        return self.base + REGISTER

    def issued(self, answer: bytes) -> str:
        return str(json.loads(answer)["beneficiary_reference_id"])

    def people(self, sim: Simulator) -> list[str]:
        return people(sim)

    def refuse(self, sim: Simulator, batch: str) -> None:
        sim.register.rules = sim.register.rules.model_copy(update={"refused_batches": frozenset({batch})})


@dataclass
class Fhir:
    profile: str = "fhir-r4"
    api: Api = Api.FHIR
    base: str = "/fhir"
    group: str = "fhir"
    identified: bool = True
    """Whether the desk's software gives each dose an identifier; without one the look-up goes by person and time."""

    def dose(self, person: str, number: int, batch: str = "4121Z012") -> Asked:
        # Not made of the person's id itself: a provisional one must not go up in an identifier, and is refused there.
        identifier = [{"system": "https://centre.example.in/dose", "value": str(uuid5(NAMESPACE_URL, f"{person}:{number}"))}]
        return "/Immunization", {
            "resourceType": "Immunization",
            **({"identifier": identifier} if self.identified else {}),
            "status": "completed",
            "vaccineCode": {"text": "COVISHIELD"},
            "patient": {"reference": f"Patient/{person}"},
            "occurrenceDateTime": f"2026-11-2{number}T10:12:00+05:30",
            "lotNumber": batch,
            "protocolApplied": [{"doseNumberPositiveInt": number}],
        }

    def walk_in(self, name: str, *, wrong: bool = False) -> Asked:
        given, _, family = name.partition(" ")
        return "/Patient", {
            "resourceType": "Patient",
            "name": [{"given": [given], "family": family}],
            "birthDate": "2900-01-01" if wrong else "1962-05-01",
            "gender": "female",
            "telecom": [{"system": "phone", "value": "9000000001"}],
        }

    def dose_path(self) -> str:
        return f"{self.base}/Immunization"

    def walk_in_path(self) -> str:
        return f"{self.base}/Patient"

    def issued(self, answer: bytes) -> str:
        return str(json.loads(answer)["id"])

    def people(self, sim: Simulator) -> list[str]:
        dosed = {one[-1]["patient"]["reference"] for (kind, _), one in sim.shelf.versions.items() if kind == "Immunization"}
        return [id_ for kind, id_ in sim.shelf.versions if kind == "Patient" and f"Patient/{id_}" not in dosed]

    def refuse(self, sim: Simulator, batch: str) -> None:
        sim.shelf.rules = sim.shelf.rules.model_copy(update={"refused_batches": frozenset({batch})})


KINDS: list[Kind] = [Cowin(), Fhir(), Fhir(identified=False)]
NAMES = ["cowin", "fhir", "fhir without identifiers"]

"""What a stored resource means for the ledger: a person registered, a dose given, something corrected. And what may not be stored."""

from __future__ import annotations

from simulator.exchange import Effect, EffectKind
from simulator.fhir.outcomes import Resource, invalid, unprocessable
from simulator.fhir.shelf import Shelf

KNOWN: frozenset[str] = frozenset({"Patient", "Immunization", "Observation"})


def check(shelf: Shelf, kind: str, resource: Resource) -> None:
    """Refuse what is no resource of its kind, or breaks a rule of the server's."""
    if kind not in KNOWN:
        raise invalid(f"{kind} is not kept here")
    if resource.get("resourceType") != kind:
        raise invalid(f"the resource is no {kind}")
    if kind == "Immunization":
        _check_immunization(shelf, resource)
    elif kind == "Patient" and resource.get("birthDate", "2000") > "2100":
        raise unprocessable("birthDate is in the future")


def created(kind: str, resource: Resource) -> tuple[Effect, ...]:
    """Return what it brings about that *resource* is there now."""
    if kind == "Patient":
        return (Effect(EffectKind.REGISTRATION, resource["id"], identity(resource)),)
    if kind != "Immunization":
        return ()
    person, dose = patient_of(resource), dose_of(resource)
    return (Effect(EffectKind.DOSE, person, f"{person}/{vaccine_of(resource)}/{dose or resource.get('occurrenceDateTime')}", dose),)


def corrected(kind: str, resource: Resource) -> tuple[Effect, ...]:
    """Return what it brings about that *resource* has a new version."""
    person = resource["id"] if kind == "Patient" else patient_of(resource)
    return (Effect(EffectKind.CORRECTION, person, f"{kind}/{resource['id']}/_history/{resource['meta']['versionId']}"),)


def identity(patient: Resource) -> str:
    """Return what makes two registrations the same person's: the first identifier, else name and day of birth."""
    for identifier in patient.get("identifier", []):
        if identifier.get("value"):
            return f"{identifier.get('system', '')}|{identifier['value']}"
    name = (patient.get("name") or [{}])[0]
    text = name.get("text") or " ".join((*name.get("given", []), name.get("family", "")))
    return f"{text.casefold()}/{patient.get('birthDate', '')}"


def patient_of(resource: Resource) -> str:
    """Return the id of the patient that *resource* is about, empty where it names none by id."""
    reference = (resource.get("patient") or {}).get("reference")
    return reference.rpartition("Patient/")[2].partition("/")[0] if isinstance(reference, str) else ""


def vaccine_of(resource: Resource) -> str:
    """Return the code of the vaccine, else its text."""
    concept = resource.get("vaccineCode") or {}
    return str((concept.get("coding") or [{}])[0].get("code") or concept.get("text") or "")


def dose_of(resource: Resource) -> int | None:
    """Return the number of the dose, if it says one."""
    number = (resource.get("protocolApplied") or [{}])[0].get("doseNumberPositiveInt")
    return number if isinstance(number, int) else None


def _check_immunization(shelf: Shelf, resource: Resource) -> None:
    for member in ("status", "vaccineCode", "patient", "occurrenceDateTime"):
        if not resource.get(member):
            raise unprocessable(f"Immunization.{member} is missing")
    if not shelf.has("Patient", patient_of(resource)):
        raise unprocessable("Immunization.patient is not known")
    if resource.get("lotNumber") in shelf.rules.refused_batches:
        raise unprocessable("Immunization.lotNumber is not of this vaccine")

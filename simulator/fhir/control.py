"""What is the FHIR server's own on the control port: people and rules."""

from __future__ import annotations

from aiohttp import web

from simulator.control import answered, parsed
from simulator.fhir.meaning import dose_of, patient_of
from simulator.fhir.shelf import Rules, Shelf


def routes(shelf: Shelf) -> web.RouteTableDef:
    """Return the control routes of *shelf*."""
    table = web.RouteTableDef()

    @table.get("/_sim/people")
    async def people(_: web.Request) -> web.Response:
        return answered([{"id": id_, "doses": _doses(shelf, id_)} for kind, id_ in shelf.versions if kind == "Patient"])

    @table.get("/_sim/rules")
    async def rules(_: web.Request) -> web.Response:
        return answered(shelf.rules.model_dump(mode="json"))

    @table.put("/_sim/rules")
    async def set_rules(request: web.Request) -> web.Response:
        shelf.rules = await parsed(request, Rules)
        return answered(shelf.rules.model_dump(mode="json"))

    return table


def _doses(shelf: Shelf, person: str) -> dict[str, dict[str, str]]:
    """Return the days of a person's doses by their number, DD-MM-YYYY."""
    given = (
        versions[-1] for (kind, _), versions in shelf.versions.items() if kind == "Immunization" and patient_of(versions[-1]) == person
    )
    return {str(dose_of(one)): {"day": "-".join(reversed(one["occurrenceDateTime"][:10].split("-")))} for one in given}

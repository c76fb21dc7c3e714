"""Records that the server refused when they were replayed: held, as a person finds them."""

from __future__ import annotations

from typing import Any

from simulator import Simulator
from tests.cli.centre import Centre, Service
from tests.traffic.centre import VACCINATE, a_dose, people

REGISTER = "/v2/vaccinator/beneficiaries/new"
NO_CENTRE = 999_999

A_WALK_IN = {
    "name": "Lakshmi Nair",
    "birth_year": "1962",
    "gender_id": 2,
    "mobile_number": "9000000001",
    "photo_id_type": 1,
    "photo_id_number": "4821",
    "comorbidity_ind": "N",
    "consent_version": "1",
}


async def post(centre: Centre, path: str, body: dict[str, object]) -> Any:
    async with centre.desk.post(f"http://127.0.0.1:{centre.data}/api{path}", json=body) as answer:
        assert answer.status == 200
        return await answer.json()


async def recorded_while_down(centre: Centre, sim: Simulator, service: Service, bodies: list[tuple[str, dict[str, object]]]) -> list[Any]:
    """Record while the server is down, then let it come back; return the receipts."""
    fault = await sim.faults.add("refuse")
    await service.logged("outage_began", group="vaccinator")
    receipts = [await post(centre, path, body) for path, body in bodies]
    await sim.faults.lift(fault)
    return receipts


async def refused_in_replay(centre: Centre, sim: Simulator, service: Service, count: int = 1) -> list[str]:
    """Have doses of *count* persons held, because they name a centre that there is not; return the persons."""
    chosen = people(sim)[:count]
    await recorded_while_down(centre, sim, service, [(VACCINATE, a_dose(person) | {"center_id": NO_CENTRE}) for person in chosen])
    await service.logged("settle", count, state="held")
    return chosen


async def states(centre: Centre) -> list[str]:
    return [record["state"] for record in (await centre.run("records", "list", "--json")).json]

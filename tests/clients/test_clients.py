"""What third-party clients see while the server is up, through an outage and after it; docs/clients.md is the table of that."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator import Api, Simulator
from store.records import RecordState
from tests.clients.clients import CLIENTS, Client, Failed
from tests.traffic.centre import a_centre, doses_applied
from tests.traffic.upstreams import Fhir

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"

COLUMNS = (
    *("up: create", "up: update", "up: search"),
    *("outage: create", "outage: update", "outage: search"),
    *("after: search", "after: update", "after: create"),
)


@dataclass
class Desk:
    """One client and the person it vaccinates; `saw` what it was answered, column by column, in a few words."""

    client: Client
    person: str
    saw: list[str] = field(default_factory=list)
    latest: dict[str, Any] = field(default_factory=dict)

    async def up(self) -> None:
        await self._wrote(self.client.create(Fhir().dose(self.person, 1)[1]))
        await self._wrote(self.client.update(self.latest | {"lotNumber": "A1"}))
        await self._searched()

    async def outage(self) -> None:
        await self._wrote(self.client.create(Fhir().dose(self.person, 2)[1]))
        await self._wrote(self.client.update(self.latest | {"lotNumber": "B2"}))
        await self._searched()

    async def after(self) -> None:
        await self._searched()
        await self._wrote(self.client.update(self.latest | {"lotNumber": "C3"}))
        await self._wrote(self.client.create(Fhir().dose(self.person, 3)[1]))

    async def _wrote(self, work: Awaitable[dict[str, Any]]) -> None:
        self.latest = await work
        tags = [tag.get("code") for tag in self.latest.get("meta", {}).get("tag", [])]
        words = "provisional id" if self.latest["id"].startswith("offline-") else "server's id"
        self.saw.append(", ".join((words, *(f"tag {tag}" for tag in tags), f"lot {self.latest['lotNumber']}")))

    async def _searched(self) -> None:
        try:
            found = await self.client.search(self.person)
        except Failed as error:
            self.saw.append(f"error: {error}")
            return
        lots = sorted(f"{one['lotNumber']}{' (provisional id)' if one['id'].startswith('offline-') else ''}" for one in found)
        self.saw.append(f"found: lots {', '.join(lots)}")


def table(desks: dict[str, Desk]) -> str:
    rows = [("", *desks), *((column, *(desk.saw[index] for desk in desks.values())) for index, column in enumerate(COLUMNS))]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join((lines[0], "|---" * (len(desks) + 1) + "|", *lines[1:]))


async def test_each_client_creates_updates_and_searches_through_an_outage_and_the_page_says_what_it_saw(tmp_path: Path) -> None:
    async with Simulator(seed=7, people=20, api=Api.FHIR) as server, a_centre(tmp_path, f"{server.url}/fhir", "fhir-r4") as centre:
        persons = Fhir().people(server)
        desks = {name: Desk(make(centre.url), person) for (name, make), person in zip(CLIENTS.items(), persons, strict=False)}
        for desk in desks.values():
            await desk.up()
        await server.faults.add("refuse")
        await centre.until_phase("open", "fhir")
        for desk in desks.values():
            await desk.outage()
        await server.faults.clear()
        await centre.until_all(RecordState.DELIVERED, 4 * len(desks))
        await centre.until_phase("closed", "fhir")
        for desk in desks.values():
            await desk.after()
            await desk.client.close()
        await centre.until_all(RecordState.DELIVERED, 6 * len(desks))
    applied = doses_applied(server)
    assert sorted(applied) == sorted((desk.person, number) for desk in desks.values() for number in (1, 2, 3))
    made = table(desks)
    assert made in PAGE.read_text(encoding="utf-8"), f"put this table on the page:\n{made}"

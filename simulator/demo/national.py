"""The demo's hands and eyes on a simulated national server: its faults, its register, its ledger."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import aiohttp

from simulator.demo.asking import asked
from simulator.demo.evidence import Applied, Received, Span
from simulator.desks import REGISTRATION
from simulator.faults.catalogue import FAULTS
from simulator.faults.scope import Scope
from simulator.forms import Dialect

AWAY: Final = frozenset({"refuse", "hang", "unavailable_503"})
"""Faults in which the server does nothing that is asked; in the demo's day they follow each other without a gap."""


@dataclass(slots=True)
class National:
    """The server, ruled at *control*, with its API below *origin*; what its ledger took on is kept, and only what is new is asked for."""

    http: aiohttp.ClientSession
    control: str
    origin: str
    dialect: Dialect
    _effects: list[dict[str, Any]] = field(default_factory=list)
    _since: int = 0

    @property
    def api(self) -> str:
        """The address of its API."""
        return self.origin + self.dialect.base

    async def raise_fault(self, name: str, scope: Scope, options: dict[str, object]) -> str:
        """Raise the fault called *name*, and return its id."""
        order = {"fault": name, "options": options, **scope.model_dump(mode="json")}
        return str((await asked(self.http, "POST", f"{self.control}/_sim/faults", order))["id"])

    async def lift(self, fault_id: str) -> bool:
        """Lift one fault."""
        await asked(self.http, "DELETE", f"{self.control}/_sim/faults/{fault_id}")
        return True

    async def refuse(self, batch: str) -> None:
        """Let the server refuse doses of *batch* from now on."""
        await asked(self.http, "PUT", f"{self.control}/_sim/rules", {"refused_batches": [batch]})

    async def people(self) -> list[dict[str, Any]]:
        """Return the server's register."""
        people: list[dict[str, Any]] = await asked(self.http, "GET", f"{self.control}/_sim/people")
        return people

    async def applied(self) -> list[Applied]:
        """Return the registrations and doses in the server's ledger, in the order in which it took them on."""
        await self._look()
        registered = {effect["person"]: effect["key"] for effect in self._effects if effect["dose"] is None}
        return [
            Applied(
                registered.get(effect["person"], effect["person"]), effect["dose"] or REGISTRATION, effect["applied_at"], effect["order"]
            )
            for effect in self._effects
        ]

    async def received(self) -> list[Received]:
        """Return all that came to the server."""
        await self._look()
        effects = {effect["received"]: effect["order"] for effect in self._effects}
        entries = (await asked(self.http, "GET", f"{self.control}/_sim/ledger"))["received"]
        return [
            Received(_raw(entry), entry["received_at"], effects.get(entry["sequence"]), entry["sequence"] in effects and _unsaid(entry))
            for entry in entries
        ]

    async def down(self) -> Span:
        """Return the true outage: from the first switch to a fault in which nothing is done to the last one back."""
        spans = await self._faults(AWAY)
        ends = [span.ended_at for span in spans if span.ended_at is not None]
        return Span(min(span.started_at for span in spans), max(ends) if len(ends) == len(spans) else None)

    async def troubles(self) -> list[Span]:
        """Return the time of each fault, of whatever kind."""
        return await self._faults(FAULTS)

    async def _faults(self, names: Container[str]) -> list[Span]:
        faults = await asked(self.http, "GET", f"{self.control}/_sim/faults?lifted")
        return [Span(fault["raised_at"], fault["lifted_at"]) for fault in faults if fault["fault"] in names]

    async def _look(self) -> None:
        new = (await asked(self.http, "GET", f"{self.control}/_sim/ledger?applied=1&since={self._since}"))["applied"]
        self._since += len(new)
        self._effects += [effect for effect in new if effect["kind"] in ("registration", "dose")]


def _unsaid(entry: Mapping[str, Any]) -> bool:
    """Tell whether the answer, if there was one, hides that the server did what was asked."""
    return entry["status"] is None or entry["status"] >= HTTPStatus.INTERNAL_SERVER_ERROR


def _raw(entry: Mapping[str, Any]) -> bytes:
    """Return the request of *entry*, a row of the ledger, as it came."""
    head = "\r\n".join((entry["target"], *(f"{name}: {value}" for name, value in entry["headers"])))
    body = b64decode(entry["body_base64"]) if "body_base64" in entry else (entry["body"] or "").encode()
    return head.encode("latin-1") + b"\r\n\r\n" + body

"""The demo's eyes and hands on the two processes: faults and ledger of the server, status and records of the sidecar."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import aiohttp

from simulator.demo.evidence import Applied, Received, Span
from simulator.demo.plan import Phase
from simulator.demo.processes import Failed
from simulator.desks import REGISTRATION
from simulator.forms import Dialect

ASKS_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class Seen:
    """The sidecar's own view: `upstream` is `up`, `down` or `held`, or why nothing is known; counts of records by state."""

    upstream: str = "not known yet"
    records: Mapping[str, int] = field(default_factory=dict)
    in_outage: bool = False

    @property
    def confirmed(self) -> int:
        """Records that the server has."""
        return self.records.get("delivered", 0)

    @property
    def unknown(self) -> int:
        """Records of which the sidecar has yet to learn whether the server has them."""
        return self.records.get("unknown", 0)

    @property
    def waiting(self) -> int:
        """Records that are still to be sent."""
        return sum(self.records.get(state, 0) for state in ("pending", "sending", "unknown"))


@dataclass(slots=True)
class Stage:
    """The server, ruled at *control*, and the sidecar with its ports *data* and *admin*, origins, and its *configuration*."""

    http: aiohttp.ClientSession
    control: str
    data: str
    admin: str
    configuration: Path
    dialect: Dialect
    raised: str | None = None

    @property
    def api(self) -> str:
        """The address that the desks' software is given."""
        return self.data + self.dialect.base

    async def enter(self, phase: Phase) -> None:
        """Bring about *phase*: between two in which the server does not answer there is no moment in which it does."""
        before, self.raised = self.raised, None
        if phase.answers and before is not None:
            await self._lift(before)
        if phase.fault is not None:
            routes = {"routes": self.dialect.recorded} if phase is Phase.LOSING else {}
            self.raised = (await self._json("POST", f"{self.control}/_sim/faults", phase.fault | routes))["id"]
        if not phase.answers and before is not None:
            await self._lift(before)

    async def refuse(self, batch: str) -> None:
        """Let the server refuse doses of *batch* from now on."""
        await self._json("PUT", f"{self.control}/_sim/rules", {"refused_batches": [batch]})

    async def people(self) -> list[dict[str, Any]]:
        """Return the server's register."""
        people: list[dict[str, Any]] = await self._json("GET", f"{self.control}/_sim/people")
        return people

    async def applied(self) -> list[Applied]:
        """Return the registrations and doses in the server's ledger, in the order in which it took them on."""
        effects = await self._effects()
        registered = {effect["person"]: effect["key"] for effect in effects if effect["dose"] is None}
        return [
            Applied(
                registered.get(effect["person"], effect["person"]), effect["dose"] or REGISTRATION, effect["applied_at"], effect["order"]
            )
            for effect in effects
        ]

    async def received(self) -> list[Received]:
        """Return all that came to the server."""
        effects = {effect["received"]: effect["order"] for effect in await self._effects()}
        entries = (await self._json("GET", f"{self.control}/_sim/ledger"))["received"]
        return [
            Received(_raw(entry), effects.get(entry["sequence"]), entry["sequence"] in effects and entry["status"] is None)
            for entry in entries
        ]

    async def down(self) -> Span:
        """Return the true outage: from the first switch to a fault that answers nothing to the last one back."""
        unanswering = {phase.fault["fault"] for phase in Phase if phase.fault and not phase.answers}
        faults = await self._json("GET", f"{self.control}/_sim/faults?lifted")
        spans = [Span(fault["raised_at"], fault["lifted_at"]) for fault in faults if fault["fault"] in unanswering]
        ends = [span.ended_at for span in spans if span.ended_at is not None]
        return Span(min(span.started_at for span in spans), max(ends) if len(ends) == len(spans) else None)

    async def seen(self) -> Seen:
        """Return the sidecar's view now; one that does not answer has none."""
        try:
            status = await self._json("GET", f"{self.data}/.dosekeeper/status")
        except Failed:
            return Seen(upstream="(no answer)")
        return Seen(status["upstream"], status["records"], status["outage"] is not None)

    async def states(self, records: Iterable[str]) -> dict[str, str]:
        """Return the states of *records*, as far as the sidecar knows them."""
        turn = asyncio.Semaphore(ASKS_AT_ONCE)

        async def ask(record: str) -> tuple[str, str]:
            async with turn:
                return record, (await self._json("GET", f"{self.data}/.dosekeeper/records/{record}"))["state"]

        return dict(await asyncio.gather(*(ask(record) for record in records)))

    async def outages(self) -> list[Span]:
        """Return the outages on the sidecar's record."""
        rows = await self._json("GET", f"{self.admin}/api/outages")
        return [Span(_milliseconds(row["started_at"]), row["ended_at"] and _milliseconds(row["ended_at"])) for row in rows]

    async def _effects(self) -> list[dict[str, Any]]:
        ledger = await self._json("GET", f"{self.control}/_sim/ledger?applied=1")
        return [effect for effect in ledger["applied"] if effect["kind"] in ("registration", "dose")]

    async def _json(self, method: str, url: str, body: object = None) -> Any:  # noqa: ANN401 - whatever the page is made of
        try:
            async with self.http.request(method, url, json=body) as answer:
                answer.raise_for_status()
                return await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Failed(f"{method} {url} got no good answer: {str(error) or type(error).__name__}") from error

    async def _lift(self, fault: str) -> None:
        await self._json("DELETE", f"{self.control}/_sim/faults/{fault}")


def _raw(entry: Mapping[str, Any]) -> bytes:
    """Return the request of *entry*, a row of the ledger, as it came."""
    head = "\r\n".join((entry["target"], *(f"{name}: {value}" for name, value in entry["headers"])))
    body = b64decode(entry["body_base64"]) if "body_base64" in entry else (entry["body"] or "").encode()
    return head.encode("latin-1") + b"\r\n\r\n" + body


def _milliseconds(text: str) -> int:
    """Return an RFC 3339 time as wall-clock milliseconds UTC."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)

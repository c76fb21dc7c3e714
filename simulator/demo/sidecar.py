"""A centre's sidecar: its process, which can be killed and started again, and its word on its records."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import aiohttp

from simulator import clock
from simulator.demo.asking import asked
from simulator.demo.district import Centre
from simulator.demo.evidence import Span
from simulator.demo.processes import Failed, started
from simulator.forms import Dialect

RECORDS_MAX: Final = 10_000
READY_S: Final = 60.0
"""Nine of them start at the same time, on as few cores as there are."""

ASK_EVERY_S: Final = 0.1


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
class Sidecar:
    """
    The sidecar of *centre*, with its ports *data* and *admin*, origins, and its *configuration*.

    `seen` is its view when it was last asked; `dead` the time between being killed and being ready again.
    """

    http: aiohttp.ClientSession
    centre: Centre
    data: str
    admin: str
    configuration: Path
    dialect: Dialect
    seen: Seen = field(default_factory=Seen)
    dead: Span | None = None
    _process: Process | None = None
    _running: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def api(self) -> str:
        """The address that the desks' software is given."""
        return self.data + self.dialect.base

    async def start(self) -> None:
        """
        Start it, and wait until it answers.

        Raises:
            Failed: It does not come up.
        """
        folder = self.configuration.parent
        serve = started("proxy", "--config", str(self.configuration), "serve", folder=folder)
        self._process = await self._running.enter_async_context(serve)
        await ready(self._process, self.http, f"{self.data}/.dosekeeper/status", f"The sidecar of {self.centre.name}")

    async def kill(self) -> None:
        """Kill it as a power cut would, without a word, and start it again."""
        assert self._process is not None, "it was started"
        killed_at = clock.now().at
        self.dead = Span(killed_at, None)
        self._process.kill()
        await self._process.wait()
        await self.start()
        self.dead = Span(killed_at, clock.now().at)

    async def stop(self) -> None:
        """End it."""
        await self._running.aclose()

    async def look(self) -> Seen:
        """Return its view now, and keep it; one that does not answer has none."""
        try:
            status = await asked(self.http, "GET", f"{self.data}/.dosekeeper/status")
        except Failed:
            self.seen = Seen(upstream="(no answer)", records=self.seen.records)
        else:
            self.seen = Seen(status["upstream"], status["records"], status["outage"] is not None)
        return self.seen

    async def states(self) -> dict[str, str]:
        """Return the state of each of its records, by its id."""
        records = await asked(self.http, "POST", f"{self.admin}/api/records/search", {"limit": RECORDS_MAX})
        return {record["id"]: record["state"] for record in records}

    async def outages(self) -> list[Span]:
        """Return the outages on its record."""
        rows: list[dict[str, Any]] = await asked(self.http, "GET", f"{self.admin}/api/outages")
        return [Span(_milliseconds(row["started_at"]), row["ended_at"] and _milliseconds(row["ended_at"])) for row in rows]


async def ready(process: Process, http: aiohttp.ClientSession, url: str, name: str) -> None:
    """
    Wait until *url* has a good answer.

    Raises:
        Failed: *process* has ended, or there is none in time.
    """
    try:
        async with asyncio.timeout(READY_S):
            while True:
                answers = await _answers(http, url)
                if process.returncode is not None:  # also where there is an answer: it is somebody else's
                    raise Failed(f"{name} ended at once, with exit code {process.returncode}.")
                if answers:
                    return
                await asyncio.sleep(ASK_EVERY_S)
    except TimeoutError:
        raise Failed(f"{name} is not ready after {READY_S:.0f} s: {url} has no good answer.") from None


async def _answers(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(url) as answer:
            return answer.ok
    except (aiohttp.ClientError, TimeoutError):
        return False


def _milliseconds(text: str) -> int:
    """Return an RFC 3339 time as wall-clock milliseconds UTC."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)

"""A centre for the tests: a real simulator, a real journal, the sidecar's data port on a real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from proxy.app import Sidecar, assembled
from proxy.operations.centre import Centre as Operated
from proxy.operations.centre import Traffic
from proxy.operations.public_status import public_status
from proxy.operations.runs import Replays
from proxy.profiles.load import load_profile
from proxy.settings import load_settings
from proxy.traffic.clock import Clock
from proxy.traffic.limits import Limits
from proxy.traffic.meters import Meters
from proxy.traffic.retry import Wake
from proxy.traffic.server import Port, data_runner
from simulator import Simulator
from store.file.lock import Role
from store.journal import open_journal
from store.record_search import RecordFilter
from store.records import Record, RecordState

VACCINATE = "/v2/vaccinator/beneficiaries/vaccinate"
SCHEDULE = "/v2/vaccinator/onspots/schedule"
GENDERS = "/v2/registration/beneficiary/genders"

QUICK: dict[str, dict[str, Any]] = {
    "answering": {"answer_within": "1s", "body_max": "64KiB"},
    "outage": {"probe_every": "100ms", "probe_max": "300ms", "probe_idle": "300ms", "slow_after": "2s"},
    "replay": {"calls_per_minute": 60_000, "spread_max": "0s", "settle": "200ms"},
    "upstream": {"connect_timeout": "1s", "read_timeout": "5s"},
}
"""Settings under which an outage and its end are a matter of a second."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a desk was told."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def state(self) -> str | None:
        return self.headers.get("Dosekeeper-State")


class JumpingClock(Clock):
    """A wall clock that somebody sets, in a computer that somebody suspends; its own course is left alone, as in life."""

    def __init__(self) -> None:
        self.ahead_ms = 0
        self.suspended_s = 0.0

    def wall(self) -> int:
        return Clock.wall(self) + self.ahead_ms + round(self.suspended_s * 1000)

    def monotonic(self) -> float:
        return Clock.monotonic(self) + self.suspended_s


class LaterClock(JumpingClock):
    """Hours pass at once: on the wall, and since the boot."""

    def monotonic(self) -> float:
        return JumpingClock.monotonic(self) + self.ahead_ms / 1000


@dataclass(slots=True)
class Bell:
    """Rings at every commit of the journal; who waits for a condition looks again then."""

    event: asyncio.Event = field(default_factory=asyncio.Event)

    def ring(self, *_: object) -> None:
        self.event.set()


@dataclass(slots=True)
class Centre:
    """One centre's sidecar, and a desk's software that talks to it."""

    sidecar: Sidecar
    url: str
    desk: aiohttp.ClientSession
    bell: Bell

    async def post(self, path: str, body: Any, **headers: str) -> Told:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.desk.post(self.url + path, data=content, headers={"Content-Type": "application/json"} | headers) as answer:
            return Told(answer.status, dict(answer.headers), await answer.read())

    async def get(self, path: str, **headers: str) -> Told:
        async with self.desk.get(self.url + path, headers=headers) as answer:
            return Told(answer.status, dict(answer.headers), await answer.read())

    async def vaccinate(self, person: str, dose: int = 1, **more: object) -> Told:
        return await self.post(VACCINATE, a_dose(person, dose) | more)

    async def until(self, met: Callable[[], Awaitable[bool]], within_s: float = 15) -> None:
        """Wait until a condition on the journal is met; it is asked again at every commit, and when an outage may have moved on."""
        async with asyncio.timeout(within_s):
            while True:
                self.bell.event.clear()
                if await met():
                    return
                await self.bell.event.wait()

    async def until_phase(self, phase: str, group: str = "vaccinator") -> None:
        async def met() -> bool:
            return self.sidecar.circuits.watched(group).circuit.phase == phase

        await self.until(met)

    async def until_all(self, state: RecordState, count: int, within_s: float = 15) -> None:
        async def met() -> bool:
            return (await self.sidecar.journal.counts())[state] == count

        await self.until(met, within_s)

    async def records(self) -> list[Record]:
        return await self.sidecar.journal.find(RecordFilter())

    async def states(self) -> list[str]:
        return [record.state.value for record in await self.records()]

    async def go_down(self) -> None:
        """Wait until the sidecar has noticed by itself, from its probes, that the server is down."""
        await self.until_phase("open")


def a_dose(person: str, dose: int = 1) -> dict[str, object]:
    return {
        "beneficiary_reference_id": person,
        "center_id": 563048,
        "vaccine": "COVISHIELD",
        "vaccine_batch": "4121Z012",
        "dose": dose,
        f"dose{dose}_date": "23-06-2021",
        "vaccinator_name": "Prabha Devi",
    }


@asynccontextmanager
async def a_centre(
    folder: Path,
    upstream: str,
    profile: str | Path = "cowin-vaccinator",
    limits: Limits | None = None,
    /,
    *,
    clock: Clock | None = None,
    **settings: dict[str, Any],
) -> AsyncIterator[Centre]:
    """Run a sidecar in front of *upstream* until the block ends; *settings* are sections that differ from `QUICK`."""
    environ = {
        f"DOSEKEEPER_{section}__{key}".upper(): str(value)
        for section, keys in {**QUICK, **{name: {**QUICK.get(name, {}), **more} for name, more in settings.items()}}.items()
        for key, value in keys.items()
    }
    config = folder / "config.yaml"
    config.write_text(f"upstream: {{url: {upstream}, headers: {{x-api-key: demo-key}}}}\nprofile: {profile}\n")
    loaded = load_settings(config, environ)
    bell = Bell()
    journal = await open_journal(loaded.store.path, loaded.store.key_file, {}, Role.SERVICE, bell.ring)
    try:
        async with assembled(loaded, load_profile(loaded.profile, folder), journal, Meters(), clock) as sidecar:
            sidecar.circuits.bells.append(bell.ring)
            await sidecar.recover()
            async with sidecar.running(), _listening(sidecar, limits) as url, aiohttp.ClientSession() as desk:
                yield Centre(sidecar, url, desk, bell)
    finally:
        await journal.close()


def traffic_of(sidecar: Sidecar) -> Traffic:
    replays = Replays(sidecar.replayer.budget)
    return Traffic(sidecar.circuits, sidecar.credentials, sidecar.replayer, replays, Wake(), sidecar.watch)


@asynccontextmanager
async def _listening(sidecar: Sidecar, limits: Limits | None) -> AsyncIterator[str]:
    centre = Operated(sidecar.journal, sidecar.clock, sidecar.persons, traffic_of(sidecar))
    port = Port(data_runner(sidecar.data_port(lambda: public_status(centre), limits)), "127.0.0.1", 0, limits=limits)
    number = await port.open()
    try:
        yield f"http://127.0.0.1:{number}{sidecar.upstream.prefix}"
    finally:
        await port.close()


def people(simulator: Simulator, *, doses: int = 0) -> list[str]:
    """Return those on the register who have had so many doses."""
    return [person.id for person in simulator.register.people.values() if len(person.doses) == doses]


def doses_applied(simulator: Simulator) -> list[tuple[str, int | None]]:
    """Return (person, dose) in the order in which they took effect upstream: the ledger is the judge."""
    return [(entry.effect.person, entry.effect.dose) for entry in simulator.ledger.applied if entry.effect.kind == "dose"]

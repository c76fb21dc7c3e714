"""A day at a centre, played by a list of acts against the real sidecar and a server that fails; `verdict.py` judges it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import aiohttp

from simulator import Simulator
from store.records import RecordState
from tests.traffic.centre import VACCINATE, Centre, JumpingClock, Told, a_centre, people

REGISTER: Final = "/v2/vaccinator/beneficiaries/new"
STRANGER: Final = "11111111111111"
"""Whom the server does not know: a record of theirs is refused."""

PERSONS: Final = 3
WALK_INS: Final = ("Lakshmi Nair", "Gopal Nair")
A_DAY_MS: Final = 86_400_000
DRAINED_WITHIN_S: Final = 30
FIRST_LOOK_S: Final = 1.0
"""Longest that the backlog is left to itself before the clock is put forward, so that no test waits out a back-off."""

AHEAD_MS: Final = 20_000

SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "answering": {"answer_within": "1s"},
    "outage": {"probe_every": "50ms", "probe_max": "100ms", "probe_idle": "100ms", "slow_after": "300ms"},
    "upstream": {"connect_timeout": "500ms", "read_timeout": "1200ms"},
    "replay": {"settle": "200ms"},
}

FAULTS: Final[dict[str, dict[str, Any]]] = {
    "refuse": {},
    "commit_then_drop": {},
    "reset_after": {},
    "hang": {},
    "truncated": {},
    "portal_200": {},
    "gateway_504": {},
    "slow": {"latency_s": 0.1},
    "error_500": {"times": 1},
    "throttle_429": {"retry_after_s": 0, "times": 2},
}
"""What the server can do to the requests it gets."""


class Verb(StrEnum):
    """What can happen."""

    DOSE = "dose"
    DOUBLE_TAP = "double tap"
    OTHER_CONTENT = "other content"
    STRANGER = "stranger"
    REGISTER = "register"
    WALK_IN_DOSE = "walk-in dose"
    SERVER = "server"
    CRASH = "crash"
    CRASH_AT_A_DOSE = "crash at a dose"
    RESTART = "restart"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Act:
    """`who` chooses among persons or walk-ins, `fault` is the server's from now on (None: it is up), `days` the jump of the clock."""

    verb: Verb
    who: int = 0
    fault: str | None = None
    days: int = 0


@dataclass(frozen=True, slots=True)
class Fact:
    """What a desk was told with a 2xx: the record, and whether the server itself had said so."""

    record: str
    by_server: bool
    of_stranger: bool


@dataclass
class Day:
    """The centre, its desks, and what the oracle remembers: what was told, what was asked, in the desks' own bytes."""

    sim: Simulator
    folder: Path
    persons: list[str]
    clock: JumpingClock = field(default_factory=JumpingClock)
    told: list[Fact] = field(default_factory=list)
    asked: set[bytes] = field(default_factory=set)
    ids: dict[str, str] = field(default_factory=dict)
    """What the desks were given for each walk-in."""
    doses: dict[str, int] = field(default_factory=dict)
    """The last dose of each person that a desk was told is taken."""
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    centre: Centre = field(init=False)

    async def act(self, act: Act) -> None:
        person = self.persons[act.who % len(self.persons)]
        match act.verb:
            case Verb.SERVER:
                await self.server(act.fault)
            case Verb.CLOCK:
                await self.set_clock(act.days)
            case Verb.CRASH:
                await self.crash()
            case Verb.CRASH_AT_A_DOSE:
                await self.crash_at(person)
            case Verb.RESTART:
                await self.stack.aclose()
                await self.start()
            case _:
                await self._at_a_desk(act.verb, person, WALK_INS[act.who % len(WALK_INS)])

    async def _at_a_desk(self, verb: Verb, person: str, walk_in: str) -> None:
        match verb:
            case Verb.DOSE:
                await self.next_dose(person)
            case Verb.DOUBLE_TAP:
                await self.next_dose(person, taps=2)
            case Verb.OTHER_CONTENT if person in self.doses:
                told = await self.post(VACCINATE, dose_body(person, self.doses[person], "4121Z099"))
                assert told.status == 409, "the fact is recorded, with other content"
            case Verb.STRANGER:
                await self.post(VACCINATE, dose_body(STRANGER, 1), stranger=True)
            case Verb.REGISTER:
                await self.register(walk_in)
            case Verb.WALK_IN_DOSE if walk_in in self.ids:
                await self.next_dose(self.ids[walk_in])
            case _:
                pass  # nobody is there yet whom it could concern

    async def start(self) -> None:
        self.stack = AsyncExitStack()
        upstream = f"{self.sim.url}/api"
        self.centre = await self.stack.enter_async_context(a_centre(self.folder, upstream, clock=self.clock, **SETTINGS))

    async def crash(self) -> None:
        """End the sidecar with nothing settled: what is under way stops where it is (tests/system/test_kill.py kills a process)."""
        stopping = asyncio.create_task(self.stack.aclose())
        while not stopping.done():
            for task in tuple(self.centre.sidecar.background._tasks):
                task.cancel()
            await asyncio.wait((stopping,), timeout=0.01)  # a request under way may begin another
        await stopping
        await self.start()

    async def crash_at(self, person: str) -> None:
        """Crash as soon as a dose is on disk: its desk may get an answer, or none."""
        self.centre.bell.event.clear()
        dosing = asyncio.create_task(self.next_dose(person))
        ringing = asyncio.create_task(self.centre.bell.event.wait())
        await asyncio.wait((dosing, ringing), timeout=5, return_when=asyncio.FIRST_COMPLETED)
        ringing.cancel()
        await self.crash()
        with contextlib.suppress(aiohttp.ClientError):
            await dosing

    async def server(self, fault: str | None) -> None:
        await self.sim.faults.clear()
        if fault is not None:
            await self.sim.faults.add(fault, **FAULTS[fault])

    async def set_clock(self, days: int) -> None:
        self.clock.ahead_ms += days * A_DAY_MS

    async def next_dose(self, person: str, taps: int = 1) -> None:
        dose = min(2, self.doses.get(person, 0) + 1)
        told = await asyncio.gather(*(self.post(VACCINATE, dose_body(person, dose)) for _ in range(taps)))
        assert {answer.status for answer in told} == {200}
        assert len({answer.headers["Dosekeeper-Record"] for answer in told}) == 1, "one dose is one record"
        self.doses[person] = dose

    async def register(self, name: str) -> None:
        told = await self.post(REGISTER, walk_in_body(name))
        assert told.status == 200, told
        id_ = str(json.loads(told.body)["beneficiary_reference_id"])
        assert id_ not in (given for other, given in self.ids.items() if other != name), "nobody else's id"
        self.ids.setdefault(name, id_)

    async def post(self, path: str, body: bytes, *, stranger: bool = False) -> Told:
        self.asked.add(body)
        told = await self.centre.post(path, body)
        if told.status == 200:
            self.told.append(Fact(told.headers["Dosekeeper-Record"], told.state is None, stranger))
        return told

    async def drain(self) -> None:
        """Lift all faults and wait until nothing goes up by itself any more; time passes faster than by the clock on the wall."""
        await self.server(None)
        async with asyncio.timeout(DRAINED_WITHIN_S):
            while not await self._at_rest():
                with contextlib.suppress(TimeoutError):
                    await self.centre.until(self._at_rest, FIRST_LOOK_S)
                self.clock.ahead_ms += AHEAD_MS
                self.centre.sidecar.replayer.wake.ring()

    async def _at_rest(self) -> bool:
        """Whether every record is delivered, refused or held, or waits behind a held one (that is the stranger's alone)."""
        records = await self.centre.records()
        stuck = any(record.state is RecordState.HELD for record in records)
        moving = [record for record in records if record.state in _MOVING and not (stuck and STRANGER.encode() in record.body)]
        return not moving


_MOVING: Final = frozenset({RecordState.PENDING, RecordState.SENDING, RecordState.UNKNOWN})


@asynccontextmanager
async def a_day(folder: Path) -> AsyncIterator[Day]:
    async with Simulator(seed=7, people=12) as sim:
        day = Day(sim, folder, people(sim)[:PERSONS])
        await day.start()
        try:
            yield day
        finally:
            await day.stack.aclose()


def dose_body(person: str, dose: int, batch: str = "4121Z012") -> bytes:
    """Return a dose as a desk's software writes it: the blanks, the escapes and the form of the numbers must arrive."""
    return (
        f'{{ "beneficiary_reference_id" : "{person}",\n "dose":{dose}, "dose{dose}_date": "23-06-2021", "center_id":563048, '
        f'"vaccine":"COVISHIELD","vaccine_batch":"{batch}", "vaccinator_name": "Prabha \\u0044evi", "temp": 36.60 }}'
    ).encode()


def walk_in_body(name: str) -> bytes:
    return (
        f'{{"name":"{name}", "birth_year" : "1962","gender_id":2,"mobile_number":"9000000001","photo_id_type":1,'
        '"photo_id_number":"4821",  "comorbidity_ind":"N","consent_version":"1" }'
    ).encode()

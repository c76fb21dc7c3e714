"""One sidecar and one server, and a fault between them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from proxy.traffic.clock import Clock
from simulator import Simulator
from simulator import clock as simulators_clock
from simulator.faults.capacity import Capacity
from simulator.faults.catalogue import FAULTS
from simulator.faults.fault import LineFault
from simulator.faults.scope import Scope
from store.records import RecordState, Settlement
from tests.traffic.centre import VACCINATE, Centre, a_centre, doses_applied

OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "slow": {"latency_s": 1.5},
    "slow_close": {"delay_s": 1.5},
    "slicer": {"size": 16, "delay_s": 0.2},
    "bandwidth": {"rate": 200},
    "capacity": {"per_second": 1, "recovery_s": 3},
    "unavailable_503": {"retry_after_s": 1},
    "throttle_429": {"retry_after_s": 1},
    "token_dies": {"life_s": 0},
}
"""Such that one answer is late for a desk, which waits 1 s here, and still in time for a send, which waits 5 s."""

SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "answering": {"answer_within": "1s"},
    "outage": {"slow_after": "3s"},
    "upstream": {"read_timeout": "4s"},
}

DNS: Final = "dns"
NOWHERE: Final = "http://national-server.invalid/api"

ON_TLS: Final = frozenset({"tls_expired", "tls_untrusted", "tls_wrong_host", "reset_peer"})
"""Run on a TLS port; without TLS a reset may come before or after the request is on its way."""

OLD_TOKEN: Final = {"Authorization": "Bearer e30.eyJpYXQiOiAxfQ.x"}
WITHIN_S: Final = 45.0
WAIT_S: Final = 16.0
"""A little more than a record waits whose credential was refused, or all do at the first "too many"."""
THROTTLED_S: Final = 130.0
"""A little more than the two minutes after which being throttled is an outage."""


class LaterClock(Clock):
    """A clock that can be put forward, monotonic time too: no run waits for a log-in's quarter of a minute, or two of being throttled."""

    def __init__(self) -> None:
        self.later_s = 0.0

    def monotonic(self) -> float:
        return Clock.monotonic(self) + self.later_s

    def wall(self) -> int:
        return Clock.wall(self) + round(self.later_s * 1000)


@dataclass(slots=True)
class Run:
    """One sidecar and one server; `settled` is what each send came to, in order."""

    sim: Simulator
    centre: Centre
    clock: LaterClock
    settled: list[tuple[int, Settlement]] = field(default_factory=list)

    def put_forward(self, seconds: float) -> None:
        """Let time pass, and replay look again."""
        self.clock.later_s += seconds
        self.centre.sidecar.replayer.wake.ring()

    def first_of(self, number: int) -> Settlement | None:
        """Return what the first send of a record came to."""
        return next((made for settled, made in self.settled if settled == number), None)


class TooSlow(Exception):
    """The disk of this machine did not take a record within a second, so a desk was told to use paper: the run says nothing."""


@asynccontextmanager
async def a_run(fault: str, folder: Path) -> AsyncIterator[Run]:
    """Start both; the port speaks TLS where the fault needs that."""
    clock = LaterClock()
    async with Simulator(seed=7, people=60, tls=fault in ON_TLS) as sim:
        authority = folder / "authority.pem"
        authority.write_text(sim.authority_pem)
        upstream = SETTINGS["upstream"] | ({"ca_file": authority} if sim.authority_pem else {})
        async with a_centre(
            folder, NOWHERE if fault == DNS else f"{sim.url}/api", clock=clock, **SETTINGS | {"upstream": upstream}
        ) as centre:
            run = Run(sim, centre, clock)
            _listen_in(run)
            yield run
            if fault != DNS:
                await _all_once(run)
        if fault == DNS:
            async with a_centre(folder, f"{sim.url}/api") as centre:  # the name is right again
                run.centre = centre
                await _all_once(run)


def _listen_in(run: Run) -> None:
    """Note every settling on its way to the journal."""
    settle = run.centre.sidecar.journal.settle

    async def noted(number: int, attempt: int, made: Settlement, *rest: Any, **named: Any) -> Any:
        if made.outcome is not None:
            run.settled.append((number, made))
        return await settle(number, attempt, made, *rest, **named)

    setattr(run.centre.sidecar.journal, "settle", noted)  # noqa: B010 - to mypy a method is not to be assigned to


async def _all_once(run: Run) -> None:
    """Wait until nothing is open, and let the ledger judge."""
    if any(told_to_wait(made) for _, made in run.settled):
        run.put_forward(WAIT_S)
    if any(record.reason == "told-paper" for record in await run.centre.records()):
        raise TooSlow
    kept = [record for record in await run.centre.records() if record.state is not RecordState.REFUSED]
    await run.centre.until_all(RecordState.DELIVERED, len(kept), WITHIN_S)
    applied = doses_applied(run.sim)
    assert len(applied) == len(set(applied)) == len(kept), "each dose once"


async def probed(run: Run) -> None:
    """Wait until the circuit has made up its mind."""

    async def firm() -> bool:
        return run.centre.sidecar.circuits.watched("vaccinator").circuit.phase != "suspect"

    await run.centre.until(firm, WITHIN_S)


async def written(run: Run) -> bool:
    closed = run.centre.sidecar.circuits.watched("vaccinator").circuit.phase == "closed"
    return closed or bool(await run.centre.sidecar.journal.running_outages())


async def raised(run: Run, fault: str, *, once: bool) -> None:
    if fault == DNS:
        return
    scope = Scope(routes=(f"/api{VACCINATE}",), times=1) if once and not is_line(fault) else Scope()
    await run.sim.faults.raise_fault(fault, scope, OPTIONS.get(fault, {}))
    capacity = run.sim.faults.raised[-1].fault
    if isinstance(capacity, Capacity):
        for _ in range(2):  # the others who bring it down
            capacity.overrun(simulators_clock.now().monotonic_s)


async def followed(run: Run, number: int, *, lift: bool) -> Settlement:
    """Wait for what the first send of the record comes to; after a line fault the line is mended then."""

    async def settled() -> bool:
        return run.first_of(number) is not None

    await run.centre.until(settled, WITHIN_S)
    if lift:
        await run.sim.faults.clear()
    made = run.first_of(number)
    assert made is not None
    if told_to_wait(made):
        run.put_forward(WAIT_S)
    return made


def told_to_wait(made: Settlement) -> bool:
    return made.outcome in ("auth", "throttled")


def fields(fault: str) -> dict[str, str]:
    return OLD_TOKEN if fault == "token_dies" else {}


def is_line(fault: str) -> bool:
    return fault in FAULTS and issubclass(FAULTS[fault], LineFault)

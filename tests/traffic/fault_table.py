"""
Every fault, and what becomes of a dose: a real run of sidecar and simulator, printed as docs/faults.md.

`python -m tests.traffic.fault_table > docs/faults.md`
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from simulator.faults.catalogue import FAULTS
from store.records import RecordState, Settlement
from tests.traffic.centre import VACCINATE, Told, a_dose, people
from tests.traffic.fault_run import (
    DNS,
    OPTIONS,
    THROTTLED_S,
    WITHIN_S,
    Run,
    TooSlow,
    a_run,
    fields,
    followed,
    is_line,
    probed,
    raised,
    told_to_wait,
    written,
)

DOSES: Final = 12
AT_ONCE: Final = 8
TRIES: Final = 3

HEAD: Final = """# What each fault does to a dose

Printed by a real run of the sidecar, with the profile `cowin-vaccinator`, against the simulator: `python -m tests.traffic.fault_table >
docs/faults.md`. A test runs it again and compares. In every run the server's ledger holds each dose exactly once when the fault is over.
A desk here waits 1 s for its answer, and a send 5 s.

- **outcome**: what the send came to, and why, in the words of the record's *reason* and of `dosekeeper_upstream_requests_total`.
- **the desk** has the server's own answer, or a receipt with which the dose may be given.
- **the record** right after the send, where `unknown` means that the server may have it, so that it is looked up before it is sent again;
  then what became of it once the fault was over.
- **while replaying**: the same for a record that was kept in an outage and meets the fault when its turn comes.
- **as an outage**: the fault on all routes; cause and scope in `dosekeeper outages list`, or none where the server goes on taking records.

| fault | outcome | the desk | the record, then | while replaying | as an outage |
|---|---|---|---|---|---|
"""

TAIL: Final = """
A fault of the whole port (`refuse` to `tls_wrong_host`) meets the probes too, and replay begins only after them: *not tried*.

`dns` is no fault of the simulator: a name is resolved on the client's machine. In that row `upstream.url` names a host below `.invalid`,
which never resolves (RFC 6761), and afterwards the simulator.
"""


async def row(fault: str) -> str:
    """Run one fault live, while replaying and as an outage, and return its line of the table."""
    with TemporaryDirectory() as one, TemporaryDirectory() as two:
        outcome, desk, record, replayed = await _struck(fault, Path(one))
        outage = await _as_an_outage(fault, Path(two))
    replayed = "the same" if replayed == record else replayed
    return f"| {_described(fault)} | {outcome} | {desk} | {record} | {replayed} | {outage} |"


async def _struck(fault: str, folder: Path) -> tuple[str, str, str, str]:
    async with a_run(fault, folder) as run:
        strike = partial(raised, run, fault, once=True)
        await strike()
        told = await run.centre.post(VACCINATE, a_dose(people(run.sim)[0]), **fields(fault))
        live = await followed(run, 1, lift=True)
        outcome = live.reason or f"{live.outcome}"
        desk, record = _seen(told), _what(live)
        if fault == DNS:
            return outcome, desk, f"{record}; sent again", "not tried"
        record += await _ending(run, 1)
        replayed = "not tried" if is_line(fault) else await _replayed(run, fault, strike)
    return outcome, desk, record, replayed


async def _replayed(run: Run, fault: str, strike: Callable[[], Any]) -> str:
    cut = await run.sim.faults.add("refuse")
    await run.centre.go_down()
    number = len(await run.centre.records()) + 1
    told = await run.centre.post(VACCINATE, a_dose(people(run.sim)[1]), **fields(fault))
    assert told.state == "pending", "an outage: the receipt at once"
    await strike()
    await run.sim.faults.lift(cut)
    made = await followed(run, number, lift=False)
    if not fields(fault):
        return _what(made) + await _ending(run, number)
    await run.centre.post(VACCINATE, a_dose(people(run.sim)[2]), **fields(fault))
    return f"{_what(made)}; waits for that log-in{await _ending(run, number)}"


async def _as_an_outage(fault: str, folder: Path) -> str:
    async with a_run(fault, folder) as run:
        await raised(run, fault, once=False)
        doses = [run.centre.post(VACCINATE, a_dose(person), **fields(fault)) for person in people(run.sim)[:DOSES]]
        await asyncio.gather(*doses)

        async def decided() -> bool:
            # One that is told to wait keeps the others from being sent.
            waits = any(told_to_wait(made) for _, made in run.settled)
            all_sent = {number for number, _ in run.settled} >= set(range(1, DOSES + 1))
            return waits or all_sent or bool(await run.centre.sidecar.journal.running_outages())

        await run.centre.until(decided, WITHIN_S)
        if any(made.outcome == "throttled" for _, made in run.settled):
            run.put_forward(THROTTLED_S)
            await run.centre.post(VACCINATE, a_dose(people(run.sim)[DOSES]))
            await run.centre.until_phase("open")
        else:
            await probed(run)
        await run.centre.until(partial(written, run))
        rows = await run.centre.sidecar.journal.running_outages()
        await run.sim.faults.clear()
    return next((f"{row.cause} ({row.scope})" for row in rows if row.group == "vaccinator"), "none")


async def _ending(run: Run, number: int) -> str:
    """Wait until nothing is left to be done about the record, and tell how that came about."""

    async def over() -> bool:
        record = await run.centre.sidecar.journal.get(number)
        return record is not None and record.state in (RecordState.DELIVERED, RecordState.REFUSED, RecordState.HELD)

    await run.centre.until(over, WITHIN_S)
    record = await run.centre.sidecar.journal.get(number)
    assert record is not None
    first = run.first_of(number)
    if first is None or first.state is record.state:
        return ""
    person = record.body.partition(b'"beneficiary_reference_id": "')[2].partition(b'"')[0]
    looked = any(b"findByReferenceId" in entry.target and person in entry.target for entry in run.sim.ledger.received)
    again = record.attempt > 1
    how = {(True, True): "looked up, not there, sent again", (True, False): "looked up, there", (False, True): "sent again"}[looked, again]
    return f"; {how}" + ("" if record.state is RecordState.DELIVERED else f": {record.state}")


def _seen(told: Told) -> str:
    return f"receipt {told.status}" if told.state else f"the server's {told.status}"


def _what(made: Settlement) -> str:
    return f"`{made.state}`"


def _described(fault: str) -> str:
    if fault == DNS:
        return "`dns` The server's name cannot be resolved."
    options = "".join(f" {name}={value}" for name, value in OPTIONS.get(fault, {}).items())
    return f"`{fault}{options}` {(sys.modules[FAULTS[fault].__module__].__doc__ or '').strip()}"


async def page(faults: tuple[str, ...] = (DNS, *FAULTS)) -> str:
    """Return docs/faults.md as this run of *faults* has it."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def in_turn(fault: str) -> str:
        async with turns:
            for _ in range(TRIES):
                try:
                    return await row(fault)
                except TooSlow:
                    continue
                except Exception as error:
                    raise AssertionError(f"{fault} did not come to its end") from error
        raise TooSlow

    return HEAD + "\n".join(await asyncio.gather(*map(in_turn, faults))) + "\n" + TAIL


if __name__ == "__main__":
    faults = tuple(sys.argv[1:]) or (DNS, *FAULTS)
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        sys.stdout.write(runner.run(page(faults)))

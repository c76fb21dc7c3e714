"""`dosekeeper demo`: its options, its processes, its end."""

from __future__ import annotations

import asyncio
import dataclasses
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from typing import Any, BinaryIO, Final

import click
import orjson

from simulator.demo.judge import judge
from simulator.demo.plan import ANSWER_WITHIN_S, SHORTENED_TEXT, Plan
from simulator.demo.play import Play
from simulator.demo.processes import Failed, logs_in
from simulator.demo.result import Limits, Result
from simulator.demo.screen import Screen
from simulator.demo.set_up import staged
from simulator.demo.table import table
from simulator.dialects import DIALECTS

LIMITS: Final = Limits(wait_s=ANSWER_WITHIN_S + 1.0, outage_off_s=5.0)
"""A second more for a busy machine; an outage's end is known to a probe, and its start to a dose."""

BROKEN: Final = 1
INTERRUPTED: Final = 130


@click.command(name="demo", epilog="Example: dosekeeper demo --seconds 20 --desks 8 --json result.json")
@click.option("--seconds", default=30.0, show_default=True, type=click.FloatRange(8, 600), help="How long the desks work.")
@click.option("--desks", default=5, show_default=True, type=click.IntRange(1, 50), help="Desks that give doses.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same people and pauses.")
@click.option("--profile", default="cowin-vaccinator", show_default=True, type=click.Choice([*DIALECTS]), help="Which kind of server.")
@click.option("--json", "file", type=click.File("wb", lazy=False), help="Write the result there, as JSON.")
def demo(seconds: float, desks: int, seed: int, profile: str, file: BinaryIO | None) -> int:
    """
    Show an outage: a national server that fails and comes back, a sidecar, and desks that go on.

    Everything happens on this machine, with invented people. One record that the server refuses is repaired. At the end the server's
    own ledger says whether a dose was lost, or took effect twice, or for a wrong person.
    Exit code 1: a guarantee is broken, and the last lines say which.
    """
    screen = Screen(sys.stdout)
    folder = Path(tempfile.mkdtemp(prefix="dosekeeper-demo-"))
    code = INTERRUPTED
    try:
        code = _shown(Plan(seconds, desks, seed, profile), folder, screen, file)
    finally:
        if code == BROKEN:
            screen.say(logs_in(folder))
        else:
            rmtree(folder, ignore_errors=True)
    return code


def main(argv: Sequence[str]) -> int:
    """Run the command with *argv*, and return its exit code: 0, 1 when a guarantee is broken, 2 for a wrong option."""
    try:
        return int(demo.main(list(argv), prog_name="dosekeeper demo", standalone_mode=False))
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, asyncio.CancelledError):
        return INTERRUPTED


def as_json(plan: Plan, result: Result) -> dict[str, Any]:
    """Return the result with what it is a result of."""
    return {"plan": dataclasses.asdict(plan), "limits": dataclasses.asdict(LIMITS), "result": dataclasses.asdict(result)}


def _shown(plan: Plan, folder: Path, screen: Screen, file: BinaryIO | None) -> int:
    screen.say(f"The demo's figures are shortened: {SHORTENED_TEXT}.")
    try:
        result = asyncio.run(_played(plan, folder, screen))
    except Failed as error:
        screen.say(f"\nThe demo ended early: {error}")
        return BROKEN
    screen.say(f"\n{table(result, LIMITS)}")
    if file is not None:
        file.write(orjson.dumps(as_json(plan, result), option=orjson.OPT_INDENT_2))
    return BROKEN if result.broken else 0


async def _played(plan: Plan, folder: Path, screen: Screen) -> Result:
    _cancel_on_signals()
    async with staged(plan, folder) as stage:
        return judge(await Play(plan, stage, screen).evidence(), LIMITS)


def _cancel_on_signals() -> None:
    """Let the signals that would end this process alone end the run, and the server and the sidecar with it; Ctrl-C does already."""
    run = asyncio.current_task()
    assert run is not None, "the run is a task"
    for name in ("SIGTERM", "SIGHUP"):
        if (number := getattr(signal, name, None)) is not None:
            with suppress(NotImplementedError):  # Windows
                asyncio.get_running_loop().add_signal_handler(number, run.cancel)

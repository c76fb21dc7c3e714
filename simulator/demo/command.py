"""`dosekeeper demo`: its options, its processes, its end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from typing import Any, Final

import click
import orjson

from simulator.demo.day_report import day_report
from simulator.demo.district import CENTRES
from simulator.demo.history import Clock
from simulator.demo.page import page
from simulator.demo.plan import SHORTENED_TEXT, Plan
from simulator.demo.play import Play
from simulator.demo.processes import Failed, logs_in
from simulator.demo.report import report
from simulator.demo.screen import Screen
from simulator.demo.set_up import staged
from simulator.demo.table import table
from simulator.demo.targets import scraped
from simulator.dialects import DIALECTS

BROKEN: Final = 1
ENDED_EARLY: Final = 3
INTERRUPTED: Final = 130

_FILLER: Final = "*.reserve"
"""64 MiB in each sidecar's folder, with nothing in it."""


def _file(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    """Refuse before the day what could not be written after it; what is there is replaced by a whole day only."""
    if path is not None and not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise click.BadParameter(f"{path} cannot be written. Name a file in a folder that is there and that you may write in.")
    return path


_WRITTEN: Final = click.Path(path_type=Path, dir_okay=False)


@click.command(name="demo", epilog="Example: dosekeeper demo --seconds 20 --centres 2 --one-in 4 --json result.json")
@click.option("--seconds", default=75.0, show_default=True, type=click.FloatRange(16, 600), help="How long the day takes.")
@click.option("--centres", default=len(CENTRES), show_default=True, type=click.IntRange(1, len(CENTRES)), help="Centres that take part.")
@click.option("--one-in", default=1, show_default=True, type=click.IntRange(1, 100), help="Of so many people who came, one comes here.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same people, at the same times, and the same pace.")
@click.option("--profile", default="cowin-vaccinator", show_default=True, type=click.Choice([*DIALECTS]), help="Which kind of server.")
@click.option("--json", "file", type=_WRITTEN, callback=_file, help="Write the result there, as JSON.")
@click.option("--page", "html", type=_WRITTEN, callback=_file, help="Write the result there, as a page with drawings.")
@click.option("--targets", type=_WRITTEN, callback=_file, help="Write there what Prometheus has to scrape (file_sd).")
def demo(  # noqa: PLR0913 - one option, one argument
    *,
    seconds: float,
    centres: int,
    one_in: int,
    seed: int,
    profile: str,
    file: Path | None,
    html: Path | None,
    targets: Path | None,
) -> int:
    """
    Show 30 July 2021 in Rudrapur: nine centres, a server that is down from 12:04 to 15:00, and desks that go on.

    The same people come to the same desks twice at the same time: with a sidecar at each centre, and without. Everything happens on this
    machine, with invented people. One sidecar is killed, and one record that the server refuses is repaired. At the end the servers' own
    ledgers say what became of each dose.
    Exit code 1: a guarantee is broken, and the last lines say which. Exit code 3: the day could not be played to its end.
    """
    screen = Screen(sys.stdout)
    folder = Path(tempfile.mkdtemp(prefix="dosekeeper-demo-"))
    code = INTERRUPTED
    try:
        code = _shown(Plan(seconds, centres, one_in, seed, profile), folder, screen, file, html, targets)
    finally:
        if code in (BROKEN, ENDED_EARLY):
            for filler in folder.rglob(_FILLER):
                filler.unlink()
            screen.say(logs_in(folder))
        else:
            rmtree(folder, ignore_errors=True)
    return code


def main(argv: Sequence[str]) -> int:
    """Run the command with *argv*, and return its exit code: 0, 1 a guarantee is broken, 2 for a wrong option, 3 if it ended early."""
    try:
        return int(demo.main(list(argv), prog_name="dosekeeper demo", standalone_mode=False))
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, asyncio.CancelledError):
        return INTERRUPTED


def _shown(plan: Plan, folder: Path, screen: Screen, file: Path | None, html: Path | None, targets: Path | None) -> int:
    screen.say(f"{plan.people} people come to {plan.centres} centres; the day takes {plan.seconds:.0f} s.\n{SHORTENED_TEXT}\n")
    result: dict[str, Any] | None = None
    try:
        result = asyncio.run(_played(plan, folder, screen, targets))
    except* Failed as group:
        screen.say(f"\nThe demo ended early: {'; '.join(map(str, group.exceptions))}")
    if result is None:
        return ENDED_EARLY
    screen.say(f"\n{table(result)}")
    screen.say(f"\nWhat the first centre's sidecar measured; a second of the run is {plan.speed / 60:.1f} minutes of the day:\n")
    screen.say(result["outage_report"])
    if file is not None:
        file.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2))
    if html is not None:
        html.write_text(page(result), encoding="utf-8")
        screen.say(f"Drawn, to be opened in a browser: {html}")
    return BROKEN if result["broken"] else 0


async def _played(plan: Plan, folder: Path, screen: Screen, targets: Path | None) -> dict[str, Any]:
    _cancel_on_signals()
    async with staged(plan, folder) as stage:
        if targets is not None:
            targets.write_bytes(orjson.dumps(scraped(stage.sidecars)))  # noqa: ASYNC240 - before anything goes on
        beside, without = await Play(plan, stage, screen).seen()
        told = await day_report(stage.sidecars[0], Clock(beside.opened_at, plan.speed), folder)
        return {**report(plan, beside, without), "outage_report": told}


def _cancel_on_signals() -> None:
    """Let the signals that would end this process alone end the run, and the servers and sidecars with it; Ctrl-C does already."""
    run = asyncio.current_task()
    assert run is not None, "the run is a task"
    for name in ("SIGTERM", "SIGHUP"):
        if (number := getattr(signal, name, None)) is not None:
            with suppress(NotImplementedError):  # Windows
                asyncio.get_running_loop().add_signal_handler(number, run.cancel)

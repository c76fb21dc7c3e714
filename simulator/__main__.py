"""Runs the simulator as a process: `python -m simulator`, `dosekeeper-simulator`."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Final

import click

from simulator.cowin.register import Repeat
from simulator.scenario.model import Scenario
from simulator.scenario.player import Pace, Player
from simulator.scenario.reading import ScenarioError, load_scenario, shipped
from simulator.server import Api, Simulator
from simulator.summary import summarise

PORT_MAX: Final = 65_535


@click.command(name="dosekeeper-simulator", epilog="Example: dosekeeper-simulator --port 8490 --scenario rudrapur-30-july --speed 60")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address both ports listen on.")
@click.option("--port", default=8490, show_default=True, type=click.IntRange(0, PORT_MAX), help="Data port; 0 picks a free one.")
@click.option("--control-port", type=click.IntRange(0, PORT_MAX), help="Control port; 0 picks a free one.  [default: the one after --port]")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same people, ids and chances.")
@click.option("--people", default=200, show_default=True, type=click.IntRange(0, 100_000), help="People registered from the start.")
@click.option("--repeat", default="apply", show_default=True, type=click.Choice([*map(str, Repeat)]), help="What a repeated dose becomes.")
@click.option("--api", default="cowin", show_default=True, type=click.Choice([*map(str, Api)]), help="Which kind of national server.")
@click.option(
    "--tls",
    "authority",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Speak TLS; FILE gets the certificate to trust.",
)
@click.option("--scenario", "name", metavar="NAME|FILE", help=f"Play a day: {', '.join(shipped())}, or a file of your own.")
@click.option(
    "--speed", default=1.0, show_default=True, type=click.FloatRange(0, min_open=True), help="How many times as fast the day goes by."
)
def main(  # noqa: PLR0913, PLR0917 - one option, one argument
    host: str,
    port: int,
    control_port: int | None,
    seed: int,
    people: int,
    repeat: str,
    api: str,
    authority: Path | None,
    name: str | None,
    speed: float,
) -> None:
    """
    A national registration server that keeps a ledger and can fail on command, or through a whole day that a scenario describes.

    After a scenario the server stays up, so that what was kept can come in; when it is ended (Ctrl-C) it says what its ledger holds, and
    the exit code is 1 if a fact took effect twice or out of order.
    """
    if control_port is None:
        control_port = port + 1 if 0 < port < PORT_MAX else 0
    try:
        scenario = None if name is None else load_scenario(name)
    except ScenarioError as error:
        raise click.UsageError(str(error)) from None
    tls = authority is not None
    if scenario is not None and scenario.needs_tls and not tls:
        raise click.UsageError(f"{name} shows wrong certificates, so the data port has to speak TLS: add --tls FILE")
    simulator = Simulator(
        host=host, port=port, control_port=control_port, seed=seed, people=people, repeat=Repeat(repeat), api=Api(api), tls=tls
    )
    if authority is not None:
        _write(authority, simulator.authority_pem)
    try:
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:  # Windows would give another, in which no port can be closed
            runner.run(_run(simulator, scenario, speed))
    except OSError as error:
        where = f"{host}, ports {port} and {control_port}"
        raise click.ClickException(f"cannot listen on {where}: {error.strerror}; end what listens there, or try --port 0") from None
    if scenario is not None:
        summary = summarise(simulator.ledger)
        _say(summary.in_words())
        sys.exit(not summary.sound)


def _write(authority: Path, pem: str) -> None:
    try:
        authority.write_text(pem, encoding="ascii")
    except OSError as error:
        raise click.ClickException(f"cannot write {authority}: {error.strerror}; name a file that can be written") from None


async def _run(simulator: Simulator, scenario: Scenario | None, speed: float) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        _on_signal(number, ended)
    async with simulator, asyncio.TaskGroup() as group:
        _say(f"simulator ready on {simulator.url} (control {simulator.control_url})")
        playing = group.create_task(_play(simulator, scenario, Pace(speed))) if scenario is not None else None
        await ended.wait()
        if playing is not None:
            playing.cancel()


async def _play(simulator: Simulator, scenario: Scenario, pace: Pace) -> None:
    _say(f"{scenario.scenario}: {scenario.about}")
    await Player(simulator.faults, simulator.register.change, _say).play(scenario, pace.reach)
    _say("The scenario is over and all faults are lifted. The server stays up; Ctrl-C ends it and shows what its ledger holds.")


def _say(text: str) -> None:
    click.echo(text)
    sys.stdout.flush()


def _on_signal(number: signal.Signals, ended: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(number, ended.set)
    except NotImplementedError:  # Windows
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(ended.set))


if __name__ == "__main__":
    main()

"""Runs the simulator as a process: `python -m simulator`, `dosekeeper-simulator`."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Final

import click

from simulator.cowin.register import Repeat
from simulator.server import Simulator

PORT_MAX: Final = 65_535


@click.command(name="dosekeeper-simulator", epilog="Example: dosekeeper-simulator --port 8490 --seed 7")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address both ports listen on.")
@click.option("--port", default=8490, show_default=True, type=click.IntRange(0, PORT_MAX), help="Data port; 0 picks a free one.")
@click.option("--control-port", type=click.IntRange(0, PORT_MAX), help="Control port; 0 picks a free one.  [default: the one after --port]")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same people, ids and chances.")
@click.option("--people", default=200, show_default=True, type=click.IntRange(0, 100_000), help="People registered from the start.")
@click.option("--repeat", default="apply", show_default=True, type=click.Choice([*map(str, Repeat)]), help="What a repeated dose becomes.")
@click.option(
    "--tls",
    "authority",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Speak TLS; the certificate to trust (upstream.ca_file) is written to FILE.",
)
def main(host: str, port: int, control_port: int | None, seed: int, people: int, repeat: str, authority: Path | None) -> None:
    """A national registration server that keeps a ledger and can fail on command."""
    if control_port is None:
        control_port = port + 1 if 0 < port < PORT_MAX else 0
    tls = authority is not None
    simulator = Simulator(host=host, port=port, control_port=control_port, seed=seed, people=people, repeat=Repeat(repeat), tls=tls)
    if authority is not None:
        _write(authority, simulator.authority_pem)
    try:
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:  # Windows would give another, in which no port can be closed
            runner.run(_run(simulator))
    except OSError as error:
        where = f"{host}, ports {port} and {control_port}"
        raise click.ClickException(f"cannot listen on {where}: {error.strerror}; end what listens there, or try --port 0") from None


def _write(authority: Path, pem: str) -> None:
    try:
        authority.write_text(pem, encoding="ascii")
    except OSError as error:
        raise click.ClickException(f"cannot write {authority}: {error.strerror}; name a file that can be written") from None


async def _run(simulator: Simulator) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        _on_signal(number, ended)
    async with simulator:
        click.echo(f"simulator ready on {simulator.url} (control {simulator.control_url})")
        sys.stdout.flush()
        await ended.wait()


def _on_signal(number: signal.Signals, ended: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(number, ended.set)
    except NotImplementedError:  # Windows
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(ended.set))


if __name__ == "__main__":
    main()

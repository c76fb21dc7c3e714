"""`dosekeeper demo`: an outage in front of your eyes."""

from __future__ import annotations

import sys

import click


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []}, epilog="Example: dosekeeper demo --desks 6 --seconds 40"
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def demo(arguments: tuple[str, ...]) -> None:
    """Start a simulated national server and a sidecar, take the server down, and judge by its ledger what became of every dose."""
    from simulator.demo import main

    sys.exit(main(arguments))

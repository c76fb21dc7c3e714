"""`dosekeeper demo`: 30 July 2021 in Rudrapur, in front of your eyes."""

from __future__ import annotations

import sys

import click


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []}, epilog="Example: dosekeeper demo --page rudrapur.html"
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def demo(arguments: tuple[str, ...]) -> None:
    """Play the day of an outage at nine centres, with sidecars and without, and judge by the servers' ledgers what became of every dose."""
    from simulator.demo import main

    sys.exit(main(arguments))

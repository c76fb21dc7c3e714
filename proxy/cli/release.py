"""`dosekeeper release`: send again."""

from __future__ import annotations

import click

from proxy.cli.configured import settings_of
from proxy.cli.reach import ask
from proxy.cli.who import acting


@click.command(epilog="Example: dosekeeper release")
@click.option("--by", metavar="NAME", help="Who releases.  [default: the log-in name]")
@click.pass_context
def release(ctx: click.Context, by: str | None) -> None:
    """End an operator's hold."""
    released = ask(settings_of(ctx), "release", {"by": acting(by)})["released"]
    click.echo("Released: records are sent again." if released else "There was no hold.")

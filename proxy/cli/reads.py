"""`dosekeeper reads`: what is remembered of the national server's answers."""

from __future__ import annotations

import click

from proxy.cli.configured import settings_of
from proxy.cli.reach import ask
from proxy.cli.who import acting


@click.group(epilog="Example: dosekeeper reads purge --reason 'the computer is given away'")
def reads() -> None:
    """Look after the answers that are remembered for an outage."""


@reads.command(epilog="Example: dosekeeper reads purge --reason 'the computer is given away'")
@click.option("--reason", default="", metavar="TEXT", help="Why; it goes into the audit.")
@click.option("--by", metavar="NAME", help="Who purges.  [default: the log-in name]")
@click.pass_context
def purge(ctx: click.Context, *, reason: str, by: str | None) -> None:
    """
    Forget every remembered answer.

    Records are not touched. Until the desks have looked people up again, an outage finds nobody in memory.
    """
    forgotten = ask(settings_of(ctx), "purge-reads", {"by": acting(by), "reason": reason})["forgotten"]
    click.echo(f"Forgotten: {forgotten} answers. What the desks look up from now on is remembered again.")

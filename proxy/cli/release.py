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
    settings = settings_of(ctx)
    if not ask(settings, "release", {"by": acting(by)})["released"]:
        click.echo("There was no hold.")
        return
    found = ask(settings, "status", {})
    click.echo(f"Released: {_then(service=found['service'], down=found['upstream'] == 'down')}")


def _then(*, service: bool, down: bool) -> str:
    if not service:
        return "records are sent when the service runs. Start it: dosekeeper serve"
    return "records are sent when the national server is back; it is down." if down else "records are sent again."

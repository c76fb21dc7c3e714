"""`dosekeeper restore`: put a copy of the journal in place."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import click

from proxy.cli.configured import settings_of
from proxy.cli.failing import Failed
from proxy.cli.showing import as_json
from proxy.cli.who import acting


@click.command(epilog="Example: dosekeeper restore /media/stick")
@click.argument("source", type=click.Path(path_type=Path), metavar="FILE|FOLDER")
@click.option("--replace", is_flag=True, help="Set the journal that is here aside, under another name.")
@click.option("--by", metavar="NAME", help="Who restores; stands in the audit.  [default: the log-in name]")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.pass_context
def restore(ctx: click.Context, source: Path, *, replace: bool, by: str | None, json_: bool) -> None:
    """
    Put a backup in the place of the journal; of a folder, the newest of this centre's.

    The key must be in place (dosekeeper key import), and no service may run. From then on the original must not be used any more: what
    it may have sent is looked up before it is sent from here.
    """
    from proxy import logs
    from proxy.operations.backup import restore as put_in_place
    from proxy.operations.errors import NotThere
    from proxy.traffic.clock import Clock
    from store.errors import JournalError

    settings = settings_of(ctx)
    logs.quiet()
    try:
        made = asyncio.run(put_in_place(settings, os.environ, source, replace=replace, by=acting(by), clock=Clock()))
    except (JournalError, NotThere) as error:
        raise Failed(str(error)) from None
    if json_:
        as_json(made)
        return
    records = sum(made["records"].values())
    click.echo(f"{made['file']} is the journal {made['journal']} now: {records} records, {made['unconfirmed']} of them not confirmed.")
    if made["set_aside"]:
        click.echo(f"The journal that was here is {made['set_aside']} now.")
    click.echo(
        f"What was recorded after the copy was made is not in it: numbers from {made['last_number'] + 1} on. "
        "Look those up on the server, by their slips, and record again only what is not there. "
        f"New numbers begin at {made['next_number']}."
    )
    click.echo("What is not confirmed is looked up before it is sent. Do not start the original again; start here: dosekeeper serve")

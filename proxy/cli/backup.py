"""`dosekeeper backup`: a copy of the journal, for the day on which this computer is gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from proxy.cli.configured import settings_of
from proxy.cli.moments import shown
from proxy.cli.reach import ask
from proxy.cli.showing import as_json


@click.command(epilog="Example: dosekeeper backup /media/stick --keep 7")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--keep", type=click.IntRange(min=1), metavar="N", help="Delete this centre's backups there but for the newest N.")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.pass_context
def backup(ctx: click.Context, folder: Path, *, keep: int | None, json_: bool) -> None:
    """
    Copy the journal into FOLDER, while the desks go on.

    The copy is encrypted with the journal's key, and is opened and read through before it has its name. The key is not in it: keep
    that elsewhere (dosekeeper key export).
    """
    settings = settings_of(ctx)
    asked = {"folder": str(folder.absolute()), "centre": settings.centre.id, "keep": keep}
    made: dict[str, Any] = ask(settings, "backup", asked)
    if json_:
        as_json(made)
        return
    records = sum(made["records"].values())
    click.echo(f"{made['file']}: {made['size_bytes']} bytes, as of {shown(made['made_at'], settings.centre.timezone)}.")
    click.echo(f"{records} records, {made['unconfirmed']} of them not confirmed yet. Opened again with the key and compared: whole.")
    if made["removed"]:
        click.echo(f"Deleted, because of --keep {keep}: {', '.join(made['removed'])}")
    click.echo("The key is not in it, and without the key nobody can read it. Have that elsewhere too: dosekeeper key export FILE")

"""`dosekeeper records settle`: the server has it, a person found it there."""

from __future__ import annotations

from typing import Any

import click

from proxy.cli.configured import settings_of
from proxy.cli.deciding import deciding, person, refuse_if_undone
from proxy.cli.reach import ask
from proxy.cli.showing import as_json


@click.command(epilog="Example: dosekeeper records settle 42 --as delivered --reference 48448366834980")
@click.argument("record", metavar="NUMBER|ID")
@click.option("--as", "state", type=click.Choice(["delivered"]), required=True, help="What it is.")
@click.option("--reference", required=True, metavar="TEXT", help="By what you found it on the server; for a registration the real id.")
@deciding
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.pass_context
def settle(ctx: click.Context, /, record: str, *, json_: bool, **options: Any) -> None:  # noqa: ANN401 - click's own values
    """
    Say that the server has a record, and by which reference you found it there.

    What waits for a person whom the record registers then goes up under the real id.
    """
    asked = {**person(options), "key": record, "state": options["state"], "reference": options["reference"]}
    found = ask(settings_of(ctx), "settle", asked)
    refuse_if_undone(found)
    if json_:
        as_json(found)
    else:
        click.echo(f"Record {found['number']}: delivered{'' if found['changed'] else ', as before'}")

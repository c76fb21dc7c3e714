"""`dosekeeper outages annotate`: what a person knows better of an outage."""

from __future__ import annotations

from typing import Any

import click

from proxy.cli.configured import settings_of
from proxy.cli.reach import ask
from proxy.cli.showing import as_json
from proxy.cli.who import acting


@click.command(epilog='Example: dosekeeper outages annotate 12 --scope local --cause cable --reason "the cable to the mast was cut"')
@click.argument("outage", metavar="ID", type=int)
@click.option("--reason", required=True, metavar="TEXT", help="What you know of it; stands in the audit and the report. No personal data.")
@click.option("--cause", metavar="WORD", help="What it was, in one word: cable, power, maintenance.")
@click.option("--scope", type=click.Choice(["local", "between", "upstream"]), help="Where it was: our line, on the way, the server.")
@click.option("--by", metavar="NAME", help="Who knows it; stands in the audit.  [default: the log-in name]")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.pass_context
def annotate(ctx: click.Context, /, outage: int, *, json_: bool, **options: Any) -> None:  # noqa: ANN401 - click's own values
    """Add what you know of an outage. What was measured stays as it is; the report shows both."""
    said = {"reason": options["reason"], "cause": options["cause"], "scope": options["scope"]}
    noted = ask(settings_of(ctx), "annotate", {"key": outage, "by": acting(options["by"]), **said})
    if json_:
        as_json(noted)
    else:
        click.echo(f"Noted of outage {outage}.")

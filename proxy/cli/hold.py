"""`dosekeeper hold`: stop sending for planned maintenance."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from proxy.cli.configured import settings_of
from proxy.cli.moments import moment, shown
from proxy.cli.reach import ask
from proxy.cli.who import acting


@click.command(epilog='Example: dosekeeper hold --until 2h --reason "maintenance of the national server"')
@click.option("--until", metavar="TIME", help="When it ends by itself: 2h, 2026-11-24T17:30.  [default: at dosekeeper release]")
@click.option("--reason", default="", help="Why; shown by dosekeeper status.")
@click.option("--by", metavar="NAME", help="Who holds.  [default: the log-in name]")
@click.pass_context
def hold(ctx: click.Context, until: str | None, reason: str, by: str | None) -> None:
    """Keep recording, but send no record until the hold is released."""
    settings = settings_of(ctx)
    zone = settings.centre.timezone
    end = moment(until, zone, datetime.now(UTC), ahead=True, option="--until")
    made = ask(settings, "hold", {"until": end, "reason": reason, "by": acting(by)})["hold"]
    till = "until you run: dosekeeper release" if made["until"] is None else f"until {shown(made['until'], zone)}"
    click.echo(f"On hold {till}. Doses go on being recorded.")

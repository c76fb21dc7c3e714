"""`dosekeeper outages`: the outage ledger."""

from __future__ import annotations

from typing import Any

import click

from proxy.cli.configured import settings_of
from proxy.cli.moments import shown, span
from proxy.cli.reach import ask
from proxy.cli.showing import as_json, table


@click.group(epilog="Example: dosekeeper outages list --json")
def outages() -> None:
    """Show when the national server was out of reach."""


@outages.command(name="list", epilog="Example: dosekeeper outages list --json > outages.json")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.pass_context
def list_(ctx: click.Context, *, json_: bool) -> None:
    """List every outage, oldest first."""
    settings = settings_of(ctx)
    found: list[dict[str, Any]] = ask(settings, "outages", {})
    if json_:
        as_json(found)
        return
    if not found:
        click.echo("No outage so far.")
        return
    zone = settings.centre.timezone
    heads = ("ID", "GROUP", "BEGAN", "ENDED", "LASTED", "CAUSE", "WHERE", "RECORDED", "ALL SENT")
    table(heads, [_row(outage, zone) for outage in found])
    if any(outage["clock_doubtful"] for outage in found):
        click.echo("? the clock was set meanwhile, or known to be wrong: times may be off, by the clock as it stood when the outage began.")


def _row(outage: dict[str, Any], zone: str) -> tuple[object, ...]:
    ended = "running" if outage["ended_at"] is None else shown(outage["ended_at"], zone)
    cause = outage["cause"] + (f" ({outage['flaps']} flaps)" if outage["flaps"] else "")
    return (
        outage["id"],
        outage["group"],
        shown(outage["started_at"], zone) + (" ?" if outage["clock_doubtful"] else ""),
        ended,
        span(outage["duration_s"]),
        cause,
        outage["scope"],
        outage["recorded"],
        shown(outage["drained_at"], zone),
    )

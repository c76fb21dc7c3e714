"""`dosekeeper outages`: the outage ledger (report and annotate: a module each)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import click

from proxy.cli.configured import settings_of
from proxy.cli.moments import moment, shown, span
from proxy.cli.outages_annotate import annotate
from proxy.cli.outages_report import report
from proxy.cli.reach import ask
from proxy.cli.showing import as_json, table

KINDS: Final = ("down", "slow", "planned", "all")


@click.group(epilog="Example: dosekeeper outages list --json")
def outages() -> None:
    """Show when the national server was out of reach, or slow, or held for maintenance."""


for _verb in (report, annotate):
    outages.add_command(_verb)


@outages.command(name="list", epilog="Example: dosekeeper outages list --since 30d --json > outages.json")
@click.option("--since", metavar="TIME", help="Those not over by then: 30d, 2026-11-24, 2026-11-24T17:30.")
@click.option("--group", multiple=True, metavar="NAME", help="Of this group of routes; may be repeated. A hold is of all: '*'.")
@click.option("--kind", type=click.Choice(KINDS), default=KINDS[0], show_default=True, help="Outages, brown-outs, holds, or all of them.")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.pass_context
def list_(ctx: click.Context, since: str | None, group: tuple[str, ...], kind: str, *, json_: bool) -> None:
    """List the outages (or brown-outs, or holds), oldest first."""
    settings = settings_of(ctx)
    begin = moment(since, settings.centre.timezone, datetime.now(UTC), ahead=False, option="--since")
    asked = {"since": begin, "group": group, "kind": kind}
    found: list[dict[str, Any]] = ask(settings, "outages", {name: value for name, value in asked.items() if value})
    if json_:
        as_json(found)
        return
    if not found:
        click.echo("No outage fits." if since or group or kind != KINDS[0] else "No outage so far.")
        return
    zone = settings.centre.timezone
    heads = ("ID", "GROUP", "KIND", "BEGAN", "ENDED", "LASTED", "CAUSE", "WHERE", "RECORDED", "ALL SENT")
    table(heads, [_row(outage, zone) for outage in found])
    if any(outage["clock_doubtful"] for outage in found):
        click.echo("? the clock was set meanwhile, or known to be wrong: times may be off, by the clock as it stood when the outage began.")


def _row(outage: dict[str, Any], zone: str) -> tuple[object, ...]:
    ended = "running" if outage["ended_at"] is None else shown(outage["ended_at"], zone)
    more = [*([f"{outage['flaps']} flaps"] if outage["flaps"] else []), *(["see the report"] if outage["notes"] else [])]
    cause = outage["cause"] + (f" ({', '.join(more)})" if more else "")
    return (
        outage["id"],
        outage["group"],
        outage["kind"],
        shown(outage["started_at"], zone) + (" ?" if outage["clock_doubtful"] else ""),
        ended,
        span(outage["duration_s"]),
        cause,
        outage["scope"],
        outage["recorded"],
        shown(outage["drained_at"], zone),
    )

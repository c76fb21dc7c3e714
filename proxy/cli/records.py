"""`dosekeeper records`: what is in the journal, and what a person decides about it (a module each)."""

from __future__ import annotations

from typing import Any

import click

from proxy.cli.choosing import choice, choosing
from proxy.cli.configured import settings_of
from proxy.cli.moments import shown
from proxy.cli.reach import ask
from proxy.cli.records_discard import discard
from proxy.cli.records_edit import edit
from proxy.cli.records_held import show_held
from proxy.cli.records_retry import retry
from proxy.cli.records_settle import settle
from proxy.cli.showing import as_json, facts, table


@click.group(epilog="Example: dosekeeper records list --state held")
def records() -> None:
    """Show what was recorded, where it stands, and decide where only a person can."""


for _verb in (edit, retry, settle, discard):
    records.add_command(_verb)


@records.command(name="list", epilog="Example: dosekeeper records list --state pending --since 2h")
@choosing
@click.option("--limit", type=click.IntRange(1, 10_000), default=1000, show_default=True, help="At most so many, the oldest first.")
@click.option("--grouped", is_flag=True, help="All held ones, by cause, with what to do about them.")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.pass_context
def list_(ctx: click.Context, /, *, limit: int, grouped: bool, json_: bool, **options: Any) -> None:  # noqa: ANN401 - click's own values
    """List records, oldest first. Nothing personal is shown."""
    settings = settings_of(ctx)
    if grouped:
        others = [name for name in ("route", "lane", "since", "outage", "cause") if options[name]]
        if others or options["state"] not in ((), ("held",)):
            raise click.UsageError("--grouped shows all that is held; choose among it without --grouped")
        show_held(ask(settings, "held", {}), settings.centre.timezone, json_=json_)
        return
    found: list[dict[str, Any]] = ask(settings, "search", {**choice(settings, options), "limit": limit})
    if json_:
        as_json(found)
    elif found:
        zone = settings.centre.timezone
        table(("NUMBER", "STATE", "ROUTE", "RECORDED", "SENDS", "REASON"), [_row(record, zone) for record in found])
        if any(record["clock_doubt"] for record in found):
            click.echo("? the clock was in doubt: dosekeeper records show NUMBER says why.")
    else:
        click.echo("No record fits.")
    if len(found) == limit:
        click.echo(f"There may be more: these are the oldest {limit}. Narrow the choice, or raise --limit.", err=True)


@records.command(epilog="Example: dosekeeper records show 42")
@click.argument("record", metavar="NUMBER|ID")
@click.option("--body", is_flag=True, help="Show the request too. It holds personal data: mind who sees the screen.")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.pass_context
def show(ctx: click.Context, record: str, *, body: bool, json_: bool) -> None:
    """Show one record, without personal data unless --body is given."""
    settings = settings_of(ctx)
    found: dict[str, Any] = ask(settings, "record", {"key": record, **({"body": True} if body else {})})
    if json_:
        as_json(found)
        return
    zone, edits = settings.centre.timezone, found.pop("revisions")
    for said in (found, *edits):
        if said is not found:
            click.echo("\nBefore it was edited:")
        facts([(name, _text(name, value, zone)) for name, value in said.items()])


def _row(record: dict[str, Any], zone: str) -> tuple[object, ...]:
    recorded = shown(record["recorded_at"], zone) + (" ?" if record["clock_doubt"] else "")
    return record["number"], record["state"], record["route"], recorded, record["attempts"], record["reason"] or ""


def _text(name: str, value: object, zone: str) -> str:
    if name.endswith("_at"):
        return shown(None if value is None else str(value), zone)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return "-" if value is None else str(value)

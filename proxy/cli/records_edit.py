"""`dosekeeper records edit`: correct what a record says, and queue it."""

from __future__ import annotations

import json
from typing import Any

import click

from proxy.cli.configured import settings_of
from proxy.cli.deciding import deciding, outlook, person, refuse_if_undone, vouching
from proxy.cli.reach import ask
from proxy.cli.showing import as_json, table


@click.command(epilog="Example: dosekeeper records edit 42 --set center_id=563048")
@click.argument("record", metavar="NUMBER|ID")
@click.option(
    "--set",
    "changes",
    multiple=True,
    required=True,
    metavar="PATH=VALUE",
    help="What it is to say; repeatable. The kind (text, number) stays; PATH:=JSON for another kind, or a new member.",
)
@deciding
@vouching
@click.option("--dry-run", is_flag=True, help="Only show the difference.")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.pass_context
def edit(
    ctx: click.Context,
    /,
    record: str,
    *,
    changes: tuple[str, ...],
    dry_run: bool,
    json_: bool,
    **options: Any,  # noqa: ANN401 - click's own values
) -> None:
    """
    Correct a record that is held, or was never sent, and queue it. What it said before is kept.

    The difference that is shown holds personal data: mind who sees the screen.
    """
    settings = settings_of(ctx)
    asked = {**person(options), "key": record, "set": changes, **({"dry_run": True} if dry_run else {})}
    found: dict[str, Any] = ask(settings, "edit", asked)
    if json_:
        as_json(found)
    else:
        rows = [(change["path"], *(json.dumps(change[side], ensure_ascii=False) for side in ("old", "new"))) for change in found["changes"]]
        table(("PATH", "WAS", "IS"), rows)
    refuse_if_undone(found)
    if json_:
        return
    if not found["changes"]:
        click.echo(f"Record {found['number']} says so already.")
    elif dry_run:
        click.echo("Nothing was changed.")
    else:
        click.echo(f"Record {found['number']} is revision {found['revision']} now. {outlook(settings, found['state'])}")

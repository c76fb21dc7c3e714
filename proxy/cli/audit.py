"""`dosekeeper audit`: what persons did."""

from __future__ import annotations

import sys
from typing import Any, Final

import click

from proxy.cli.configured import settings_of
from proxy.cli.moments import shown
from proxy.cli.reach import ask
from proxy.cli.showing import as_json, table

PAGE: Final = 1000


@click.group(epilog="Example: dosekeeper audit list")
def audit() -> None:
    """Show what persons did, and check that the list is whole."""


@audit.command(name="list", epilog="Example: dosekeeper audit list --json > audit.json")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.pass_context
def list_(ctx: click.Context, *, json_: bool) -> None:
    """List every act, oldest first: who, what, which record, why."""
    settings = settings_of(ctx)
    found: list[dict[str, Any]] = []
    while page := ask(settings, "audit", {"after": found[-1]["id"] if found else 0, "limit": PAGE}):
        found += page
        if len(page) < PAGE:
            break
    if json_:
        as_json(found)
    elif found:
        zone = settings.centre.timezone
        rows = [(e["id"], shown(e["at"], zone), e["by"], e["action"], e["record"] or "-", e["reason"]) for e in found]
        table(("ENTRY", "AT", "BY", "ACTION", "RECORD", "REASON"), rows)
    else:
        click.echo("Nobody has done anything yet.")


@audit.command(epilog="Example: dosekeeper audit verify")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.pass_context
def verify(ctx: click.Context, *, json_: bool) -> None:
    """Check that no entry was altered or taken out. Exits with 1 where one was."""
    found: dict[str, Any] = ask(settings_of(ctx), "verify", {})
    if json_:
        as_json(found)
    elif found["whole"]:
        click.echo("The audit is whole: every entry is as it was written.")
    else:
        click.echo(
            f"The audit is broken at entry {found['first_broken']}: that one, or the one before it, is not as it was written. "
            "Keep the journal as it is, and compare with a copy: dosekeeper audit list --json",
            err=True,
        )
    if not found["whole"]:
        sys.exit(1)

"""`dosekeeper journal`: is the file as it was written, and if not, what can be had of it?"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from proxy.cli.admin import running_service
from proxy.cli.configured import settings_of
from proxy.cli.failing import Failed
from proxy.cli.reach import in_words, require_journal
from proxy.cli.showing import as_json, facts

if TYPE_CHECKING:
    from proxy.settings import Settings

NUMBERS_SHOWN = 20


@click.group(epilog="Example: dosekeeper journal check")
def journal() -> None:
    """Check the journal's file for damage, and put it right."""


@journal.command(epilog="Example: dosekeeper journal check --json")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.pass_context
def check(ctx: click.Context, *, json_: bool) -> None:
    """Look at every page, and change nothing. Exits with 1 where something is damaged."""
    settings = settings_of(ctx)
    service = running_service(settings)
    found: dict[str, Any] = _inspected(settings) if service is None else service.ask("check-journal", {})
    if json_:
        as_json(found)
    elif found["whole"]:
        click.echo("The journal is whole: every page is as it was written.")
        for rescue in found["before"]:
            original = f"the original is {rescue['kept_as']}" if rescue["kept"] else "its original has been deleted"
            click.echo(f"It was damaged before ({rescue['at']}); {original}.")
    elif found["found"] is None:
        click.echo(f"{found['pages']} pages are damaged. The service mends them by itself; then see: dosekeeper status", err=True)
    else:
        facts(_lines(found["found"]))
        click.echo("Nothing was changed. Put it right: dosekeeper journal salvage", err=True)
    if not found["whole"]:
        sys.exit(1)


@journal.command(epilog="Example: dosekeeper journal salvage --yes")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.pass_context
def salvage(ctx: click.Context, *, yes: bool, json_: bool) -> None:
    """
    Put right what is damaged; the damaged original is kept beside it.

    Without a service: a running one does it by itself. Records of which a part is lost are then held. Exits with 1 where some are.
    """
    settings = settings_of(ctx)
    if running_service(settings) is not None:
        raise Failed("A service has the journal, and mends what is damaged by itself. What it found: dosekeeper status")
    found = _inspected(settings)
    if found["whole"]:
        as_json(None) if json_ else click.echo("The journal is whole: there is nothing to salvage.")
        return
    if not json_:
        facts(_lines(found["found"]))
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("There is no terminal to ask at: add --yes")
        click.confirm("Make the journal anew from what can be read, and keep the damaged file beside it?", abort=True)
    done = _salvaged(settings)
    if json_:
        as_json(done)
    elif done is None:
        click.echo("Done: a salvage that a stop had cut off has been ended. Nothing else is damaged.")
    else:
        click.echo(f"Done. The damaged original is kept: {settings.store.path.with_name(done['kept_as'])}")
        if done["held"]:
            click.echo("What is held waits for a person: dosekeeper records list --state held --grouped")
    if done and (done["held"] or done["commits_lost"]):
        sys.exit(1)


def _inspected(settings: Settings) -> dict[str, Any]:
    from proxy.operations.journal import inspected
    from proxy.traffic.clock import Clock
    from store.errors import JournalError

    require_journal(settings)
    try:
        return inspected(settings, os.environ, Clock().wall())
    except JournalError as error:
        raise Failed(in_words(settings, error)) from None


def _salvaged(settings: Settings) -> dict[str, Any] | None:
    from proxy.operations.journal import salvaged
    from proxy.traffic.clock import Clock
    from store.errors import JournalError

    click.echo("Salvaging ...", err=True)
    try:
        return salvaged(settings, os.environ, Clock().wall())
    except JournalError as error:
        raise Failed(in_words(settings, error)) from None


def _lines(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    lines = [("Flipped bits", f"{found['bits']}, which can be put right: nothing is lost by them"), ("Damaged pages", str(found["pages"]))]
    if found["held"]:
        lines.append(("Held", f"{len(found['held'])} records of which a part is lost: {_numbers(found['held'])}"))
    if found["closed"]:
        lines.append(("Closed before", f"{len(found['closed'])} records of which only the number is left: {_numbers(found['closed'])}"))
    if found["holed"]:
        lines.append(("Not whole", ", ".join(found["holed"])))
    if found["commits_lost"]:
        lines.append(
            ("LOST", f"the last {found['commits_lost']} commits of the log: compare the latest slips with: dosekeeper records list")
        )
    return lines


def _numbers(numbers: list[int]) -> str:
    more = f" and {len(numbers) - NUMBERS_SHOWN} more" if len(numbers) > NUMBERS_SHOWN else ""
    return ", ".join(map(str, numbers[:NUMBERS_SHOWN])) + more

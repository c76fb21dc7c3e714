"""`dosekeeper export`: the paper register of what is not confirmed."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import click

from proxy.cli.configured import settings_of
from proxy.cli.deciding import confirm, deciding, person
from proxy.cli.moments import shown
from proxy.cli.private_file import beside_journal, private_file
from proxy.cli.reach import ask

STDOUT: Final = "-"
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


@click.command(epilog="Example: dosekeeper export --out register.csv")
@click.option("--out", metavar="FILE", help="Where to; - is standard output.  [default: register-DATE-TIME.csv]")
@click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal, and for standard output.")
@deciding
@click.pass_context
def export(ctx: click.Context, /, *, out: str | None, yes: bool, **options: Any) -> None:  # noqa: ANN401 - click's own values
    """
    Write what is not confirmed as CSV, for entry by hand.

    The file holds personal data in clear; only you can read it. What was exported is looked up on the server before it is sent.
    """
    settings = settings_of(ctx)
    zone = settings.centre.timezone
    count = ask(settings, "export", {**person(options), "dry_run": True})["records"]
    if not count:
        click.echo("Everything is confirmed: there is nothing to write.", err=True)
        return
    if not yes:
        if out == STDOUT:
            raise click.UsageError("Personal data goes to standard output only with --yes")
        confirm(f"{count} records, with names and numbers in clear. Write them?")
    if out == STDOUT:
        click.echo(_csv(ask(settings, "export", person(options)), zone), nl=False)
        return
    target = Path(out or f"register-{datetime.now(UTC).astimezone(ZoneInfo(zone)):%Y%m%d-%H%M%S}.csv")
    instead = f"dosekeeper export --out {beside_journal(settings, target)}"
    with private_file(target, instead) as file:  # there before anything is marked: a folder that cannot be written is no export
        found = ask(settings, "export", person(options))
        file.write(_csv(found, zone).encode("utf-8-sig"))  # the mark by which spreadsheets know the encoding of names
    click.echo(f"{found['records']} records in {target}. Delete it when it has been worked off.", err=True)


def _csv(found: Mapping[str, Any], zone: str) -> str:
    columns: list[str] = found["columns"]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(_cells(columns, row, zone) for row in found["rows"])
    return text.getvalue()


def _cells(columns: Sequence[str], row: Sequence[str], zone: str) -> list[str]:
    return [
        shown(value, zone) if name.endswith("_at") and value else f"'{value}" if value.startswith(FORMULA) else value
        for name, value in zip(columns, row, strict=True)
    ]

"""`dosekeeper outages report`: the outages of some days, for whoever has to report them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import click

from proxy.cli.configured import settings_of
from proxy.cli.failing import Failed
from proxy.cli.moments import moment
from proxy.cli.reach import ask
from proxy.cli.showing import as_json
from proxy.texts import LANGUAGES

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@click.command(epilog="Example: dosekeeper outages report --from 2026-11-01 --to 2026-11-30 --format html > november.html")
@click.option("--from", "since", metavar="TIME", help="Its beginning: 2026-11-24, 2026-11-24T09:00, 7d (ago).  [default: today]")
@click.option("--to", "until", metavar="TIME", help="Its end; of a date the end of that day.  [default: now]")
@click.option("--of", "file", type=click.Path(path_type=Path), metavar="FILE", help="Write a report that was saved with --format json.")
@click.option("--format", "form", type=click.Choice(["text", "html", "json"]), default="text", show_default=True, help="How it is written.")
@click.option("--lang", "language", type=click.Choice(LANGUAGES), default=LANGUAGES[0], show_default=True, help="English, or Hindi.")
@click.pass_context
def report(ctx: click.Context, since: str | None, until: str | None, file: Path | None, form: str, language: str) -> None:
    """
    Report the outages of some days: how many, how long, what was recorded in them, when that was confirmed, and when nobody watched.

    A page (html) is one file that can be sent on and printed.
    """
    if file is not None and (since or until):
        raise click.UsageError("--of has its own beginning and end; leave out --from and --to")
    found = _asked(ctx, since, until) if file is None else _saved(file)
    if form == "json":
        as_json(found)
        return
    try:
        written = _written(found, form, language)
    except (AttributeError, KeyError, TypeError, ValueError):
        if file is None:
            raise
        raise Failed(_no_report(file)) from None
    click.echo(written, nl=not written.endswith("\n"))


def _asked(ctx: click.Context, since: str | None, until: str | None) -> dict[str, Any]:
    settings = settings_of(ctx)
    zone, now = settings.centre.timezone, datetime.now(UTC)
    begin = moment(since or f"{now.astimezone(ZoneInfo(zone)):%Y-%m-%d}", zone, now, ahead=False, option="--from")
    end = moment(_whole(until) or now.isoformat(), zone, now, ahead=False, option="--to")
    found: dict[str, Any] = ask(settings, "report", {"since": begin, "until": end, "timezone": zone})
    return {"centre": {"id": settings.centre.id, "name": settings.centre.name}, **found}


def _saved(file: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise Failed(f"{file} cannot be read: {error.strerror}") from None
    except ValueError:
        raise Failed(_no_report(file)) from None
    return found


def _no_report(file: Path) -> str:
    return f"{file} is no report; make one: dosekeeper outages report --format json > {file}"


def _written(found: dict[str, Any], form: str, language: str) -> str:
    from proxy.cli.report_text import text
    from proxy.operations.report_page import page
    from proxy.operations.report_words import Words

    write = {"text": text, "html": page}[form]
    return write(found, Words(language, found["timezone"]), found["centre"]["name"] or found["centre"]["id"])


def _whole(until: str | None) -> str | None:
    """Return the end of a day where *until* is one."""
    if until is None or not _DATE.fullmatch(until):
        return until
    try:
        return (datetime.fromisoformat(until) + timedelta(days=1)).isoformat()
    except ValueError:
        return until  # told as what it is

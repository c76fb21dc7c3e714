"""`dosekeeper support-bundle`: what somebody who helps by telephone wants to see, in one file that a person can read first."""

from __future__ import annotations

import asyncio
import json
import os
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from proxy.cli.admin import running_service
from proxy.cli.configured import settings_of
from proxy.cli.failing import Failed
from proxy.cli.private_file import beside_journal, private_file
from proxy.cli.reach import ask
from proxy.cli.showing import as_json, table

if TYPE_CHECKING:
    from proxy.settings import Settings

WHAT: Final[Mapping[str, str]] = {
    "settings.json": "settings, without credentials, paths and names",
    "versions.json": "dosekeeper, Python, libraries, SQLite, operating system",
    "status.json": "server up or down, circuits, counts, deadlines",
    "records.json": "how many records of each route are in each state",
    "outages.json": "the outages: when, how long, why",
    "disk.json": "sizes of the journal's files, free space",
    "check.json": "what dosekeeper check finds",
    "log.jsonl": "the service's last log lines",
}
"""Every file of the bundle; no name, number or word of a person is in any."""


@click.command(epilog="Example: dosekeeper support-bundle bundle.zip")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.pass_context
def support_bundle(ctx: click.Context, file: Path | None, *, json_: bool) -> None:
    """
    Write what helps to find a fault into FILE, a zip: nothing personal, no secret.

    The national server is asked one question, as by dosekeeper check. Read the files before you send them.
    """
    settings = settings_of(ctx)
    target = file or Path(f"dosekeeper-support-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.zip")
    service = running_service(settings) is not None
    contents = _contents(settings, ctx.obj, service=service)
    instead = f"dosekeeper support-bundle {beside_journal(settings, target)}"
    with private_file(target, instead) as written, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in contents.items():
            bundle.writestr(name, content.replace(str(Path.home()), "~"))  # a folder may bear its owner's name
    if json_:
        as_json({"file": str(target), "service": service, "files": {name: len(content) for name, content in contents.items()}})
        return
    table(("FILE", "WHAT IS IN IT"), list(WHAT.items()))
    if not service:
        click.echo("No service is running: there are no log lines, and the status is what the journal last knew.")
    click.echo(f"\nAll in {target.absolute()}. Read it, then send it.")


def _contents(settings: Settings, named: Path | None, *, service: bool) -> dict[str, str]:
    from proxy.operations import bundle, versions

    facts = _facts(settings)
    own = versions.installed() if "versions" not in facts else facts["versions"]
    log = facts.get("log", []) if service else ["no service is running: its log lines are in memory, and went with it"]
    values: dict[str, Any] = {
        "settings.json": bundle.masked(settings),
        "versions.json": own,
        "status.json": facts.get("status", facts),
        "records.json": facts.get("records", facts),
        "outages.json": facts.get("outages", facts),
        "disk.json": bundle.disk(settings),
        "check.json": _findings(settings, named, service=service),
    }
    return {**{name: json.dumps(value, indent=2, ensure_ascii=False) for name, value in values.items()}, "log.jsonl": "\n".join(log)}


def _facts(settings: Settings) -> dict[str, Any]:
    """Return what the journal knows; where it cannot be asked, why: then that is what the bundle has to tell."""
    try:
        found: dict[str, Any] = ask(settings, "support", {})
    except Failed as error:
        return {"not_known": error.message}
    return found


def _findings(settings: Settings, named: Path | None, *, service: bool) -> list[dict[str, object]]:
    from proxy.operations.check import check
    from proxy.settings.load import file_from
    from proxy.traffic.clock import Clock

    findings = asyncio.run(check(settings, os.environ, Clock(), file=named or file_from(os.environ), service=service))
    return [{"what": f.what, "ok": f.exit_code == 0, "message": f.message} for f in findings]

"""`dosekeeper check`: could a service start here and do its work?"""

from __future__ import annotations

import asyncio
import os
import sys

import click

from proxy.cli.admin import running_service
from proxy.cli.configured import settings_of
from proxy.cli.showing import as_json, table


@click.command(epilog="Example: dosekeeper --config config.yaml check")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.pass_context
def check(ctx: click.Context, *, json_: bool) -> None:
    """
    Check configuration, profile, journal, disk, key, ports, clock and upstream, and tell all that is wrong at once.

    Nothing is changed; the upstream is asked one question. Exits with 2 for a mistake in configuration or profile, else with 1 where
    something is not as it should be.
    """
    from proxy import logs
    from proxy.operations.check import check as look
    from proxy.settings.load import file_from
    from proxy.traffic.clock import Clock

    settings = settings_of(ctx)
    logs.quiet()
    service = running_service(settings) is not None
    findings = asyncio.run(look(settings, os.environ, Clock(), file=ctx.obj or file_from(os.environ), service=service))
    if json_:
        as_json([{"what": f.what, "ok": f.exit_code == 0, "message": f.message} for f in findings])
    else:
        table(("", "WHAT", "FOUND"), [("ok" if f.exit_code == 0 else "WRONG", f.what, f.message) for f in findings])
    sys.exit(max(finding.exit_code for finding in findings))

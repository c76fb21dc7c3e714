"""`dosekeeper serve`: the service itself."""

from __future__ import annotations

import asyncio
import logging
import os
from datetime import UTC, datetime

import click

from proxy.cli.configured import settings_of
from proxy.cli.failing import Failed, Misconfigured

log = logging.getLogger(__name__)


@click.command(epilog="Example: dosekeeper --config config.yaml serve")
@click.pass_context
def serve(ctx: click.Context) -> None:
    """Run the sidecar: in the foreground, until SIGTERM or Ctrl-C."""
    from proxy import logs, service
    from proxy.document import DocumentError
    from proxy.operations import versions
    from proxy.operations.preflight import cautions, problems
    from store.errors import JournalError

    settings = settings_of(ctx)
    if found := problems(settings, os.environ):
        raise Misconfigured("\n".join(map(str, found)))
    if old := versions.too_old():
        raise Failed("\n".join(old))
    logs.configure(settings.log)
    for caution in cautions(settings, datetime.now(UTC)):
        log.warning("not as it should be", extra={"action": "caution", "problem": str(caution)})
    try:
        asyncio.run(service.serve(settings, os.environ))
    except DocumentError as error:
        raise Misconfigured(str(error)) from None
    except (JournalError, service.NoDataPort) as error:
        raise Failed(str(error)) from None

"""`dosekeeper metrics`: the metrics, for who cannot scrape them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from tempfile import mkstemp

import click

from proxy.cli.admin import running_service
from proxy.cli.configured import settings_of
from proxy.cli.failing import Failed
from proxy.cli.reach import on_journal


@click.command(epilog="Example: dosekeeper metrics --textfile dosekeeper.prom")
@click.option(
    "--textfile", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Replace FILE by them, whole or not at all."
)
@click.pass_context
def metrics(ctx: click.Context, textfile: Path | None) -> None:
    """
    Print the metrics, or write them for node_exporter's textfile collector.

    Where no service runs it is the journal's that are told, with dosekeeper_service_running 0. If they cannot be had FILE stays as it is;
    node_textfile_mtime_seconds then says how old it is.
    """
    if textfile is not None and textfile.suffix != ".prom":
        raise click.BadParameter("its name must end in .prom: node_exporter reads no others", param_hint="--textfile")
    text = _told(ctx)
    if textfile is None:
        click.echo(text, nl=False)
    else:
        replaced(textfile, text)


def _told(ctx: click.Context) -> str:
    settings = settings_of(ctx)
    service = running_service(settings)
    if service is not None:
        return service.metrics()
    from proxy.operations.scrape import as_text

    return asyncio.run(on_journal(settings, lambda centre: as_text(centre, settings)))


def replaced(file: Path, text: str) -> None:
    """Put *text* in the place of *file*, in one step. Raises Failed where that cannot be done."""
    try:
        # Not with .prom at its end: the collector would read it half written. mkstemp follows nobody's link in a folder that others share.
        descriptor, name = mkstemp(prefix=f".{file.name}.", dir=file.parent)
        made = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as out:
                if os.name != "nt":
                    os.fchmod(descriptor, 0o644)  # node_exporter is another user, and nothing in it is personal
                out.write(text)
            made.replace(file)
        except OSError:
            made.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Failed(
            f"{file} cannot be written: {error.strerror}. Its folder must be there, and belong to the user this runs as."
        ) from None

"""`dosekeeper records discard`: give records up."""

from __future__ import annotations

from typing import Any

import click

from proxy.cli.choosing import choosing
from proxy.cli.deciding import decide_in_bulk, deciding, deciding_in_bulk, vouching


@click.command(epilog='Example: dosekeeper records discard 42 --reason "entered by hand as 41"')
@click.argument("records", metavar="[NUMBER|ID]...", nargs=-1)
@choosing
@deciding
@vouching
@deciding_in_bulk
@click.pass_context
def discard(ctx: click.Context, /, records: tuple[str, ...], **options: Any) -> None:  # noqa: ANN401 - click's own values
    """
    Give records up: they are kept, and never sent. --reason is wanted.

    Name them, or say what they have in common (of those held, unless --state says otherwise).
    """
    if not options["reason"]:
        raise click.UsageError("Say why they are given up: --reason TEXT")
    decide_in_bulk(ctx, "discard", records, options)

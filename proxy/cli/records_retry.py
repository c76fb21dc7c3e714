"""`dosekeeper records retry`: try held records again."""

from __future__ import annotations

from typing import Any

import click

from proxy.cli.choosing import choosing
from proxy.cli.deciding import decide_in_bulk, deciding, deciding_in_bulk, vouching


@click.command(epilog="Example: dosekeeper records retry 42")
@click.argument("records", metavar="[NUMBER|ID]...", nargs=-1)
@choosing
@deciding
@vouching
@deciding_in_bulk
@click.pass_context
def retry(ctx: click.Context, /, records: tuple[str, ...], **options: Any) -> None:  # noqa: ANN401 - click's own values
    """
    Let records be sent at once or, where a send may have got through, be looked up first.

    Name them, or say what they have in common (of those held, unless --state says otherwise).
    """
    decide_in_bulk(ctx, "retry", records, options)

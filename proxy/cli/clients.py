"""`dosekeeper clients`: keys of the sidecar's own for the desks' software."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click

from proxy.cli.configured import settings_of
from proxy.cli.failing import Failed, Misconfigured
from proxy.cli.showing import as_json, table

T = TypeVar("T")


@click.group(epilog="Example: dosekeeper clients add desk-3")
def clients() -> None:
    """Give the desks keys with which they may record while the national server cannot vouch for them. A change counts at once."""


@clients.command(epilog="Example: dosekeeper clients add desk-3")
@click.argument("name")
@click.pass_context
def add(ctx: click.Context, name: str) -> None:
    """Make a key and print it: this once, only its hash is kept."""
    from proxy.operations import clients as keys
    from proxy.rules.client_keys import FIELD

    file = _file(ctx)
    key = _done(lambda: keys.add(file, name, datetime.now(UTC)))
    click.echo(key)
    click.echo(f"The key of {name}; it is not shown again. The desk's software sends it with every request, as: {FIELD}: KEY", err=True)


@clients.command(name="list", epilog="Example: dosekeeper clients list")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.pass_context
def list_(ctx: click.Context, *, json_: bool) -> None:
    """Show who has a key, and since when."""
    from proxy.operations import clients as keys

    file = _file(ctx)
    found = _done(lambda: keys.listed(file))
    if json_:
        as_json([{"name": key.name, "since": key.since} for key in found])
    elif found:
        table(("NAME", "SINCE"), [(key.name, key.since) for key in found])
    else:
        click.echo("Nobody has a key. Make one: dosekeeper clients add NAME")


@clients.command(epilog="Example: dosekeeper clients revoke desk-3")
@click.argument("name")
@click.pass_context
def revoke(ctx: click.Context, name: str) -> None:
    """Take a key away: the next request with it is a stranger's."""
    from proxy.operations import clients as keys

    file = _file(ctx)
    _done(lambda: keys.revoke(file, name))
    click.echo(f"Revoked: the key of {name} is worth nothing any more.")


def _file(ctx: click.Context) -> Path:
    file = settings_of(ctx).recording.client_keys_file
    if file is None:
        raise Misconfigured(
            "recording.client_keys_file is not set. Name a file there, such as ./data/clients.keys, and start the service anew; "
            "later changes count at once"
        )
    return file


def _done(act: Callable[[], T]) -> T:
    from proxy.operations.errors import InTheWay, NotThere, Unfit

    try:
        return act()
    except (InTheWay, NotThere, Unfit) as error:
        raise Failed(str(error)) from None

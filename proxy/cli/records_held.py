"""`dosekeeper records list --grouped`: what waits for a person, by cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from proxy.cli.moments import shown
from proxy.cli.showing import as_json, table

BLOCKING_SHOWN: Final = 5


def show_held(groups: Sequence[Mapping[str, Any]], zone: str, *, json_: bool) -> None:
    """Print the groups, what to do about each, and whom they keep waiting."""
    if json_:
        as_json(groups)
        return
    if not groups:
        click.echo("Nothing is held.")
        return
    rows = [(g["count"], g["persons"], g["route"], g["reason"] or "-", shown(g["oldest_at"], zone)) for g in groups]
    table(("HELD", "PERSONS", "ROUTE", "REASON", "OLDEST"), rows)
    for group in groups:
        click.echo()
        click.echo(f"{group['route']}, {group['reason'] or 'no reason'}: {group['suggestion']}")
        for line in _waiting(group["blocks"]):
            click.echo(f"  {line}")
    click.echo()
    click.echo("One cause's records: dosekeeper records list --state held --cause REASON")


def _waiting(blocks: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [f"behind {block['number']} wait: {', '.join(map(str, block['waiting']))}" for block in blocks[:BLOCKING_SHOWN]]
    return lines + ([f"... and {len(blocks) - BLOCKING_SHOWN} more; all of them with --json"] if len(blocks) > BLOCKING_SHOWN else [])

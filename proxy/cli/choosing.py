"""The options by which records are chosen, the same for every command."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from proxy.cli.moments import moment
from store.records import RecordState

if TYPE_CHECKING:
    from proxy.settings import Settings

STATES: Final = tuple(state.value for state in RecordState)

F = TypeVar("F", bound=Callable[..., Any])


def choosing(command: F) -> F:
    """Add the options to *command*."""
    options = (
        click.option("--state", multiple=True, type=click.Choice(STATES), help="Only in this state; repeatable."),
        click.option("--route", multiple=True, metavar="NAME", help="Only of this route of the profile; repeatable."),
        click.option("--lane", metavar="PERSON", help="Only of this person, named as the profile's routes do (CoWIN: the reference id)."),
        click.option("--since", metavar="TIME", help="Only what was recorded since: 2h, 2026-11-24, 2026-11-24T09:00."),
        click.option("--outage", type=int, metavar="ID", help="Only what was recorded in this outage (dosekeeper outages list)."),
        click.option("--cause", metavar="REASON", help="Only what has this reason, or one that begins with it."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def choice(settings: Settings, options: dict[str, Any]) -> dict[str, object]:
    """Return the options as operations take them."""
    now = datetime.now(UTC)
    since = moment(options["since"], settings.centre.timezone, now, ahead=False, option="--since")
    return {**{name: options[name] for name in ("state", "route", "lane", "outage", "cause")}, "since": since}

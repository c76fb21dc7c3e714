"""`dosekeeper replay`: send the backlog now, and watch it go."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import click

from proxy.cli.admin import Admin, running_service
from proxy.cli.choosing import choice, choosing
from proxy.cli.configured import settings_of
from proxy.cli.failing import Failed, Misconfigured
from proxy.cli.moments import shown
from proxy.cli.progress import WAITS_FOR, ProgressLine, complete, summary
from proxy.cli.reach import ask, in_words, require_journal
from proxy.cli.showing import as_json, table
from proxy.cli.who import acting

if TYPE_CHECKING:
    from proxy.settings import Settings

LOOK_S: Final = 0.5
"""Time between two looks at the progress, and at whether a service wants the journal."""

GIVE_WAY_S: Final = 3.0
"""Time for sends under way when a service wants the journal: it waits five seconds."""

ORDER_SHOWN: Final = 20

Show = Callable[[Mapping[str, Any]], None]


@click.command(epilog="Example: dosekeeper replay --dry-run --since 2h")
@choosing
@click.option("--dry-run", is_flag=True, help="Only tell what would go, in which order.")
@click.option("--rate", type=click.IntRange(min=1), metavar="N", help="At most N calls a minute; never more than the configuration allows.")
@click.option("--by", metavar="NAME", help="Who lets held records be tried again (--state held).  [default: the log-in name]")
@click.option("--json", "json_", is_flag=True, help="Print JSON, at the end.")
@click.pass_context
def replay(
    ctx: click.Context,
    /,
    *,
    dry_run: bool,
    rate: int | None,
    by: str | None,
    json_: bool,
    **options: Any,  # noqa: ANN401 - click's own values
) -> None:
    """
    Send what waits, oldest first, each person's records in their order.

    A running service sends the backlog by itself; this makes it try again now what had failed on its own account, and shows how it
    gets on. Without a service the command sends by itself, and gives way to a service that starts.
    """
    settings = settings_of(ctx)
    asked = {**choice(settings, options), "rate": rate, "by": acting(by) if "held" in options["state"] else None}
    if dry_run:
        plan = ask(settings, "replay", {**asked, "dry_run": True})
        as_json(plan) if json_ else _show_plan(plan, settings.centre.timezone)
        return
    line = ProgressLine.on_stdout()
    show: Show = (lambda _: None) if json_ else line.show
    service = running_service(settings)
    found, gave_way = _alone(settings, asked, show) if service is None else (_through(service, asked, show), False)
    line.end()
    if json_:
        as_json(found)
    else:
        for said in summary(found):
            click.echo(said)
    if gave_way:
        click.echo("A service is starting: it has the journal now and sends the rest by itself.", err=True)
    elif not complete(found):
        sys.exit(1)


def _through(service: Admin, asked: Mapping[str, object], show: Show) -> dict[str, Any]:
    """Let the service replay, and watch."""
    found: dict[str, Any] = service.ask("replay", asked)
    show(found)
    while found["running"]:
        time.sleep(LOOK_S)  # the progress is another process's: it is asked for, there is nothing to wait on
        found = service.ask("progress", {})
        show(found)
    return found


def _alone(settings: Settings, asked: Mapping[str, object], show: Show) -> tuple[dict[str, Any], bool]:
    """Replay in this process; also tell whether it gave way to a service."""
    from proxy import logs
    from proxy.document import DocumentError
    from proxy.operations.errors import InTheWay, Unfit
    from proxy.operations.preflight import problems
    from store.errors import JournalError

    require_journal(settings)
    if found := problems(settings, os.environ):
        raise Misconfigured("\n".join(map(str, found)))
    logs.quiet()
    try:
        return asyncio.run(_replayed(settings, asked, show))
    except DocumentError as error:
        raise Misconfigured(str(error)) from None
    except JournalError as error:
        raise Failed(in_words(settings, error)) from None
    except (InTheWay, Unfit) as error:
        raise Failed(str(error)) from None


async def _replayed(settings: Settings, asked: Mapping[str, object], show: Show) -> tuple[dict[str, Any], bool]:
    from proxy import service
    from proxy.operations.catalogue import ACTS
    from proxy.traffic.meters import Meters
    from store.file.lock import Role

    given = {member: value for member, value in asked.items() if value not in (None, ())}
    async with service.running(settings, os.environ, Role.CLI, Meters()) as (sidecar, centre):
        found = await ACTS["replay"](centre, given)
        while found["running"] and not centre.journal.wanted():
            show(found)
            await asyncio.sleep(LOOK_S)
            found = await ACTS["progress"](centre, {})
        gave_way = bool(found["running"])
        if gave_way:
            sidecar.circuits.hold(held=True)
            await sidecar.background.finish(GIVE_WAY_S)
            found = await ACTS["progress"](centre, {})
        show(found)
        return found, gave_way


def _show_plan(plan: Mapping[str, Any], zone: str) -> None:
    if not plan["records"]:
        click.echo("Nothing would be sent: no unsent record fits.")
        return
    click.echo(f"{plan['records']} would be sent, {plan['waiting'].get('ready') or 'none'} of them at once.")
    table(("ROUTE", "RECORDS"), sorted(plan["routes"].items()))
    click.echo()
    order = plan["order"][:ORDER_SHOWN]
    rows = [(line["number"], line["route"], shown(line["recorded_at"], zone), line["waits_for"]) for line in order]
    table(("NUMBER", "ROUTE", "RECORDED", "WAITS FOR"), rows)
    if len(plan["order"]) > ORDER_SHOWN:
        click.echo(f"... and {len(plan['order']) - ORDER_SHOWN} more; all of them: dosekeeper replay --dry-run --json")
    click.echo()
    for reason, count in plan["waiting"].items():
        if reason != "ready":  # those have been told
            click.echo(f"{count} {WAITS_FOR[reason]}")

"""What the commands have in common by which a person decides about records: who, why, for which, and what came of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from proxy.cli.choosing import choice
from proxy.cli.configured import settings_of
from proxy.cli.reach import ask
from proxy.cli.showing import as_json, table
from proxy.cli.who import acting

if TYPE_CHECKING:
    from proxy.settings import Settings

REFUSALS_SHOWN: Final = 20
PART: Final = 1000

F = TypeVar("F", bound=Callable[..., Any])


def deciding(command: F) -> F:
    """Add who decides and why to *command*."""
    options = (
        click.option("--by", metavar="NAME", help="Who decides; stands in the audit.  [default: the log-in name]"),
        click.option("--reason", default="", metavar="TEXT", help="Why; stands in the audit. No personal data."),
    )
    return _with(command, options)


def vouching(command: F) -> F:
    """Add a person's word to *command*."""
    words = "You have looked: no send got through, and where two records say the same, both are true."
    return _with(command, (click.option("--i-have-looked", "word", is_flag=True, help=words),))


def deciding_in_bulk(command: F) -> F:
    """Add what goes with decisions about many records to *command*."""
    options = (
        click.option("--dry-run", is_flag=True, help="Only tell which records it would be."),
        click.option("--yes", is_flag=True, help="Do not ask; needed for several records where there is no terminal."),
        click.option("--json", "json_", is_flag=True, help="Print JSON."),
    )
    return _with(command, options)


def _with(command: F, options: Sequence[Callable[[F], F]]) -> F:
    for option in reversed(options):
        command = option(command)
    return command


def person(options: Mapping[str, Any]) -> dict[str, object]:
    """Return who decides and why, as operations take it."""
    return {"by": acting(options["by"]), "reason": options["reason"], **({"word": True} if options.get("word") else {})}


def decide_in_bulk(ctx: click.Context, verb: str, keys: tuple[str, ...], options: dict[str, Any]) -> None:
    """Do *verb* to the records of *keys*, or to those that the options choose; of several after asking, and exactly those shown."""
    settings = settings_of(ctx)
    who = person(options)
    if len(keys) == 1 and not options["dry_run"]:
        _report(ask(settings, verb, {**who, **choice(settings, options), "keys": keys}), json_=options["json_"])
        return
    preview = ask(settings, verb, {**who, **choice(settings, options), "keys": keys, "dry_run": True})
    if options["dry_run"] or not preview["records"]:
        as_json(preview) if options["json_"] else _show_preview(preview)
        return
    if not options["yes"]:
        _show_preview(preview)
        confirm(f"{verb.capitalize()} these {preview['records']}?")
    _report({"results": _in_parts(settings, verb, who, tuple(map(str, preview["numbers"])))}, json_=options["json_"])


def _in_parts(settings: Settings, verb: str, who: Mapping[str, object], numbers: tuple[str, ...]) -> list[dict[str, Any]]:
    """Decide about so many at a time that each part has its answer soon; the youngest first, as the operation does within a part."""
    results: list[dict[str, Any]] = []
    for end in range(len(numbers), 0, -PART):
        results = ask(settings, verb, {**who, "keys": numbers[max(0, end - PART) : end]})["results"] + results
    return results


def confirm(question: str) -> None:
    """
    Ask the person at the terminal.

    Raises:
        click.UsageError: there is no terminal to ask at.
        click.Abort: they said no.
    """
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask at; if this is meant, add --yes")
    click.confirm(question, abort=True, err=True)


def refuse_if_undone(found: Mapping[str, Any]) -> None:
    """Say why a decision about one record was not taken, and end with exit code 1; where it was, go on."""
    if not found["done"]:
        click.echo(f"Record {found['number']} is left as it is: {found['why_not']}.", err=True)
        sys.exit(1)


def outlook(settings: Settings, state: str) -> str:
    """Return what happens next to a record in *state*."""
    from proxy.cli.admin import running_service

    if state not in ("pending", "unknown"):
        return f"It is {state}."
    first = "It is looked up first, and sent if it is not there" if state == "unknown" else "It is sent in its turn"
    return f"{first}." if running_service(settings) else f"{first}, when a service runs or with: dosekeeper replay"


def _show_preview(preview: Mapping[str, Any]) -> None:
    if not preview["records"]:
        click.echo("No record fits.")
        return
    click.echo(f"{preview['records']} records of {preview['persons']} persons.")
    table(("ROUTE", "RECORDS"), sorted(preview["routes"].items()))
    click.echo()
    table(("STATE", "RECORDS"), sorted(preview["states"].items()))


def _report(found: Mapping[str, Any], *, json_: bool) -> None:
    results = found["results"]
    refused = [result for result in results if not result["done"]]
    if json_:
        as_json(results)
    else:
        _show_results(results, refused)
    if refused:
        sys.exit(1)


def _show_results(results: Sequence[Mapping[str, Any]], refused: Sequence[Mapping[str, Any]]) -> None:
    if len(results) > 1:
        changed = sum(result["changed"] for result in results)
        click.echo(f"{changed} done, {len(results) - changed - len(refused)} needed nothing, {len(refused)} left as they are.")
    for result in results:
        if result["done"]:
            click.echo(f"Record {result['number']}: {result['state']}{'' if result['changed'] else ', as before'}")
    for result in refused[:REFUSALS_SHOWN]:
        click.echo(f"Record {result['number']} is left as it is: {result['why_not']}.", err=True)
    if len(refused) > REFUSALS_SHOWN:
        click.echo(f"... and {len(refused) - REFUSALS_SHOWN} more; all of them with --json.", err=True)

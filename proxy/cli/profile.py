"""`dosekeeper profile`: write the profile of an upstream of one's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from proxy.cli.failing import Misconfigured
from proxy.cli.showing import as_json, facts

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(epilog="Example: dosekeeper profile check ours.yaml")
def profile() -> None:
    """Draft, check and try the description of a server's API. Nothing is sent."""


@profile.command(epilog="Example: dosekeeper profile new --from-openapi server.json --output ours.yaml")
@click.option("--from-openapi", "description", required=True, type=FILE, help="OpenAPI 3 or Swagger 2, YAML or JSON.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A new file.  [default: standard output]")
def new(description: Path, output: Path | None) -> None:
    """Draft a profile: routes, likely policies, and a DECIDE at everything that a person must decide."""
    from proxy.operations.profiles import drafted

    with _mistakes_told():
        text = drafted(description)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise click.UsageError(f"{output} is there already: name another file") from None
    click.echo(f"Drafted. Answer each DECIDE in it, then: dosekeeper profile check {output}")


@profile.command(epilog="Example: dosekeeper profile check ours.yaml")
@click.argument("file", metavar="FILE|NAME")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
def check(file: str, *, json_: bool) -> None:
    """Say all that is wrong with a profile, with its line, and what should have been thought about. Exits with 2 for a mistake."""
    from proxy.operations.profiles import checked

    with _mistakes_told():
        found = checked(file)
    routes = found.profile.routes
    recorded = [route.name for route in routes if route.policy == "record"]
    if json_:
        as_json({"profile": found.profile.profile, "routes": len(routes), "recorded": recorded, "notes": found.notes})
        return
    click.echo(f"{found.profile.profile} is well formed: {len(routes)} routes, recorded: {', '.join(recorded) or 'none'}.")
    for note in found.notes:
        click.echo(f"  mind: {note}")


@profile.command(name="try", epilog="Example: dosekeeper profile try fhir-r4 request.http --prefix /fhir --answer answer.http")
@click.argument("file", metavar="FILE|NAME")
@click.argument("request", type=FILE, metavar="REQUEST.HTTP")
@click.option("--answer", type=FILE, help="What the server might say: a status line, header lines, an empty line, the body.")
@click.option("--prefix", default="", help="Path of upstream.url, if the request's path begins with it.")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
def try_(file: str, request: Path, *, answer: Path | None, prefix: str, json_: bool) -> None:
    """
    Show what a request would become: route, lanes, natural key, receipt, and what an answer to it would mean.

    REQUEST.HTTP is `POST /path`, header lines, an empty line, the body. What is shown is what the request says: mind who sees the screen.
    """
    from datetime import UTC, datetime

    from proxy.profiles.load import load_profile
    from proxy.rules.trial import NoMessage, read_answer, read_request, tried

    with _mistakes_told():
        loaded = load_profile(file, Path())
    try:
        asked = read_request(request.read_text(encoding="utf-8"), prefix)
        answered = None if answer is None else read_answer(answer.read_text(encoding="utf-8"))
    except (NoMessage, UnicodeDecodeError) as error:
        raise click.UsageError(str(error)) from None
    found = tried(loaded, asked, answered, datetime.now(UTC))
    if json_:
        as_json(found)
    else:
        facts([(name.replace("_", " "), line) for name, value in found.items() for line in _lines(value)])


def _lines(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    """Yield *value* in a line, of a mapping one for each member."""
    if isinstance(value, dict) and value:
        yield from (f"{name.replace('_', ' ')}: {_shown(member)}" for name, member in value.items())
    else:
        yield _shown(value)


def _shown(value: Any) -> str:  # noqa: ANN401 - any JSON
    if value is None or value in ({}, []):
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@contextmanager
def _mistakes_told() -> Iterator[None]:
    from proxy.document import DocumentError

    try:
        yield
    except DocumentError as error:
        raise Misconfigured(str(error)) from None

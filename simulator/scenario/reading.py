"""A scenario file into a scenario: every mistake at once, each with its line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from simulator.scenario.model import Scenario

SHIPPED: Final = Path(__file__).parent.parent / "scenarios"


class ScenarioError(Exception):
    """A scenario cannot be played; its text is one mistake a line."""


def shipped() -> list[str]:
    """Return the names of the scenarios that come with the simulator."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def load_scenario(name: str) -> Scenario:
    """
    Return a scenario: a shipped one by its name, or the one in a file.

    Raises:
        ScenarioError: There is none, or it has mistakes.
    """
    path = SHIPPED / f"{name}.yaml" if name in shipped() else Path(name)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ScenarioError(f"{name}: no such file; shipped are: {', '.join(shipped())}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{name}: cannot be read: {error}") from None
    return parse_scenario(path.name, text)


def parse_scenario(source: str, text: str) -> Scenario:
    """Return the scenario that *text* describes; *source* names it in messages; errors as those of `load_scenario`."""
    try:
        written = YAML().load(text)
    except YAMLError as error:
        mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
        problem = error.problem if isinstance(error, MarkedYAMLError) else str(error)
        raise ScenarioError(f"{source}:{mark.line + 1 if mark else 1}: is not YAML: {problem}") from None
    try:
        return Scenario.model_validate(written, context={})
    except ValidationError as error:
        raise ScenarioError("\n".join(_lines(source, written, error))) from None


def _lines(source: str, written: object, error: ValidationError) -> Iterator[str]:
    found = [(_line_of(written, details["loc"]), details) for details in error.errors(include_url=False)]
    for line, details in sorted(found, key=lambda one: one[0]):
        words = "no such key" if details["type"] == "extra_forbidden" else details["msg"].removeprefix("Value error, ")
        yield ": ".join(filter(None, (f"{source}:{line}", ".".join(map(str, details["loc"])), words)))


def _line_of(written: Any, loc: tuple[int | str, ...]) -> int:  # noqa: ANN401 - whatever was written there
    """Return the line (from 1) of what stands at *loc*, or of the nearest thing around it."""
    line = 1
    for step in loc:
        try:
            line, written = written.lc.data[step][0] + 1, written[step]
        except (AttributeError, LookupError, TypeError):
            break
    return line

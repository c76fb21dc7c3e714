from __future__ import annotations

import shlex

import click
import pytest
from click.testing import CliRunner

from proxy.cli import COMMANDS, dosekeeper

VERBS = [
    *((name,) for name in COMMANDS),
    *(("records", name) for name in ("list", "show", "edit", "retry", "settle", "discard")),
    *(("outages", name) for name in ("list", "report", "annotate")),
    ("journal", "check"),
    ("journal", "salvage"),
    ("reads", "purge"),
    ("audit", "list"),
    ("audit", "verify"),
    *(("profile", name) for name in ("new", "check", "try")),
    ("key", "export"),
    ("key", "import"),
    *(("clients", name) for name in ("add", "list", "revoke")),
]


def command_of(words: tuple[str, ...]) -> click.Command:
    command: click.Command = dosekeeper
    for word in words:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        assert found is not None
        command = found
    return command


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_help_has_an_example_that_parses(verb: tuple[str, ...]) -> None:
    result = CliRunner().invoke(dosekeeper, [*verb, "--help"])
    assert result.exit_code == 0, result.output
    example = " ".join(result.output.partition("Example: dosekeeper ")[2].split())  # a long one is wrapped
    assert example
    words = shlex.split(example.partition(" ||")[0].partition(" >")[0])
    assert verb[0] in words
    if verb == ("demo",):
        return
    given = words[words.index(verb[0]) + 1 :]
    command = command_of((verb[0],))
    with command.make_context(verb[0], given, resilient_parsing=False) as context:
        assert context.command is command


def test_help_lists_every_verb() -> None:
    result = CliRunner().invoke(dosekeeper, ["--help"])
    assert [line.split()[0] for line in result.output.partition("Commands:")[2].splitlines() if line.startswith("  ") and line[2] != " "][
        : len(COMMANDS)
    ] == list(COMMANDS)


@pytest.mark.parametrize(
    "words", [["no-such-verb"], ["status", "--no-such-option"], ["records", "list", "--state", "lost"], ["hold", "--until", "soon"]]
)
def test_wrong_usage_exits_with_2(words: list[str]) -> None:
    assert CliRunner().invoke(dosekeeper, words).exit_code == 2

"""How a command fails: a message a person can act on, and an exit code a script can."""

from __future__ import annotations

from typing import IO, Any

import click


class Failed(click.ClickException):
    """Something is not as it should be: exit code 1."""

    exit_code = 1

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the message as it is, to standard error."""
        click.echo(self.format_message(), file=file, err=True)


class Misconfigured(Failed):
    """The configuration cannot be used: exit code 2."""

    exit_code = 2

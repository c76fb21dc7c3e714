"""Who acts: what stands in the audit with a person's decision."""

from __future__ import annotations

import getpass

import click


def acting(by: str | None) -> str:
    """
    Return *by*, else the log-in name.

    Raises:
        click.UsageError: there is neither.
    """
    if by:
        return by
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        raise click.UsageError("There is no log-in name here; say who you are: --by NAME") from None

"""The settings a command runs with."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from proxy.cli.failing import Misconfigured

if TYPE_CHECKING:
    from proxy.settings import Settings


def settings_of(ctx: click.Context) -> Settings:
    """
    Read the configuration that `--config` names.

    Raises:
        Misconfigured: all that is wrong with it, one problem a line.
    """
    from proxy.document import DocumentError
    from proxy.settings import load_settings

    try:
        return load_settings(ctx.obj, os.environ)
    except DocumentError as error:
        raise Misconfigured(str(error)) from None

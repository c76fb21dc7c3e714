"""The command line: `dosekeeper`. A command's module is imported when it is asked for, and what is slow to import in its body."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import click

COMMANDS: Final = (
    *("serve", "check", "status", "replay", "records", "outages", "export", "audit", "journal", "hold", "release", "reads"),
    *("metrics", "backup", "restore", "key", "support-bundle", "clients", "profile", "demo"),
)
"""Each is a function of its own name in a module of its own name, with an underscore for a hyphen."""


class Commands(click.Group):
    """The verbs, in the order in which one needs them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names, not sorted."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(import_module(f"proxy.cli.{name}"), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        """Run the command; a file or folder that is closed to who runs it is told in words, wherever it was met."""
        try:
            return super().invoke(ctx)
        except PermissionError as error:
            if error.filename is None:
                raise
            from proxy.cli.failing import Failed
            from store.file.owner import shut_out

            met = Path(error.filename).absolute()
            why = shut_out(met) or f"{met}: {error.strerror}. Next: run it as the service's user, or give that user access"
            raise Failed(str(why)) from None


@click.group(cls=Commands, epilog="Example: dosekeeper --config config.yaml serve")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The configuration.  [default: DOSEKEEPER_CONFIG, else config.yaml where there is one]",
)
@click.version_option(package_name="dosekeeper")
@click.pass_context
def dosekeeper(ctx: click.Context, config: Path | None) -> None:
    """Keep vaccination doses through an outage of the national server, and send them on: once, in order, as they were."""
    ctx.obj = config


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and end the process; 0 done, 1 something is not as it should be, 2 usage or configuration."""
    dosekeeper.main(args=argv, prog_name="dosekeeper")

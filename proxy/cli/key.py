"""`dosekeeper key`: the journal's key, taken along apart from the journal. Never through the admin port."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from proxy.cli.configured import settings_of
from proxy.cli.failing import Failed
from proxy.cli.private_file import private_file


@click.group(epilog="Example: dosekeeper key export journal-key.txt")
def key() -> None:
    """Take the journal's key to another computer, under a passphrase."""


passphrase_file = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Whose first line is the passphrase.  [default: it is asked for]",
)


@key.command(epilog="Example: dosekeeper key export journal-key.txt")
@click.argument("file", type=click.Path(path_type=Path))
@passphrase_file
@click.pass_context
def export(ctx: click.Context, file: Path, passphrase_file: Path | None) -> None:
    """Write the key into FILE, encrypted under a passphrase: text that can also be printed, and typed in again."""
    from store.errors import JournalError
    from store.file.key_envelope import PASSPHRASE_MIN, sealed
    from store.file.keyfile import existing_key

    settings = settings_of(ctx)
    if file.exists():  # it may be the only copy of another centre's key
        raise Failed(f"{file} is there already, and is left as it is. Give another name: dosekeeper key export FILE")
    try:
        found = existing_key(settings.store.key_file, os.environ)
    except JournalError as error:
        raise Failed(str(error)) from None
    passphrase = _passphrase(passphrase_file, confirm=True)
    if len(passphrase) < PASSPHRASE_MIN:
        raise Failed(f"The passphrase has {len(passphrase)} characters; give it {PASSPHRASE_MIN} or more, such as four words.")
    with private_file(file, "dosekeeper key export FILE") as written:
        written.write(sealed(found, passphrase).encode())
    click.echo(f"{file} opens with the passphrase alone. Keep the two apart, and both apart from the backups.", err=True)


@key.command(name="import", epilog="Example: dosekeeper key import journal-key.txt")
@click.argument("file", type=click.Path(path_type=Path))
@passphrase_file
@click.pass_context
def import_(ctx: click.Context, file: Path, passphrase_file: Path | None) -> None:
    """Put the key in FILE in place (store.key_file). Another key that is there is never overwritten."""
    from store.errors import JournalError, KeyNotOpened
    from store.file.key_envelope import NotOpened, opened
    from store.file.keyfile import put_key

    settings = settings_of(ctx)
    passphrase = _passphrase(passphrase_file, confirm=False)
    try:
        found = opened(file.read_text("utf-8", errors="replace"), passphrase)
        put = put_key(settings.store.key_file, found)
    except NotOpened as error:
        raise Failed(str(KeyNotOpened(file=file, reason=error))) from None
    except OSError as error:
        raise Failed(f"{file} cannot be read: {error.strerror}. See its permissions, then run the same command again.") from None
    except JournalError as error:
        raise Failed(str(error)) from None
    click.echo(f"The key is in {settings.store.key_file}{'' if put else ', as it was before'}.", err=True)


def _passphrase(source: Path | None, *, confirm: bool) -> str:
    if source is not None:
        try:
            return source.read_text("utf-8").partition("\n")[0].rstrip("\r")
        except (OSError, UnicodeDecodeError):
            raise Failed(f"{source} cannot be read as text. Give another: --passphrase-file FILE") from None
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask at; give --passphrase-file FILE")
    asked: str = click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm and "The same again", err=True)
    return asked

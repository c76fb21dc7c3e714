"""A file that only its owner may read, whole or not there."""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.cli.failing import Failed

if TYPE_CHECKING:
    from proxy.settings import Settings


@contextmanager
def private_file(target: Path, instead: str) -> Iterator[io.FileIO]:
    """
    Open a file that only its owner may read; it takes its name when it is complete, and is gone when it is not.

    Raises:
        Failed: it cannot be written; *instead* is a command that names another place.
    """
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        try:
            with io.FileIO(descriptor, "w+") as file:
                yield file
                os.fsync(descriptor)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise Failed(f"{target.absolute()} cannot be written: {error.strerror}. Name another place: {instead}") from None


def beside_journal(settings: Settings, target: Path) -> Path:
    """Return a place for *target* that the service's user can write, whatever the current folder is."""
    return settings.store.path.parent.absolute() / target.name

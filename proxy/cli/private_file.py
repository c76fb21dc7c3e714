"""A file that only its owner may read, whole or not there."""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proxy.cli.failing import Failed


@contextmanager
def private_file(target: Path, instead: str) -> Iterator[io.FileIO]:
    """
    Open a file that only its owner may read; it takes its name when it is complete, and is gone when it is not.

    Raises:
        Failed: it cannot be written; *instead* is the command by which to name another place.
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
        raise Failed(f"{target} cannot be written: {error.strerror}. Give another place: {instead}") from None

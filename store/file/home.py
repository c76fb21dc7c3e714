"""
Where a journal lives: the file `<journal>.home` beside it holds a token that the journal knows too, and the journal remembers the file.

So a copy is noticed. An old journal put back over a newer one knows an older token only; a whole folder that was copied has a file of
another inode. Computer, host name and path play no part: a container is a new computer at each start, with its old volume.

Not noticed: a whole disk put back as it was (a virtual machine's snapshot), and a copy made in the same hour as it is put back.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from store.file.folder import sync_folder

_TOKEN_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Home:
    """What was found beside the journal: the file's token, and which file it is."""

    token: str
    place: str


def home_path(journal: Path) -> Path:
    """Return where the token of *journal* is."""
    return journal.with_name(journal.name + ".home")


def new_token() -> str:
    """Return a token that was never used."""
    return secrets.token_hex(_TOKEN_BYTES)


def read_home(journal: Path) -> Home | None:
    """Return what is beside *journal*; None where nothing is, or it cannot be read."""
    path = home_path(journal)
    try:
        return Home(path.read_text("ascii", errors="replace").strip(), _place(path))
    except OSError:
        return None


def make_home(journal: Path, token: str) -> Home:
    """Begin a new file beside *journal*, durably. Raises OSError."""
    path = home_path(journal)
    path.unlink(missing_ok=True)  # also the one that came along with a copied folder
    _write(path, token, os.O_CREAT | os.O_EXCL)
    sync_folder(path.parent)
    return Home(token, _place(path))


def renew_home(journal: Path, token: str) -> None:
    """Write the next token over the one that is there, which the journal goes by as well until then. Raises OSError."""
    # In place, not by a rename: the file's inode is what tells it from a copy. 32 bytes of one sector are written whole or not at all.
    _write(home_path(journal), token, 0)


def _write(path: Path, token: str, flags: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | flags, 0o600)
    try:
        os.write(descriptor, token.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _place(path: Path) -> str:
    """Return a word for the file that a restart, another mount point and another owner leave alone, and a copy does not have."""
    found = path.stat()
    # A device's number may be another one after a restart; a file system's own id is not (ext4, btrfs: from its UUID).
    system = os.statvfs(path).f_fsid if hasattr(os, "statvfs") else found.st_dev
    return f"{system:x}-{found.st_ino:x}"

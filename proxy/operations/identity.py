"""Which journal a service has: what tells a command that the admin port it found belongs to its own."""

from __future__ import annotations

from pathlib import Path

from store.file.lock import lock_path


def journal_identity(journal: Path) -> str:
    """
    Return a word for the journal, the same by whatever path or container it is reached; empty where no process ever had it.

    It is its lock file's: the journal's own file is another after damage was put right.
    """
    try:
        found = lock_path(journal).stat()
    except OSError:
        return ""
    return f"{found.st_dev:x}-{found.st_ino:x}"

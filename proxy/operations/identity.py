"""Which journal a service has: what tells a command that the admin port it found belongs to its own."""

from __future__ import annotations

from pathlib import Path


def journal_identity(journal: Path) -> str:
    """Return a word for the file itself, the same by whatever path or container it is reached; empty where there is none."""
    try:
        found = journal.stat()
    except OSError:
        return ""
    return f"{found.st_dev:x}-{found.st_ino:x}"

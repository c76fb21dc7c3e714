"""
Put a new file in a journal's place: what was there is set aside under another name, never deleted.

There is a whole journal at every moment: the old one has its other name as well before anything is moved, and the new one takes its place
in one step. A stop on the way is ended by the next start, for which the new one waits beside the journal under a name that says what the
old one is called then. Whoever calls this has the journal's lock and has no connection open.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import Final

from store.errors import ExchangeUnfinished, JournalUnreadable
from store.file.folder import sync_folder
from store.file.sectors import opened, read_at

_PART: Final = ".part"
_AT_ONCE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Kind:
    """
    What the files of an exchange are called: the old journal `<journal><mark><stamp>`, the new one `<journal><mark><stamp><waits>`.

    `takes` are the endings of the journal's other files that are set aside with it. Not its `-shm`: SQLite makes that anew from the log.
    """

    mark: str
    waits: str
    takes: tuple[str, ...]


def put_in(new: Path, journal: Path, kept: Path, kind: Kind) -> None:
    """
    Put *new*, which is whole and on disk, in the place of *journal*, which is called *kept* from then on.

    Raises:
        OSError, JournalUnreadable: all is as it was, but for *new*, which may be gone.
        ExchangeUnfinished: the disk fails half-way, and does not let it be taken back either.
    """
    if is_taken(kept, kind):
        raise FileExistsError(f"{kept} is there already")  # it would be overwritten
    ready = new.replace(beside(kept, kind.waits))
    try:
        sync_folder(journal.parent)
        _change_places(ready, journal, kept, kind)
    except (OSError, JournalUnreadable) as error:
        if not ready.exists():
            return  # the new one is in place; a disk that does not sync says so at the first write
        try:
            _call_off(ready, journal, kept, kind)
        except OSError:
            raise _unfinished(journal, kept, error) from error
        raise


def end(journal: Path, kind: Kind) -> Path | None:
    """
    End an exchange that a stop cut off; before anything is read of the journal. Returns the name of what was there; None where nothing was.

    Raises:
        ExchangeUnfinished: the disk does not let it be ended.
    """
    begins = journal.name + kind.mark
    for ready in journal.parent.glob(f"{escape(begins)}*{kind.waits}"):
        kept = ready.with_name(ready.name.removesuffix(kind.waits))
        if "." in kept.name.removeprefix(begins):
            continue  # of a journal that was itself set aside
        try:
            _change_places(ready, journal, kept, kind)
        except (OSError, JournalUnreadable) as error:
            raise _unfinished(journal, kept, error) from error
        return kept
    return None


def is_taken(kept: Path, kind: Kind) -> bool:
    """Whether there is a file already of those that would be called so."""
    return any(beside(kept, ending).exists() for ending in ("", *kind.takes, kind.waits))


def beside(path: Path, ending: str) -> Path:
    """Return the file of that ending behind the name of *path*."""
    return path.with_name(path.name + ending)


def _change_places(ready: Path, journal: Path, kept: Path, kind: Kind) -> None:
    """Set aside what is there, and put the new one in its place; each step may be done twice."""
    if journal.exists() and not kept.exists():
        _name_too(journal, kept)
    for ending in kind.takes:
        if beside(journal, ending).exists():
            beside(journal, ending).replace(beside(kept, ending))
    beside(journal, "-shm").unlink(missing_ok=True)
    sync_folder(journal.parent)  # before the new one is there: the old log must never be read into it
    ready.replace(journal)
    sync_folder(journal.parent)


def _call_off(ready: Path, journal: Path, kept: Path, kind: Kind) -> None:
    """Take back what was done of `_change_places`; the new one goes last, for a start would else find a journal without its log."""
    for ending in kind.takes:
        if beside(kept, ending).exists():
            beside(kept, ending).replace(beside(journal, ending))
    sync_folder(journal.parent)
    for path in (kept, beside(kept, _PART)):
        path.unlink(missing_ok=True)
    ready.unlink()
    sync_folder(journal.parent)  # one that comes back would be put over what is recorded from now on


def _name_too(journal: Path, kept: Path) -> None:
    try:
        os.link(journal, kept)
    except OSError:  # a file system without links: under its name only when it is whole, as the next start takes it for that
        part = beside(kept, _PART)
        part.unlink(missing_ok=True)
        with opened(journal) as source, os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as copy:
            while content := read_at(source, copy.tell(), _AT_ONCE):  # it may be damaged, and its disk not read all of it
                copy.write(content)
            copy.flush()
            os.fsync(copy.fileno())
        with suppress(OSError):
            shutil.copystat(journal, part)  # how old it is, for when it is deleted
        part.replace(kept)


def _unfinished(journal: Path, kept: Path, error: OSError | JournalUnreadable) -> ExchangeUnfinished:
    reason = error.facts["reason"] if isinstance(error, JournalUnreadable) else error.strerror or error
    return ExchangeUnfinished(journal=journal, kept=kept.name, reason=reason)

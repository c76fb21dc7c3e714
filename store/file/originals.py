"""
The damaged originals that rescues keep beside the journal, each with its log: `<journal>.damaged-<when>`.

Every row that could be read is in the journal; of a request of which a part is lost, the rest is in the original alone. They are for
whoever wants to look at that, which is personal data as everything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from glob import escape
from itertools import count
from pathlib import Path
from typing import Final

from store.errors import ExchangeUnfinished
from store.file.exchange import Kind, beside, end, is_taken

RUN_MS: Final = 24 * 3600 * 1000
"""Damage within a day of the last is the same disk's: of such a run the first and the last original are kept."""

RESCUE: Final = Kind(".damaged-", ".rescued", ("-wal", "-journal"))
"""A rescued journal is the same one: what else is beside it stays."""

_STAMP: Final = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Original:
    """A damaged original: when its rescue was, wall-clock milliseconds UTC, and what it takes with its log."""

    file: Path
    at: int
    size_bytes: int


def original(journal: Path, now: int) -> Path:
    """Return what the original of a rescue at *now* is called."""
    return journal.with_name(f"{journal.name}{RESCUE.mark}{datetime.fromtimestamp(now / 1000, UTC):{_STAMP}}")


def free_original(journal: Path, now: int) -> Path:
    """Return what the original of a rescue at *now* is to be called: of two within a second, the later bears the next."""
    names = (original(journal, now + 1000 * later) for later in count())
    return next(name for name in names if not is_taken(name, RESCUE))


def end_rescue(journal: Path) -> None:
    """As `store.file.exchange.end`, of a rescue; also one of an older version, which kept the original's time as that of its own file."""
    older = beside(journal, RESCUE.waits)
    try:
        if older.exists():
            kept = original(journal, round(older.stat().st_mtime * 1000))
            older.replace(beside(kept, RESCUE.waits))
    except OSError as error:
        raise ExchangeUnfinished(journal=journal, kept=older.name, reason=error.strerror or error) from error
    end(journal, RESCUE)


def originals(journal: Path) -> list[Original]:
    """Return those that are there, oldest first."""
    begins = journal.name + RESCUE.mark
    found = (_as_original(file, file.name.removeprefix(begins)) for file in journal.parent.glob(f"{escape(begins)}*"))
    return sorted(filter(None, found), key=lambda each: each.at)


def thin_out(journal: Path) -> None:
    """Delete all but the first and the last of each run: a disk that goes on damaging must not be filled by it. Raises OSError."""
    found = originals(journal)
    for before, each, after in zip(found, found[1:], found[2:], strict=False):
        if each.at - before.at <= RUN_MS and after.at - each.at <= RUN_MS:
            _delete(each)


def delete_older(journal: Path, before: int) -> int:
    """
    Delete those of rescues before then; return how many. Raises OSError.

    Where a computer began without its clock, an original bears a time of long ago; when the file was last written tells it apart.
    """
    old = [each for each in originals(journal) if max(each.at, each.file.stat().st_mtime * 1000) < before]
    for each in old:
        _delete(each)
    return len(old)


def _as_original(file: Path, stamp: str) -> Original | None:
    try:
        at = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
        size = sum(each.stat().st_size for each in _files(file) if each.exists())
    except (ValueError, OSError):  # its log, or somebody's own copy; or it has just been deleted
        return None
    return Original(file, round(at.timestamp() * 1000), size)


def _delete(each: Original) -> None:
    for file in _files(each.file):
        file.unlink(missing_ok=True)


def _files(file: Path) -> list[Path]:
    """Its log's first: as long as the one by which it is known is there, it is not forgotten."""
    return [beside(file, ending) for ending in (*RESCUE.takes, "-shm", "")]

"""Copies of the journal: made while the service runs, and put in place on another computer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from proxy.operations.asked import BackupAsked
from proxy.operations.centre import Centre
from proxy.operations.errors import NotThere, Unfit
from proxy.operations.times import rfc3339
from proxy.settings import Settings
from proxy.traffic.clock import Clock
from store.file.keyfile import existing_key
from store.file.lock import Lock, Role
from store.file.restore import put_in_place
from store.journal import Journal
from store.records import OPEN_STATES

SUFFIX: Final = ".journal"

_STAMP: Final = r"\d{8}T\d{6}Z"


async def back_up(centre: Centre, asked: BackupAsked) -> dict[str, Any]:
    """Copy the journal into a folder, as CENTRE-TIME.journal; then delete that centre's backups there beyond the newest `keep`."""
    folder, now = Path(asked.folder), centre.clock.wall()
    if not folder.is_absolute():
        raise Unfit("folder: give a whole path, it is the service that writes there")
    made = await centre.journal.back_up(folder / f"{asked.centre}-{stamp(now)}{SUFFIX}", now)
    removed = [] if asked.keep is None else await asyncio.to_thread(_delete_old, made.file, asked.centre, asked.keep)
    return {
        "file": str(made.file),
        "size_bytes": made.size_bytes,
        "made_at": rfc3339(now),
        "records": {state.value: count for state, count in made.holds.items()},
        "unconfirmed": sum(count for state, count in made.holds.items() if state in OPEN_STATES),
        "removed": [file.name for file in removed],
    }


async def restore(settings: Settings, environ: Mapping[str, str], file: Path, *, replace: bool, by: str, clock: Clock) -> dict[str, Any]:
    """
    Put a copy in the place of the settings' journal, which nobody has open.

    Raises:
        NotThere: *file* is a folder without a backup of this centre.
        JournalError: the journal is in use, the key is not there, or the copy is not to be used; nothing was changed.
    """
    now, journal_file = clock.wall(), settings.store.path
    chosen = await asyncio.to_thread(_chosen, file, settings.centre.id)
    lock = await asyncio.to_thread(Lock.take, journal_file, Role.CLI)
    try:
        key = existing_key(settings.store.key_file, environ)
        aside = f".replaced-{stamp(now)}" if replace else None
        before = await asyncio.to_thread(put_in_place, chosen, journal_file, key, aside)
        journal = await Journal.open(journal_file, key, lock=lock)
    except BaseException:
        lock.release()
        raise
    try:
        restored = await journal.settle_in(now, copy=True)
        await journal.note(by, "restore", "", now, {"file": chosen.name})
        counts = await journal.counts()
    finally:
        await journal.close()
    assert restored is not None  # it was just marked
    return {
        "file": str(chosen),
        "journal": str(journal_file),
        "set_aside": None if before is None else str(before),
        "copied_at": rfc3339(restored.copied_at),
        "records": {state.value: count for state, count in counts.items()},
        "unconfirmed": sum(counts[state] for state in OPEN_STATES),
        "last_number": restored.last_number,
        "next_number": restored.next_number,
    }


def stamp(at: int) -> str:
    """Return wall-clock milliseconds UTC as they stand in a file's name: 20261124T120311Z."""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y%m%dT%H%M%SZ}"


def _of_centre(folder: Path, centre: str) -> list[Path]:
    """Return the backups of a centre, oldest first."""
    name = re.compile(rf"{re.escape(centre)}-{_STAMP}{re.escape(SUFFIX)}")
    return sorted(file for file in folder.iterdir() if name.fullmatch(file.name))


def _chosen(place: Path, centre: str) -> Path:
    """Return *place*, or the newest backup of a centre in it."""
    if not place.is_dir():
        return place
    found = _of_centre(place, centre)
    if not found:
        raise NotThere(f"There is no backup of {centre} in {place}. Name the file: dosekeeper restore FILE")
    return found[-1]


def _delete_old(made: Path, centre: str, keep: int) -> list[Path]:
    """Delete what is beyond the newest *keep*, never the one just made: a clock may have been put back."""
    old = [file for file in _of_centre(made.parent, centre) if file != made]
    surplus = old[: max(0, len(old) - keep + 1)]
    for file in surplus:
        file.unlink(missing_ok=True)
    return surplus

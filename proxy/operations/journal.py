"""Whether the journal's file is as it was written, and putting right what is not. With a service through it, else on the file itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.operations.centre import Centre
from proxy.operations.status import rescue_value
from proxy.settings import Settings
from store.file.keyfile import journal_key
from store.file.lock import Lock, Role
from store.file.restore import end_restore
from store.rescue import Rescue, rescued


async def checked(centre: Centre) -> dict[str, Any]:
    """
    Look at every page of a journal that is open, and change nothing.

    `pages` counts those that are not as they were written; the running service comes upon them within hours and mends itself. `before`:
    what was mended in the past, and whether the damaged original is still `kept`.
    """
    damaged: set[int] = set()
    after = 0
    while True:
        after, found = await centre.journal.damaged_after(after)
        damaged.update(found)
        if not after:
            break
    there = {original.file.name for original in await centre.journal.originals()}
    before = [rescue_value(rescue) | {"kept": rescue.kept_as in there} for rescue in await centre.journal.rescues()]
    return {"whole": not damaged, "pages": len(damaged), "found": None, "before": before}


def inspected(settings: Settings, environ: Mapping[str, str], now: int) -> dict[str, Any]:
    """Look at every page and the log of a journal that nobody has open; `found` is what a salvage would come to. Nothing is changed."""
    found = _on_file(settings, environ, now, in_place=False)
    pages = found.pages if found else 0
    return {"whole": found is None, "pages": pages, "found": None if found is None else rescue_value(found), "before": []}


def salvaged(settings: Settings, environ: Mapping[str, str], now: int) -> dict[str, Any] | None:
    """Put right what is damaged in a journal that nobody has open; None where nothing is."""
    found = _on_file(settings, environ, now, in_place=True)
    return None if found is None else rescue_value(found)


def _on_file(settings: Settings, environ: Mapping[str, str], now: int, *, in_place: bool) -> Rescue | None:
    """Raise JournalError where the journal is in use, its key is not to be had, or too much of it is damaged."""
    journal = settings.store.path
    lock = Lock.take(journal, Role.CLI)
    try:
        if in_place:
            end_restore(journal)
        return rescued(journal, journal_key(journal, settings.store.key_file, environ), now, in_place=in_place)
    finally:
        lock.release()

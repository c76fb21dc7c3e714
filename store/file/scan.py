"""Look at the file's pages without SQLite, a few at a time: what is seldom read must not be found damaged on the day it is wanted."""

from __future__ import annotations

from typing import Final

from store.file.pages import LOCK_PAGE, PAGE_BYTES, SALT_BYTES, Pages
from store.file.sectors import Beside, read_at

AT_ONCE: Final = 512
"""Pages looked at in one go: about 4 ms."""


def damaged_after(journal: Beside, key: bytes, after: int) -> tuple[int, list[int]]:
    """
    Look at up to `AT_ONCE` pages after number *after*.

    Returns:
        The last of them, 0 where the file ends; and those that are not as they were written. One that is being written just now, or of
        which the log has a newer version, may be among them: ask again.
    """
    with journal.opened() as file:
        pages = Pages(key, read_at(file, 0, SALT_BYTES))
        found = read_at(file, after * PAGE_BYTES, AT_ONCE * PAGE_BYTES)
    numbered = [(after + 1 + start // PAGE_BYTES, found[start : start + PAGE_BYTES]) for start in range(0, len(found), PAGE_BYTES)]
    damaged = [number for number, page in numbered if number != LOCK_PAGE and not pages.whole(number, page)]
    return (numbered[-1][0] if len(numbered) == AT_ONCE else 0), damaged

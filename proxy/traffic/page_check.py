"""Goes through the journal's pages in quiet steps: at start, and then again and again, so that bit rot is found before a dose is needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from store.journal import Journal

PACE_S: Final = 0.1
"""Between two steps of 2 MiB."""
EVERY_S: Final = 6 * 3600.0
AGAIN_S: Final = 2.0
"""After pages that did not fit: they may just have been written."""


@dataclass(slots=True)
class PageCheck:
    """The way through the file; a page that does not fit twice lets the journal be mended."""

    journal: Journal
    _after: int = 0
    _doubtful: frozenset[int] = field(default_factory=frozenset)

    async def step(self) -> float:
        """Look at the next pages; return seconds until the next step."""
        after, damaged = await self.journal.damaged_after(self._after)
        if self._doubtful & set(damaged):
            self._doubtful = frozenset()
            await self.journal.mend()
            return AGAIN_S
        self._doubtful = frozenset(damaged)
        if damaged:
            return AGAIN_S
        self._after = after
        return PACE_S if after else EVERY_S

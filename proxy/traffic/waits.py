"""How long the desks waited for their answers of late, by group: what the outage ledger tells of an outage."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Final

REMEMBERED_S: Final = 900.0
"""An outage is known long before so much of it has passed."""


class Waits:
    """The longest waits: one that came before a longer one is never asked for again, so that there are few."""

    def __init__(self) -> None:
        self._waits: defaultdict[str, deque[tuple[float, float]]] = defaultdict(deque)

    def note(self, group: str, now: float, waited_s: float) -> None:
        """Note that a desk has its answer *now* (boot seconds), after so long."""
        waits = self._waits[group]
        while waits and waits[-1][1] <= waited_s:
            waits.pop()
        waits.append((now, waited_s))
        while now - waits[0][0] > REMEMBERED_S:
            waits.popleft()

    def longest_s(self, group: str, since: float) -> float:
        """Return the longest wait that ended after *since* (boot seconds); 0 where there was none."""
        return next((waited_s for at, waited_s in self._waits[group] if at >= since), 0.0)

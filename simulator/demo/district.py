"""
The nine centres.

That there were eight blocks and a medical college, and its 800 doses, is from the press; the rest is invented: how many came to each
block, and which eight they were.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

HANDLING_MIN: Final = (3.0, 5.0)
"""Minutes of the day that a person is at a desk, from the least to the most."""

OPEN_MIN: Final = 480
BUSY: Final = 0.72
"""Share of the day for which a desk has somebody before it."""


@dataclass(frozen=True, slots=True)
class Centre:
    """One centre; `number` is the server's own, `people` how many came that day, `local` its name as people there write it."""

    number: int
    name: str
    local: str
    people: int

    @property
    def id(self) -> str:
        """Its `centre.id`."""
        return f"centre-{self.number}"

    def desks(self, one_in: int) -> int:
        """Return how many desks serve one in so many of its people."""
        return max(1, ceil(self.people / one_in * sum(HANDLING_MIN) / 2 / OPEN_MIN / BUSY))


CENTRES: Final = (
    Centre(563048, "Medical College", "मेडिकल कॉलेज", 800),
    Centre(563051, "Rudrapur", "रुद्रपुर", 280),
    Centre(563052, "Kashipur", "काशीपुर", 260),
    Centre(563053, "Bajpur", "बाजपुर", 220),
    Centre(563054, "Gadarpur", "गदरपुर", 190),
    Centre(563055, "Jaspur", "जसपुर", 190),
    Centre(563056, "Kichha", "किच्छा", 180),
    Centre(563057, "Sitarganj", "सितारगंज", 200),
    Centre(563058, "Khatima", "खटीमा", 200),
)

"""Which records the server cannot be asked for: their look-up fails again and again, while others go up."""

from __future__ import annotations

from proxy.operations.centre import Centre
from store.record_search import UNSENT_STATES


async def failing(centre: Centre) -> list[int]:
    """Return their numbers, of those that still wait; none where nothing is running that would ask."""
    numbers = sorted(centre.traffic.replayer.look_ups.failing()) if centre.traffic else []
    records = [await centre.journal.get(number) for number in numbers]
    return [record.number for record in records if record is not None and record.state in UNSENT_STATES]

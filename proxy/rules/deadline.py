"""Until when a record has to be confirmed, by the upstream's rule for late entries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final

from proxy.profiles.model import BackEntry

QUARTER_MS: Final = 15 * 60 * 1000
"""A day begins on a quarter of an hour UTC: since 1972 no zone's offset is anything else. All of one quarter have one deadline."""


def deadline_at(recorded_at: int, rule: BackEntry | None, timezone: tzinfo) -> int | None:
    """
    Return the deadline of a record.

    Args:
        recorded_at: When the desk gave it to us, wall-clock milliseconds UTC, by the upstream's clock where ours is known to be wrong: it
            is the upstream that counts the days. Never a date that its body claims.
        rule: The profile's; None where no rule is known.
        timezone: The centre's.

    Returns:
        Wall-clock milliseconds UTC. Of a time of day that comes twice when clocks are put back it is the first; one that is left out when
        they are put forward is told by the clock as it was before (PEP 495, fold=0).
    """
    if rule is None:
        return None
    return _of_quarter(recorded_at // QUARTER_MS, rule, timezone)


@lru_cache(64)
def _of_quarter(quarter: int, rule: BackEntry, timezone: tzinfo) -> int:
    day = datetime.fromtimestamp(quarter * QUARTER_MS / 1000, UTC).astimezone(timezone).date() + timedelta(days=rule.days)
    return int(datetime.combine(day, rule.until, timezone).timestamp()) * 1000

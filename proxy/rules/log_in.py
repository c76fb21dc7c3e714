"""Whether a record that waits for somebody's log-in has waited long enough to say so (DESIGN §8)."""

from __future__ import annotations

from typing import Final

PATIENCE_MS: Final = 30 * 60 * 1000
"""A desk logs in again within the half-hour by itself: its token lives 15 minutes."""

NEAR_MS: Final = 4 * 60 * 60 * 1000
"""Before the deadline by so much somebody has to be found who can log in."""

NEEDS_LOG_IN: Final = "needs log-in"


def needs_log_in(waits_since: int | None, deadline_at: int | None, now: int) -> bool:
    """
    Whether a record without a credential at hand needs a person to log in.

    Args:
        waits_since: Since when nothing but the log-in is missing; None while the server is down.
        deadline_at: Until when the server takes it, if there is such a time.
        now: Now; all three wall-clock milliseconds UTC.
    """
    late = waits_since is not None and now - waits_since >= PATIENCE_MS
    return late or (deadline_at is not None and deadline_at - now < NEAR_MS)

"""When sends ended, by the clock that nobody can set: how long the server may still be working off what it was sent."""

from __future__ import annotations

from proxy.traffic.clock import Clock


class Sends:
    """
    Remembers, for each record whose send may have got through, when that ended; boot seconds.

    What an earlier process sent counts as sent when this one began: its own clock's word may be wrong by then, and waiting `settle` once
    more costs two minutes, where believing a *not there* too early costs a dose counted twice.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began_s = clock.monotonic()
        self._ended_s: dict[int, float] = {}

    def ended(self, number: int) -> None:
        """Note that the latest send of the record *number* ended now."""
        self._ended_s[number] = self._clock.monotonic()

    def last_s(self, number: int) -> float:
        """Return when the latest send of the record *number* ended, as far as we know."""
        return self._ended_s.get(number, self._began_s)

"""When sends ended, by the clock that nobody can set: how long the server may still be working off what it was sent."""

from __future__ import annotations

from proxy.traffic.clock import Clock
from proxy.traffic.latest import Latest


class Sends:
    """
    Remembers, for each record whose send may have got through, when that ended; boot seconds.

    What an earlier process sent counts as sent when this one began: its own clock's word may be wrong by then, and waiting `settle` once
    more costs two minutes, where believing a *not there* too early costs a dose counted twice. Of very many the oldest are forgotten; each
    of these counts as sent when the last of them was.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._forgotten_s = clock.monotonic()
        self._ended_s = Latest[int, float]()

    def ended(self, number: int) -> None:
        """Note that the latest send of the record *number* ended now."""
        forgotten_s = self._ended_s.note(number, self._clock.monotonic())
        if forgotten_s is not None:
            self._forgotten_s = forgotten_s

    def last_s(self, number: int) -> float:
        """Return when the latest send of the record *number* ended, as far as we know."""
        return self._ended_s.get(number, self._forgotten_s)

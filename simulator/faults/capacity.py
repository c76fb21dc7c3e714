"""The server bears so many requests a second; over that it falls over, and needs time to get up."""

from __future__ import annotations

from collections import deque

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt, PrivateAttr

from simulator import clock
from simulator.exchange import Reply
from simulator.faults.fault import RequestFault, Visit
from simulator.faults.gateway_504 import ENDPOINT_TIMED_OUT
from simulator.faults.unavailable_503 import BALANCERS


class Capacity(RequestFault):
    """
    Serves `per_second` requests in any one second; more bring the server down until `recovery_s` seconds have passed without so many.

    Requests that come while it is down count too: who knocks without pause keeps it down. They are answered 503 in a balancer's
    words, or, if `timeout_s` is given, the gateway's 504 after so many seconds.
    """

    per_second: PositiveInt = 50
    recovery_s: PositiveFloat = 10.0
    timeout_s: NonNegativeFloat | None = None

    _arrivals: deque[float] = PrivateAttr(default_factory=deque)
    _up_at: float = PrivateAttr(0.0)

    async def strike(self, visit: Visit) -> Reply | None:
        """Work, or answer as whoever stands in front of a server that is down."""
        await visit.read()
        if not self.overrun(clock.now().monotonic_s):
            return await visit.work()
        if self.timeout_s is None:
            return BALANCERS
        await visit.wait(self.timeout_s)
        return ENDPOINT_TIMED_OUT

    def overrun(self, now: float) -> bool:
        """Count a request that comes at *now*, in monotonic seconds, and tell whether it finds the server down or brings it down."""
        self._arrivals.append(now)
        while self._arrivals[0] <= now - 1:
            self._arrivals.popleft()
        if len(self._arrivals) > self.per_second:
            self._up_at = now + self.recovery_s
        return now < self._up_at

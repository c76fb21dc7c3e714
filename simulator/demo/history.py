"""What happened when, in minutes of the day that is played: what the page draws. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from simulator.demo.evidence import Evidence, Span
from simulator.demo.plan import OPENS_S, Plan

STEP_MIN: Final = 10
"""Minutes of the day that are counted together."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Turns wall-clock milliseconds of the run into minutes from midnight of the day that is played."""

    opened_at: int
    speed: float

    def minute(self, at: int) -> float:
        """Return the minute."""
        return round(self.exactly(at), 1)

    def exactly(self, at: float) -> float:
        """Return the minute with all its parts."""
        return (OPENS_S + (at - self.opened_at) / 1000 * self.speed) / 60

    def span(self, span: Span) -> list[float | None]:
        """Return its two ends; the second is None while it lasts."""
        return [self.minute(span.started_at), None if span.ended_at is None else self.minute(span.ended_at)]


def of_centre(evidence: Evidence, clock: Clock) -> dict[str, Any]:
    """Return what is drawn of a centre: doses given and taken on by the server, in steps; outages on record; when it was dead."""
    given = {one.entry.fact for one in evidence.entered if one.is_given}
    first: dict[tuple[str, int], int] = {}
    for effect in evidence.applied:
        first.setdefault(effect.fact, effect.at)
    return {
        "given": _steps((one.at for one in evidence.entered if one.is_given), clock),
        "taken_on": _steps((at for fact, at in first.items() if fact in given), clock),
        "measured": [clock.span(span) for span in evidence.measured],
        "dead": None if evidence.dead is None else clock.span(evidence.dead),
    }


def of_server(evidence: Evidence, clock: Clock, plan: Plan) -> dict[str, Any]:
    """Return what is drawn of a server: requests that reached it, in steps, and the most in one second once it was back."""
    arrivals = sorted(request.at for request in evidence.received)
    back_at = evidence.down.ended_at or clock.opened_at
    after = arrivals[bisect_left(arrivals, back_at) :]
    return {
        "down": clock.span(evidence.down),
        "requests": _steps(arrivals, clock),
        "step_s": STEP_MIN * 60 / plan.speed,
        "most_in_a_second": max((bisect_left(after, at + 1000) - place for place, at in enumerate(after)), default=0),
    }


def _steps(moments: Iterable[int], clock: Clock) -> list[int]:
    """Return how many moments fall into each step from the opening on."""
    counts = Counter(max(0, int(clock.minute(at) - OPENS_S / 60) // STEP_MIN) for at in moments)
    return [counts[step] for step in range(max(counts, default=-1) + 1)]

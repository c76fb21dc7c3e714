"""What was seen of a run: by the desks, in the server's ledger, on the sidecar's record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simulator.desks import Given


@dataclass(frozen=True, slots=True)
class Applied:
    """A dose that the server took on; the ledger's order is the order in which it did; `at` is wall-clock milliseconds UTC."""

    person: str
    dose: int
    at: int

    @property
    def fact(self) -> tuple[str, int]:
        """What the server knows: person and number of the dose."""
        return self.person, self.dose


@dataclass(frozen=True, slots=True)
class Span:
    """An outage, wall-clock milliseconds UTC; `ended_at` None while it lasts."""

    started_at: int
    ended_at: int | None

    @property
    def seconds(self) -> float:
        """Its length; 0 while it lasts."""
        return 0.0 if self.ended_at is None else (self.ended_at - self.started_at) / 1000

    def covers(self, at: int) -> bool:
        """Tell whether *at* falls in it."""
        return self.started_at <= at and (self.ended_at is None or at < self.ended_at)


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    Everything that was seen.

    `not_recorded` says why, for each time that a desk asked in vain. `states` is the sidecar's word on its records: it can excuse a
    dose that the ledger does not show as kept, never prove one sent.
    `down` is the true outage, from the switching of the faults; `measured` the outages on the sidecar's record.
    """

    given: Sequence[Given]
    not_recorded: Sequence[str]
    longest_wait_s: float
    applied: Sequence[Applied]
    states: Mapping[str, str]
    down: Span
    measured: Sequence[Span]

"""What was seen of a run: by the desks, in the server's ledger, on the sidecar's record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simulator.desks import REGISTRATION, Entered


@dataclass(frozen=True, slots=True)
class Applied:
    """
    A registration or a dose that the server took on; the ledger's order is the order in which it did.

    `who` is the person under whose id it was entered, as the register has them; `number` the desks' own of the entry, None if the
    request bore none; `at` is wall-clock milliseconds UTC.
    """

    who: str
    dose: int
    at: int
    number: int | None

    @property
    def fact(self) -> tuple[str, int]:
        """What the server knows: who, and the number of the dose."""
        return self.who, self.dose

    @property
    def is_dose(self) -> bool:
        """Tell a dose from a registration."""
        return self.dose != REGISTRATION


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came to the server: all bytes of it; `took_effect_unanswered` if the server did what it asked, and did not say so."""

    raw: bytes
    number: int | None
    took_effect_unanswered: bool


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

    `meant` is whom each entry was about, by the desks' number of it. `not_recorded` says why, for each time that a desk asked in
    vain. `states` is the sidecar's word on its records: it can excuse an entry that the ledger does not show as kept, never prove one
    sent. `down` is the true outage, from the switching of the faults; `measured` the outages on the sidecar's record. `repaired` are
    the records that a person corrected.
    """

    entered: Sequence[Entered]
    meant: Mapping[int, str]
    double_taps: int
    not_recorded: Sequence[str]
    longest_wait_s: float
    received: Sequence[Received]
    applied: Sequence[Applied]
    states: Mapping[str, str]
    down: Span
    measured: Sequence[Span]
    repaired: Sequence[str] = ()

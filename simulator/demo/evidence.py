"""What was seen of a day: by the desks, in the server's ledger, on the sidecar's record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from simulator.desks import REGISTRATION, Entered, InVain, Looked


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
    """
    A request as it came to the server: all bytes of it, and when, wall-clock milliseconds UTC.

    `took_effect_unanswered` if the server did what it asked, and did not say so.
    """

    raw: bytes
    at: int
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

    def meets(self, other: Span) -> bool:
        """Tell whether the two have a moment in common."""
        begins_in_time = other.ended_at is None or self.started_at <= other.ended_at
        return begins_in_time and (self.ended_at is None or other.started_at <= self.ended_at)

    def covers(self, at: int) -> bool:
        """Tell whether *at* falls in it."""
        return self.started_at <= at and (self.ended_at is None or at < self.ended_at)


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    Everything that was seen of one centre, or of all.

    `came` are the people who came, `served` those for whom all was done. `meant` is whom each entry was about, by the desks' number
    of it; `in_vain` is each time that a desk asked and was not told that it is recorded, `put_right` what was then corrected at the
    desk. `received` is what came to the server, from whichever centre. `states` is the sidecar's word on its records: it can excuse an
    entry that the ledger does not show as kept, never prove one sent. `down` is the true outage, from the switching of the faults,
    `troubles` the time of each fault, of whatever kind; `measured` the outages on the sidecar's record. `repaired` are the records that
    a person corrected. `dead` is the time in which the sidecar was killed and not back. `looked` is each time that a desk looked somebody
    up, `had` the doses that the server knew of before the day.
    """

    came: int
    served: int
    entered: Sequence[Entered]
    meant: Mapping[int, str]
    double_taps: int
    in_vain: Sequence[InVain]
    put_right: int
    longest_wait_s: float
    received: Sequence[Received]
    applied: Sequence[Applied]
    states: Mapping[str, str]
    down: Span
    troubles: Sequence[Span]
    measured: Sequence[Span]
    repaired: Sequence[str] = ()
    dead: Span | None = None
    looked: Sequence[Looked] = ()
    had: Mapping[str, frozenset[int]] = field(default_factory=dict)


def of_all(centres: Sequence[Evidence], applied: Sequence[Applied]) -> Evidence:
    """Return what was seen of all *centres* of one server, which took on *applied*; outages as the centre has them that is furthest off."""
    down = centres[0].down
    return Evidence(
        came=sum(one.came for one in centres),
        served=sum(one.served for one in centres),
        entered=[entered for one in centres for entered in one.entered],
        meant={number: who for one in centres for number, who in one.meant.items()},
        double_taps=sum(one.double_taps for one in centres),
        in_vain=[vain for one in centres for vain in one.in_vain if one.dead is None or not one.dead.covers(vain.at)],
        put_right=sum(one.put_right for one in centres),
        longest_wait_s=max(one.longest_wait_s for one in centres),
        received=centres[0].received,
        applied=applied,
        states={record: state for one in centres for record, state in one.states.items()},
        down=down,
        troubles=centres[0].troubles,
        measured=max((one.measured for one in centres), key=lambda spans: abs(measured_s(spans, down) - down.seconds)),
        repaired=[record for one in centres for record in one.repaired],
        dead=next((one.dead for one in centres if one.dead is not None), None),
        looked=[looked for one in centres for looked in one.looked if one.dead is None or not one.dead.covers(looked.told_at)],
        had={who: doses for one in centres for who, doses in one.had.items()},
    )


def measured_s(measured: Sequence[Span], down: Span) -> float:
    """Return the length of what was measured of the true outage *down*, from its beginning on record to its end."""
    return round(sum(span.seconds for span in measured if span.meets(down)), 3)

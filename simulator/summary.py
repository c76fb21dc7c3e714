"""What the ledger says in a few figures: kept, once, in order, gentle."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from simulator.exchange import EffectKind
from simulator.ledger import Applied, Ledger, Received


@dataclass(frozen=True, slots=True)
class Summary:
    """
    Figures over the whole ledger.

    A fact is *twice* if it took effect more than once. A write is *out of order* if one that comes later for the same person (a
    higher dose, or a higher number given by the desk) took effect before it.
    """

    received: int
    answered: int
    applied_doses: int
    distinct_doses: int
    doses_twice: int
    registrations: int
    registrations_twice: int
    out_of_order: int
    requests_per_second_max: int

    @property
    def sound(self) -> bool:
        """Whether each fact took effect once and in its order; that none is missing, only who sent them can say."""
        return not (self.doses_twice or self.registrations_twice or self.out_of_order)

    def in_words(self) -> str:
        """Return the figures for a terminal."""
        return (
            f"The ledger: {self.received} requests, {self.answered} answered, at most {self.requests_per_second_max} in one second.\n"
            f"Taken on: {self.registrations} registrations ({self.registrations_twice} people twice), {self.applied_doses} doses of"
            f" {self.distinct_doses} ({self.doses_twice} twice), {self.out_of_order} out of order."
        )


def summarise(ledger: Ledger) -> Summary:
    """Return the figures of *ledger* as it stands."""
    doses = _times_applied(ledger.applied, EffectKind.DOSE)
    registrations = _times_applied(ledger.applied, EffectKind.REGISTRATION)
    return Summary(
        received=len(ledger.received),
        answered=sum(entry.reply is not None for entry in ledger.received),
        applied_doses=doses.total(),
        distinct_doses=len(doses),
        doses_twice=_twice(doses),
        registrations=registrations.total(),
        registrations_twice=_twice(registrations),
        out_of_order=sum(_overtaken(ledger.applied)),
        requests_per_second_max=_busiest_second(ledger.received),
    )


def _times_applied(applied: Iterable[Applied], kind: EffectKind) -> Counter[str]:
    return Counter(entry.effect.key for entry in applied if entry.effect.kind is kind)


def _twice(times: Counter[str]) -> int:
    return sum(count > 1 for count in times.values())


def _overtaken(applied: Iterable[Applied]) -> Iterator[bool]:
    """Yield, for each fact when it first took effect, whether a later one of its person already had."""
    seen: set[tuple[EffectKind, str]] = set()
    latest_dose: dict[str, int] = {}
    latest_order: dict[str, int] = {}
    for entry in applied:
        effect = entry.effect
        if (effect.kind, effect.key) in seen:
            continue
        seen.add((effect.kind, effect.key))
        by_dose = _behind(latest_dose, effect.person, effect.dose)
        by_order = _behind(latest_order, effect.person, entry.order)
        yield by_dose or by_order


def _behind(latest: dict[str, int], person: str, place: int | None) -> bool:
    if place is None:
        return False
    before = latest.get(person, place)
    latest[person] = max(before, place)
    return place < before


def _busiest_second(received: Sequence[Received]) -> int:
    """Return the most requests that came within any one second, wherever it starts."""
    window: deque[float] = deque()
    most = 0
    for entry in received:
        window.append(entry.moment.monotonic_s)
        while window[0] <= entry.moment.monotonic_s - 1:
            window.popleft()
        most = max(most, len(window))
    return most

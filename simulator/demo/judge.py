"""The judge: what the server's own ledger says of the doses that the desks gave. Pure; the sidecar's figures are not asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from simulator.demo.evidence import Applied, Evidence
from simulator.desks import Given

HELD: Final = "held"
UNSENT: Final = frozenset({"pending", "sending", "unknown"})


@dataclass(frozen=True, slots=True)
class Limits:
    """What is promised: the longest wait of a desk, and how far a measured outage may be from the true one; seconds."""

    wait_s: float
    outage_off_s: float


@dataclass(frozen=True, slots=True)
class Result:
    """
    The figures; durations in seconds.

    `held` counts the records that wait for a person, `behind_held` those that wait for such a one of the same person. `drained_after_s`
    is the time from the server's return to the last dose that it took on of those given before: None while any is `waiting`.
    """

    doses_given: int
    given_in_outage: int
    not_recorded: Mapping[str, int]
    longest_wait_s: float
    lost: int
    twice: int
    out_of_order: int
    held: int
    behind_held: int
    waiting: int
    outage_true_s: float
    outage_measured_s: float
    outages_running: int
    drained_after_s: float | None
    broken: tuple[str, ...] = ()


def judge(evidence: Evidence, limits: Limits) -> Result:
    """Return the figures of *evidence*, with a sentence for each guarantee that it shows broken."""
    result = _figures(evidence)
    return replace(result, broken=tuple(_broken(result, limits)))


def missing(given: Sequence[Given], applied: Sequence[Applied]) -> list[Given]:
    """Return the doses given that the server has not taken on."""
    there = {dose.fact for dose in applied}
    return [dose for dose in given if dose.fact not in there]


def still_waiting(given: Sequence[Given], applied: Sequence[Applied], states: Mapping[str, str]) -> list[Given]:
    """Return the doses that are kept and have to be sent yet, without those that wait for a person's decision."""
    blocked = _people_held(given, states)
    return [dose for dose in missing(given, applied) if states.get(dose.record) in UNSENT and dose.person not in blocked]


def _figures(evidence: Evidence) -> Result:
    given, applied, states = evidence.given, evidence.applied, evidence.states
    absent = missing(given, applied)
    waiting = still_waiting(given, applied, states)
    return Result(
        doses_given=len(given),
        given_in_outage=sum(evidence.down.covers(dose.at) for dose in given),
        not_recorded=Counter(evidence.not_recorded),
        longest_wait_s=round(evidence.longest_wait_s, 3),
        lost=sum(states.get(dose.record) not in UNSENT | {HELD} for dose in absent),
        twice=sum(times > 1 for times in Counter(dose.fact for dose in applied).values()),
        out_of_order=_overtaken(given, applied),
        held=sum(states.get(dose.record) == HELD for dose in given),
        behind_held=sum(states.get(dose.record) in UNSENT for dose in absent) - len(waiting),
        waiting=len(waiting),
        outage_true_s=evidence.down.seconds,
        outage_measured_s=round(sum(span.seconds for span in evidence.measured), 3),
        outages_running=sum(span.ended_at is None for span in evidence.measured),
        drained_after_s=None if waiting else _drained_after_s(evidence),
    )


def _people_held(given: Sequence[Given], states: Mapping[str, str]) -> set[str]:
    return {dose.person for dose in given if states.get(dose.record) == HELD}


def _overtaken(given: Sequence[Given], applied: Sequence[Applied]) -> int:
    """Count the doses that the server took on after one of the same person that was given later."""
    place = {dose.fact: number for number, dose in enumerate(given)}
    latest: dict[str, int] = {}
    count = 0
    for fact in dict.fromkeys(dose.fact for dose in applied):
        if fact in place:
            before = latest.get(fact[0], place[fact])
            count += place[fact] < before
            latest[fact[0]] = max(place[fact], before)
    return count


def _drained_after_s(evidence: Evidence) -> float | None:
    back_at = evidence.down.ended_at
    if back_at is None:
        return None
    before = {dose.fact for dose in evidence.given if dose.at < back_at}
    taken_on = (dose.at for dose in evidence.applied if dose.fact in before)
    return max(0, max(taken_on, default=back_at) - back_at) / 1000


def _broken(result: Result, limits: Limits) -> Iterator[str]:
    if result.lost:
        yield f"lost: {result.lost} of the doses that desks were told are recorded are neither in the server's ledger nor kept"
    if result.twice:
        yield f"twice: {result.twice} doses took effect more than once"
    if result.out_of_order:
        yield f"order: {result.out_of_order} doses took effect after one of the same person that was given later"
    if result.waiting:
        yield f"drained: {result.waiting} doses are still to be sent although the server is back"
    if result.not_recorded:
        reasons = ", ".join(f"{times} × {reason}" for reason, times in result.not_recorded.items())
        yield f"recorded: desks asked in vain: {reasons}"
    if result.longest_wait_s > limits.wait_s:
        yield f"wait: a desk waited {result.longest_wait_s:.1f} s for its answer, over {limits.wait_s:.1f} s"
    yield from _mismeasured(result, limits)


def _mismeasured(result: Result, limits: Limits) -> Iterator[str]:
    if result.outages_running:
        yield "measured: an outage is still running on the sidecar's record although the server is back"
    elif abs(result.outage_measured_s - result.outage_true_s) > limits.outage_off_s:
        yield (
            f"measured: the outage took {result.outage_true_s:.1f} s and {result.outage_measured_s:.1f} s are on record, "
            f"over {limits.outage_off_s:.1f} s off"
        )

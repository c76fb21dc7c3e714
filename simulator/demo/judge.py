"""The judge: what the server's own ledger says of what the desks entered. Pure; the sidecar's figures are not asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Final

from simulator.demo.evidence import Applied, Evidence, measured_s
from simulator.demo.guarantees import broken
from simulator.demo.result import Limits, Result
from simulator.desks import Entered

SECOND: Final = 2
HELD: Final = "held"
DELIVERED: Final = "delivered"
UNSENT: Final = frozenset({"pending", "sending", "unknown"})


def judge(evidence: Evidence, limits: Limits) -> Result:
    """Return the figures of *evidence*, with a sentence for each guarantee that it shows broken."""
    result = _figures(evidence)
    return replace(result, broken=tuple(broken(result, limits)))


def unjudged(evidence: Evidence) -> Result:
    """Return the figures of a day on which nothing is promised."""
    return _figures(evidence)


def missing(entered: Sequence[Entered], applied: Sequence[Applied]) -> list[Entered]:
    """Return what the desks entered and the server has not taken on."""
    there = {effect.fact for effect in applied}
    return [one for one in entered if one.entry.fact not in there]


def still_waiting(entered: Sequence[Entered], applied: Sequence[Applied], states: Mapping[str, str]) -> list[Entered]:
    """Return what is kept and has to be sent yet, without what waits for a person's decision."""
    blocked = {one.entry.who for one in entered if states.get(one.record) == HELD}
    return [one for one in missing(entered, applied) if states.get(one.record) in UNSENT and one.entry.who not in blocked]


def _figures(evidence: Evidence) -> Result:
    entered, applied, states = evidence.entered, evidence.applied, evidence.states
    given = [one for one in entered if one.is_given]
    new = [one for one in entered if not one.is_dose]
    absent = missing(entered, applied)
    waiting = still_waiting(entered, applied, states)
    looked = [one for one in evidence.looked if evidence.dead is None or not evidence.dead.covers(one.told_at)]
    in_outage = [one for one in looked if evidence.down.covers(one.at) and evidence.down.covers(one.told_at)]
    ages = [one.age_s for one in in_outage if one.age_s is not None]
    unanswered = {one.number for one in evidence.received if one.took_effect_unanswered and one.number in evidence.meant}
    return Result(
        came=evidence.came,
        sent_home=evidence.came - evidence.served,
        walk_ins=len(new),
        walk_ins_provisional=sum(not one.confirmed for one in new),
        doses_given=len(given),
        second_doses=sum(one.entry.dose == SECOND for one in given),
        given_in_outage=sum(evidence.down.covers(one.asked_at) and evidence.down.covers(one.at) for one in given),
        double_taps=evidence.double_taps,
        not_recorded=dict(Counter(one.why for one in evidence.in_vain if evidence.dead is None or not evidence.dead.covers(one.at))),
        put_right=evidence.put_right,
        look_ups=len(looked),
        look_ups_in_vain=sum(one.shown is None for one in looked),
        look_ups_in_outage=len(in_outage),
        look_ups_answered_in_outage=sum(one.shown is not None for one in in_outage),
        look_up_age_median_s=median(ages) if ages else None,
        look_up_age_max_s=max(ages, default=None),
        look_ups_wrong=_wrongly_shown(evidence),
        longest_wait_s=round(evidence.longest_wait_s, 3),
        dead_s=0.0 if evidence.dead is None else evidence.dead.seconds,
        lost=sum(states.get(one.record) not in UNSENT | {HELD} for one in absent),
        twice=_more_than_once(effect.fact for effect in applied if effect.is_dose),
        registered_twice=_more_than_once(effect.fact for effect in applied if not effect.is_dose),
        wrong_person=sum(effect.number is None or evidence.meant.get(effect.number) != effect.who for effect in applied),
        out_of_order=_overtaken(entered, applied),
        ids_leaked=_leaked(evidence),
        answers_lost=len(unanswered),
        never_known=sum(one.entry.number in unanswered and states.get(one.record) != DELIVERED for one in entered),
        repaired=len(evidence.repaired),
        held=sum(states.get(one.record) == HELD for one in entered),
        behind_held=sum(states.get(one.record) in UNSENT for one in absent) - len(waiting),
        waiting=len(waiting),
        outage_true_s=evidence.down.seconds,
        outage_measured_s=measured_s(evidence.measured, evidence.down),
        outages_invented=sum(not any(span.meets(trouble) for trouble in evidence.troubles) for span in evidence.measured),
        outages_running=sum(span.ended_at is None for span in evidence.measured),
        drained_after_s=None if waiting else _drained_after_s(evidence),
    )


def _more_than_once(facts: Iterable[tuple[str, int]]) -> int:
    return sum(times > 1 for times in Counter(facts).values())


def _overtaken(entered: Sequence[Entered], applied: Sequence[Applied]) -> int:
    """Count what the server took on after an entry of the same person that was made later."""
    place = {one.entry.fact: number for number, one in enumerate(entered)}
    latest: dict[str, int] = {}
    count = 0
    for fact in dict.fromkeys(effect.fact for effect in applied):
        if fact in place:
            before = latest.get(fact[0], place[fact])
            count += place[fact] < before
            latest[fact[0]] = max(place[fact], before)
    return count


def _wrongly_shown(evidence: Evidence) -> int:
    """Count the answers that differ from what the server would have said with all that desks had been told is recorded."""
    doses: dict[str, list[Entered]] = {}
    for one in evidence.entered:
        if one.is_dose:
            doses.setdefault(one.entry.who, []).append(one)
    count = 0
    for looked in evidence.looked:
        if looked.shown is not None:
            there = evidence.had.get(looked.who, frozenset()) | {one.entry.dose for one in doses.get(looked.who, ()) if one.at < looked.at}
            meanwhile = {one.entry.dose for one in doses.get(looked.who, ()) if one.asked_at <= looked.told_at}
            count += not there <= looked.shown <= there | meanwhile | {looked.tried}
    return count


def _leaked(evidence: Evidence) -> int:
    """Count the provisional ids that stand anywhere in what the server received."""
    provisional = [one.issued for one in evidence.entered if one.issued and not one.confirmed]
    if not provisional:
        return 0
    received = b"\n".join(request.raw for request in evidence.received)
    # A centre's all begin alike: where the beginning is not, none of them is.
    beginning = provisional[0][: next((place for place, signs in enumerate(zip(*provisional, strict=False)) if len({*signs}) > 1), None)]
    if beginning.encode() not in received:
        return 0
    return sum(one.encode() in received for one in provisional)


def _drained_after_s(evidence: Evidence) -> float | None:
    back_at = evidence.down.ended_at
    if back_at is None:
        return None
    by_hand = {one.entry.who for one in evidence.entered if one.record in evidence.repaired}
    before = {one.entry.fact for one in evidence.entered if one.at < back_at and one.entry.who not in by_hand}
    taken_on = (effect.at for effect in evidence.applied if effect.fact in before)
    return max(0, max(taken_on, default=back_at) - back_at) / 1000

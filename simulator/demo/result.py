"""The figures of a run, and what they are held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What is promised: the longest wait of a desk, and how far a measured outage may be from the true one; seconds."""

    wait_s: float
    outage_off_s: float


@dataclass(frozen=True, slots=True)
class Result:
    """
    The figures of one centre, or of all; durations in seconds.

    `came` are the people who came, `sent_home` those of them for whom not all was done. `walk_ins` are those whom desks were told are
    registered, `walk_ins_provisional` those among them who were given a provisional id. `not_recorded` counts, by why, the times that a
    desk asked in vain, without those while the sidecar was dead: `dead_s`. `answers_lost` counts the entries that took effect without the
    sidecar, or the desk, being told, `never_known` those of them of which the sidecar does not know so at the end. `held` counts the
    records that wait for a person, `behind_held` those that wait for such a one of the same person. `outages_invented` are on record for a
    time without any fault. `look_ups_in_outage` began and ended in it; the ages are what the answered ones of them said, None if none said
    any. `look_ups_in_vain` are all without an answer, `look_ups_wrong` all whose answer showed somebody else, lacked a dose that the server
    had or a desk was told is recorded, or had one that is neither. `drained_after_s` is the time from the server's return to the last entry
    that it took on of those made before, without those of people whose record was repaired: None while any is `waiting`.
    """

    came: int
    sent_home: int
    walk_ins: int
    walk_ins_provisional: int
    doses_given: int
    second_doses: int
    given_in_outage: int
    double_taps: int
    not_recorded: Mapping[str, int]
    put_right: int
    look_ups: int
    look_ups_in_vain: int
    look_ups_in_outage: int
    look_ups_answered_in_outage: int
    look_up_age_median_s: float | None
    look_up_age_max_s: float | None
    look_ups_wrong: int
    longest_wait_s: float
    dead_s: float
    lost: int
    twice: int
    registered_twice: int
    wrong_person: int
    out_of_order: int
    ids_leaked: int
    answers_lost: int
    never_known: int
    repaired: int
    held: int
    behind_held: int
    waiting: int
    outage_true_s: float
    outage_measured_s: float
    outages_invented: int
    outages_running: int
    drained_after_s: float | None
    broken: tuple[str, ...] = ()

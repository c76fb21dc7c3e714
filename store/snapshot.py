"""Everything durable that metrics and `status` tell, read in one transaction so that the figures agree with each other."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from store.audit import ACTIONS_TOTAL
from store.new_rows import RECORDED_TOTAL
from store.operator_hold import OperatorHold, operator_hold
from store.outage_ledger import as_outages
from store.outages import Outage
from store.queries import Db, rows
from store.record_ledger import DELAY_BOUNDS_S, SENDS_TOTAL
from store.record_search import counts, next_deadline_at, oldest_unsent_at, past_deadline
from store.records import RecordState
from store.rescue import Rescue, rescues
from store.salvage import QUARANTINED

DURATION_BOUNDS_S: Final = (10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0, 43200.0, 86400.0)
"""Upper bounds of the outage durations' buckets; one more, without bound, follows."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Upper bounds in seconds, how many lie in each bucket (not cumulative; the last count is of those above all bounds), and their sum."""

    bounds_s: tuple[float, ...]
    counts: tuple[int, ...]
    sum_s: float


@dataclass(frozen=True, slots=True)
class GroupOutages:
    """
    The outages of one group; times are wall-clock milliseconds UTC.

    `seconds_total` counts a running outage up to its last failure seen. `durations` has the outages whose end has held.
    """

    total: int
    seconds_total: float
    durations: Histogram
    last_start_at: int
    last_end_at: int | None
    running: Outage | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The journal's durable figures; times are wall-clock milliseconds UTC. A group that never was out is not among `outages`."""

    records: Mapping[RecordState, int]
    recorded_total: Mapping[str, int]
    sends_total: Mapping[str, int]
    delivery_delay: Histogram
    oldest_unsent_at: int | None
    outages: Mapping[str, GroupOutages]
    hold: OperatorHold | None
    journal_size_bytes: int
    next_deadline_at: int | None = None
    past_deadline: int = 0
    operator_actions_total: Mapping[str, int] = field(default_factory=dict)
    quarantined: int = 0
    rescues: Sequence[Rescue] = ()


def snapshot(db: Db, now: int, end_holds: Callable[[Outage], bool], journal_size_bytes: int) -> Snapshot:
    """Read all figures; the caller's read transaction makes them one state of the journal."""
    counters = rows(db, "counters")
    return Snapshot(
        records=counts(db),
        recorded_total={label: total for name, label, total in counters if name == RECORDED_TOTAL},
        sends_total={label: total for name, label, total in counters if name == SENDS_TOTAL},
        delivery_delay=_delivery_delay(db),
        oldest_unsent_at=oldest_unsent_at(db),
        outages=_by_group(as_outages(rows(db, "all_outages")), end_holds),
        hold=operator_hold(db),
        journal_size_bytes=journal_size_bytes,
        next_deadline_at=next_deadline_at(db, now),
        past_deadline=past_deadline(db, now),
        operator_actions_total={label: total for name, label, total in counters if name == ACTIONS_TOTAL},
        quarantined=sum(total for name, _, total in counters if name == QUARANTINED),
        rescues=rescues(db),
    )


def _delivery_delay(db: Db) -> Histogram:
    found = {bound_s: (records, sum_ms) for bound_s, records, sum_ms in rows(db, "delays")}
    buckets = [found.get(bound_s, (0, 0)) for bound_s in (*DELAY_BOUNDS_S, float("inf"))]
    return Histogram(DELAY_BOUNDS_S, tuple(records for records, _ in buckets), sum(sum_ms for _, sum_ms in buckets) / 1000)


def _by_group(outages: Sequence[Outage], end_holds: Callable[[Outage], bool]) -> dict[str, GroupOutages]:
    by_group = sorted(outages, key=lambda outage: (outage.group, outage.id))
    return {group: _group(list(own), end_holds) for group, own in groupby(by_group, key=lambda outage: outage.group)}


def _group(own: Sequence[Outage], end_holds: Callable[[Outage], bool]) -> GroupOutages:
    ends = [outage.ended_at for outage in own if outage.ended_at is not None]
    held = [outage for outage in own if outage is not own[-1] or end_holds(outage)]  # only the last can come back
    return GroupOutages(
        total=len(own),
        seconds_total=sum(map(_duration_s, own)),
        durations=_durations([_duration_s(outage) for outage in held]),
        last_start_at=own[-1].started_at,  # not the greatest: the clock may have been ahead for an older one
        last_end_at=ends[-1] if ends else None,
        running=next((outage for outage in own if outage.ended_at is None), None),
    )


def _duration_s(outage: Outage) -> float:
    end = outage.last_bad_at if outage.ended_at is None else outage.ended_at
    return (end - outage.started_at) / 1000


def _durations(durations_s: Sequence[float]) -> Histogram:
    counts_ = [0] * (len(DURATION_BOUNDS_S) + 1)
    for duration_s in durations_s:
        counts_[bisect_left(DURATION_BOUNDS_S, duration_s)] += 1
    return Histogram(DURATION_BOUNDS_S, tuple(counts_), sum(durations_s))

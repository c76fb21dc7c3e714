"""Asks the upstream whether it has a record's fact, before what may have got through is sent again."""

from __future__ import annotations

import logging
import math
import random
from dataclasses import dataclass, field
from typing import Final, assert_never

from proxy.profiles.model import LookUp
from proxy.rules.backoff import RECORD, delay_s, interval_s
from proxy.rules.circuit import Phase
from proxy.rules.look_up import Finding, Found, Unsent, judge, needs_look_up, question, settle_left_s
from proxy.rules.outcome import classify
from proxy.traffic.active_profile import ActiveProfile
from proxy.traffic.circuits import Circuits, Permit
from proxy.traffic.clock import Clock
from proxy.traffic.clock_watch import ClockWatch
from proxy.traffic.credentials import Credentials
from proxy.traffic.latest import Latest
from proxy.traffic.meters import Meters
from proxy.traffic.persons import Persons
from proxy.traffic.retry import until_kept
from proxy.traffic.sends import Sends
from proxy.traffic.upstream import Outgoing, Upstream
from store.journal import Journal
from store.records import Record, RecordState, Settlement

log = logging.getLogger(__name__)

AGAIN_AFTER_S: Final = 5.0
"""Wait after a look-up whose failure is not the record's: it held nothing, and is asked again."""

TOLD_AFTER: Final = 5
"""Look-ups of one record that failed in a row after which somebody is told: 37 s on the average, 75 s at most."""

HARMLESS: Final = Finding(Found.NOT_THERE, "not looked up: may be sent twice")
"""Whether it is there does not matter; it is sent again when the upstream can no longer be working off what it was sent before."""
NO_LOG_IN: Final = Finding(Found.FAILED, "no log-in at hand")

IMPOSSIBLE: Final = Finding(Found.AMBIGUOUS, "cannot be looked up")


@dataclass(frozen=True, slots=True)
class LookUps:
    """
    Look-ups of records that wait.

    `settle_s` is how long the upstream may work off unseen what it was sent, None for the profile's figure; `after_s` the age from
    which a record may have been entered by hand.
    """

    profile: ActiveProfile
    journal: Journal
    persons: Persons
    upstream: Upstream
    circuits: Circuits
    credentials: Credentials
    meters: Meters
    clock: Clock
    watch: ClockWatch
    sends: Sends
    settle_s: float | None
    after_s: float
    within_s: float
    _failed: Latest[int, int] = field(default_factory=Latest)
    """How often in a row the look-up of a record has failed by what may be its own fault; a restart asks at once."""

    def possible(self, route_name: str) -> bool:
        """Whether records of this route can be looked up at all."""
        route = self.profile.route(route_name)
        return route is not None and (route.look_up is not None or route.idempotent is not None)

    async def needed(self, record: Record) -> bool:
        """Whether *record* has to be looked up before it is sent."""
        route = self.profile.route(record.route)
        if route is not None and await self._may_be_repeated(record):
            return False
        if route is None or route.look_up is None:
            return record.maybe_applied  # it cannot be, and is held again unless a person vouches that no send got through
        restored = self.journal.restored
        unsent = Unsent(
            recorded_at=record.recorded_at,
            maybe_applied=record.state is RecordState.UNKNOWN or record.maybe_applied,
            issues_id=route.issues is not None,
            adopted=await self.persons.any_adopted(record),
            exported_at=record.exported_at,
            restored=restored is not None and record.number <= restored.last_number,
            looked_up_at=record.looked_up_at,
            clock_doubtful=record.clock_doubt is not None or self.watch.doubt() is not None,
        )
        return needs_look_up(unsent, self.clock.wall(), self.after_s)

    def wait_max_s(self) -> float:
        """Return the longest that any record waits for its look-up now: a due time further ahead comes from a clock that jumped."""
        return max(AGAIN_AFTER_S, self._settle_s(), *(interval_s(times, RECORD) for times in self._failed.values()))

    def failing(self) -> frozenset[int]:
        """Return the numbers of the records whose look-up fails again and again, so that somebody is to be told."""
        return frozenset(number for number, times in self._failed.items() if times >= TOLD_AFTER)

    def _settle_s(self) -> float:
        return self.profile.profile.pacing.settle if self.settle_s is None else self.settle_s

    async def attempt(self, record: Record, permit: Permit) -> Finding:
        """Look *record* up once, unless it may be sent twice, and settle what that decides."""
        harmless = await self._may_be_repeated(record)
        if harmless:
            self.circuits.unused(permit)
        finding = HARMLESS if harmless else await self.find(record, permit)
        again_s = self._again_s(record, finding)
        settled = await until_kept(lambda: self._settle(record, finding, again_s), first_failure=lambda: None)
        # Where it was edited or exported meanwhile, what was found is not about what it is now: it is looked up again.
        found = {"found": finding.found.value, "out_of_date": not settled}
        log.info("looked up", extra={"action": "look_up", "number": record.number} | found)
        return finding

    async def find(self, record: Record, permit: Permit) -> Finding:
        """Ask whether the upstream has *record*, and change nothing."""
        route = self.profile.route(record.route)
        going_up = await self.persons.going_up(record)
        if route is None or route.look_up is None or going_up is None:
            self.circuits.unused(permit)
            return IMPOSSIBLE
        view = self.persons.view(record, *going_up)
        asked = question(route.look_up, view)
        if asked is None:
            self.circuits.unused(permit)
            return IMPOSSIBLE
        return await self._ask(route.look_up, asked, view, record, permit)

    async def _may_be_repeated(self, record: Record) -> bool:
        route = self.profile.route(record.route)
        if route is None or route.idempotent is None or (going_up := await self.persons.going_up(record)) is None:
            return False
        return route.idempotent.holds({"request": self.persons.view(record, *going_up)})

    async def _ask(self, look_up: LookUp, asked: str, view: dict[str, object], record: Record, permit: Permit) -> Finding:
        held = self.credentials.held_for(record.principal)
        if held is None and record.principal is not None:
            self.circuits.unused(permit)
            return NO_LOG_IN
        outgoing = Outgoing("GET", self.upstream.prefix + asked, self.credentials.fields_with(held))
        asked_s = self.clock.monotonic()
        exchange = await self.upstream.ask(outgoing, self.within_s)
        outcome = classify(exchange, self.profile.profile.answers_of_look_up(look_up), self.profile.code_member, self.clock.aware())
        self.watch.hear(exchange, outcome.kind, asked_s)
        finding = judge(look_up, view, exchange, outcome)
        in_force = self.circuits.watched(permit.group).circuit.phase in (Phase.CLOSED, Phase.SUSPECT)
        if finding.own and in_force and record.number in self.failing():
            self.circuits.unused(permit)  # what always fails says no more of the server: three of them would be an outage for everybody
        else:
            self.circuits.observe(permit, outcome, self.credentials.judged(held, outcome.kind, permit.lane, shows=False))
        self.meters.upstream_requests.labels(outcome.kind.value).inc()
        return finding

    def _again_s(self, record: Record, finding: Finding) -> float:
        """
        Return how long it waits after a look-up that failed.

        Its back-off grows with failures that can be its own. What fails in an outage is the server's, and is not counted: it would
        keep the record waiting when the server is back.
        """
        if finding.found is not Found.FAILED:
            self._failed.pop(record.number, None)
            return 0.0
        if not finding.own or self.circuits.watched(record.group).circuit.phase is Phase.OPEN:
            return AGAIN_AFTER_S
        times = self._failed.get(record.number, 0) + 1
        self._failed.note(record.number, times)
        if times == TOLD_AFTER:
            extra = {"action": "look_up_fails", "number": record.number, "times": times, "reason": finding.reason}
            log.warning("the server fails again and again when it is asked for a record", extra=extra)
        return delay_s(times, random.random())  # noqa: S311 - spreads retries, keeps no secret

    async def _settle(self, record: Record, finding: Finding, again_s: float) -> bool:
        """Write what was found; False where the record is no longer as it was when that was asked."""
        now = self.clock.wall()
        match finding.found:
            case Found.THERE:
                # Of somebody whom no send of ours can have registered: then others may have entered the doses too.
                learnt = self.persons.learnt(record, finding.real_id, adopted=record.attempt == 0 or not record.maybe_applied)
                there = Settlement(RecordState.DELIVERED, None, finding.reason)
                return await self.journal.move(record.number, record.state, there, now, learnt=learnt, seen=record)
            case Found.OTHER_CONTENT | Found.AMBIGUOUS:
                held = Settlement(RecordState.HELD, None, finding.reason, maybe_applied=record.maybe_applied)
                return await self.journal.move(record.number, record.state, held, now, seen=record)
            case Found.NOT_THERE:
                return await self._not_there(record, now, asked=finding is not HARMLESS)
            case Found.FAILED:
                return await self.journal.postpone(record.number, record.state, now + int(again_s * 1000))
            case _:
                assert_never(finding.found)

    async def _not_there(self, record: Record, now: int, *, asked: bool) -> bool:
        # Where nobody asked, a send may have got through as before: who edits or discards it has to know.
        free = Settlement(RecordState.PENDING, None, record.reason, looked_up=asked, cleared=asked)
        left_s = self._settle_left_s(record)
        if left_s <= 0:
            return await self.journal.move(record.number, record.state, free, now, seen=record)
        return await self.journal.postpone(record.number, record.state, now + math.ceil(left_s * 1000))

    def _settle_left_s(self, record: Record) -> float:
        if record.attempt == 0 or not record.maybe_applied:
            return 0.0  # the server is working off nothing that was sent from here
        out_s = self.circuits.last_out_s(record.group)
        return settle_left_s(self.sends.last_s(record.number), out_s, self._settle_s(), self.clock.monotonic())

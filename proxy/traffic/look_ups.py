"""Asks the upstream whether it has a record's fact, before what may have got through is sent again."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final, assert_never

from proxy.profiles.model import LookUp
from proxy.rules.look_up import Finding, Found, Unsent, judge, needs_look_up, question, settled_at
from proxy.rules.outcome import classify
from proxy.traffic.active_profile import ActiveProfile
from proxy.traffic.circuits import Circuits, Permit
from proxy.traffic.clock import Clock
from proxy.traffic.credentials import Credentials
from proxy.traffic.meters import Meters
from proxy.traffic.persons import Persons
from proxy.traffic.retry import until_kept
from proxy.traffic.upstream import Outgoing, Upstream
from store.journal import Journal
from store.records import Record, RecordState, Settlement

log = logging.getLogger(__name__)

AGAIN_AFTER_S: Final = 5.0
"""Wait after a look-up that failed while the circuit stood: it held nothing, and is asked again."""

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
    settle_s: float | None
    after_s: float
    within_s: float

    def possible(self, route_name: str) -> bool:
        """Whether records of this route can be looked up at all."""
        route = self.profile.route(route_name)
        return route is not None and route.look_up is not None

    async def needed(self, record: Record) -> bool:
        """Whether *record* has to be looked up before it is sent."""
        route = self.profile.route(record.route)
        if route is None or route.look_up is None:
            return False
        unsent = Unsent(
            recorded_at=record.recorded_at,
            maybe_applied=record.state is RecordState.UNKNOWN or record.maybe_applied,
            issues_id=route.issues is not None,
            adopted=await self.persons.any_adopted(record),
            exported_at=record.exported_at,
            looked_up_at=record.looked_up_at,
        )
        return needs_look_up(unsent, self.clock.wall(), self.after_s)

    async def attempt(self, record: Record, permit: Permit) -> Finding:
        """Look *record* up once, and settle what that decides."""
        finding = await self.find(record, permit)
        await until_kept(lambda: self._settle(record, finding), first_failure=lambda: None)
        log.info("looked up", extra={"action": "look_up", "number": record.number, "found": finding.found.value})
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

    async def _ask(self, look_up: LookUp, asked: str, view: dict[str, object], record: Record, permit: Permit) -> Finding:
        held = self.credentials.held_for(record.principal)
        if held is None and record.principal is not None:
            self.circuits.unused(permit)
            return NO_LOG_IN
        outgoing = Outgoing("GET", self.upstream.prefix + asked, self.credentials.fields_with(held))
        exchange = await self.upstream.ask(outgoing, self.within_s)
        outcome = classify(exchange, self.profile.profile.answers_of_look_up(look_up), self.profile.code_member, self.clock.aware())
        self.circuits.observe(permit, outcome, self.credentials.judged(held, outcome.kind, permit.lane, shows=False))
        self.meters.upstream_requests.labels(outcome.kind.value).inc()
        return judge(look_up, view, exchange, outcome)

    async def _settle(self, record: Record, finding: Finding) -> None:
        now = self.clock.wall()
        match finding.found:
            case Found.THERE:
                learnt = self.persons.learnt(record, finding.real_id, adopted=record.attempt == 0)
                await self.journal.move(
                    record.number, record.state, Settlement(RecordState.DELIVERED, None, finding.reason), now, learnt=learnt
                )
            case Found.OTHER_CONTENT | Found.AMBIGUOUS:
                held = Settlement(RecordState.HELD, None, finding.reason, maybe_applied=record.maybe_applied)
                await self.journal.move(record.number, record.state, held, now)
            case Found.NOT_THERE:
                await self._not_there(record, now)
            case Found.FAILED:
                await self.journal.postpone(record.number, record.state, now + int(AGAIN_AFTER_S * 1000), now)
            case _:
                assert_never(finding.found)

    async def _not_there(self, record: Record, now: int) -> None:
        free = Settlement(RecordState.PENDING, None, record.reason, looked_up=True, cleared=True)
        if record.state is not RecordState.UNKNOWN:
            await self.journal.postpone(record.number, record.state, 0, now, looked_up=True)
            return
        ended_at = await self.journal.running_or_last_outage_end(record.group)
        settle_s = self.profile.profile.pacing.settle if self.settle_s is None else self.settle_s
        believed_at = settled_at(record.last_sent_at or record.recorded_at, ended_at, settle_s, now)
        if now >= believed_at:
            await self.journal.move(record.number, record.state, free, now)
        else:
            await self.journal.postpone(record.number, record.state, believed_at, now)

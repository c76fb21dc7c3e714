"""One journalled attempt: a record that stands as `sending` goes out once, and what came of it is settled."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from proxy.profiles.model import IfRefused
from proxy.rules.backoff import delay_s
from proxy.rules.fields import from_block, overlaid, readable_codings, to_block, with_length, with_missing
from proxy.rules.identity import issued_id
from proxy.rules.outcome import Outcome, OutcomeKind, classify, failed, view_of
from proxy.rules.receipt import declared_fields
from proxy.rules.settlement import Sent, Told, settlement
from proxy.rules.wire import Answer, Exchange, Failure, FailureKind, Fields
from proxy.traffic.active_profile import ActiveProfile
from proxy.traffic.budget import Budget
from proxy.traffic.circuits import Circuits, Permit
from proxy.traffic.clock import Clock
from proxy.traffic.clock_watch import ClockWatch
from proxy.traffic.credentials import Credentials, Held
from proxy.traffic.desk import Desk
from proxy.traffic.meters import Meters
from proxy.traffic.persons import Persons
from proxy.traffic.retry import until_kept
from proxy.traffic.sends import Sends
from proxy.traffic.trials import Trials
from proxy.traffic.upstream import Outgoing, Upstream
from store.identities import Learnt
from store.journal import Journal
from store.records import Record, RecordState, Settlement, StoredAnswer

log = logging.getLogger(__name__)


SETTLING_S: Final = 0.5
"""A desk that is told a refusal waits so long, at most, for it to be on disk: a disk that hangs must not keep it waiting (G7)."""

UNTRANSLATED: Final = Settlement(RecordState.HELD, outcome=None, reason="provisional-id")
"""The record names a person whose real id is not known, although nothing older of theirs waits: a person decides."""

NOBODYS: Final = Settlement(RecordState.REFUSED, outcome=None, reason="nobody vouches for it")
"""Whoever sent it was told that nothing was recorded."""

LOG_IN_LOST: Final = Settlement(RecordState.PENDING, outcome=None, reason="log-in is over")
"""The client's credential ended between the look and the send: the record waits for the next one."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends records; live traffic and replay share it, so that one attempt means the same in both."""

    profile: ActiveProfile
    journal: Journal
    persons: Persons
    upstream: Upstream
    circuits: Circuits
    credentials: Credentials
    budget: Budget
    trials: Trials
    meters: Meters
    clock: Clock
    watch: ClockWatch
    sends: Sends
    in_hand: set[int] = field(default_factory=set)
    """Numbers of the records that are being sent, and settled, now."""

    async def attempt(
        self, record: Record, permit: Permit, desk: Desk | None = None, taken: Callable[[], None] = lambda: None
    ) -> Outcome | None:
        """
        Send *record* once and settle it.

        Args:
            record: As `sending` in the journal, already durable.
            permit: The circuit's leave for this call; its evidence goes back with the permit's generation.
            desk: Who waits for the answer, if anybody does.
            taken: Called when the upstream has accepted it, before that is settled.

        Returns:
            What the send came to; None where it could not be made.
        """
        self.in_hand.add(record.number)
        try:
            return await self._attempt(record, permit, desk, taken)
        finally:
            self.in_hand.discard(record.number)

    async def _attempt(self, record: Record, permit: Permit, desk: Desk | None, taken: Callable[[], None]) -> Outcome | None:
        if desk is not None:
            self.budget.live()
        held = self.credentials.held_for(record.principal) if desk is None else desk.caller.held
        try:
            outgoing = await self._outgoing(record, held)
        except Exception:
            # An error of ours, or a journal that is being mended just now. Nothing went out.
            log.exception("send failed before it began", extra={"action": "send_failed", "number": record.number})
            await self._not_made(record, self._later(record), permit, desk)
            return None
        lost = desk is None and held is None and record.principal is not None
        if outgoing is None or lost:
            await self._not_made(record, LOG_IN_LOST if lost else UNTRANSLATED, permit, desk)
            return None
        sent_s = self.clock.monotonic()
        exchange, outcome = await self._made(record, outgoing, permit)
        if outcome.maybe_applied and outcome.kind is not OutcomeKind.ACCEPTED:
            self.sends.ended(record.number)
        self.meters.upstream_requests.labels(outcome.kind.value).inc()
        self.circuits.observe(permit, outcome, self.credentials.judged(held, outcome.kind, permit.lane), sent_s)
        if outcome.kind is OutcomeKind.ACCEPTED:
            taken()
        await self._settle(record, outcome, exchange, desk)
        return outcome

    async def _not_made(self, record: Record, made: Settlement, permit: Permit, desk: Desk | None) -> None:
        """Settle a send of which not a byte went out."""
        self.circuits.unused(permit)
        if desk is not None:
            made = NOBODYS if desk.claim(verdict=False) is Told.NOTHING else made
            desk.give(None)
        await self._kept(record, made, None, None)

    def _later(self, record: Record) -> Settlement:
        due_at = self.clock.wall() + round(1000 * delay_s(record.failures + 1, random.random()))  # noqa: S311 - spreads retries
        return Settlement(RecordState.PENDING, outcome=None, reason="error of ours", due_at=due_at, failed=True)

    async def _made(self, record: Record, outgoing: Outgoing, permit: Permit) -> tuple[Exchange, Outcome]:
        asked_s = self.clock.monotonic()
        try:
            exchange = await self._exchange(outgoing, permit)
            outcome = self._outcome(record, exchange)
        except Exception:
            # An error of ours. What went out is not known, and the record must not stay `sending`, nor the circuit without its permit.
            log.exception("send failed within the sidecar", extra={"action": "send_failed", "number": record.number})
            broken = Failure(FailureKind.PROTOCOL, sent=True)
            return broken, failed(broken)
        self.watch.hear(exchange, outcome.kind, asked_s)
        return exchange, outcome

    async def _exchange(self, outgoing: Outgoing, permit: Permit) -> Exchange:
        slow_after_s = self.circuits.watched(permit.group).policy.slow_after_s
        slow = asyncio.get_running_loop().call_later(slow_after_s, self.circuits.slow, permit)
        with self.meters.upstream_request_duration.time():
            try:
                return await self.upstream.send_record(outgoing)
            finally:
                slow.cancel()

    def _outcome(self, record: Record, exchange: Exchange) -> Outcome:
        route = self.profile.route(record.route)
        answers = self.profile.answers if route is None else self.profile.profile.answers_of(route)
        return classify(exchange, answers, self.profile.code_member, self.clock.aware())

    async def _outgoing(self, record: Record, held: Held | None) -> Outgoing | None:
        going_up = await self.persons.going_up(record)
        if going_up is None:
            return None
        target, body = going_up
        fields = overlaid(self._with_declared(record, target, body), self.credentials.fields_with(held))
        return Outgoing(record.method, target, with_length(fields, len(body)), body)

    def _with_declared(self, record: Record, target: str, body: bytes) -> Fields:
        """Return the record's fields, with those that its route declares for every send."""
        fields = readable_codings(from_block(record.headers))
        route = self.profile.route(record.route)
        if route is None or not route.send_headers:
            return fields
        return with_missing(fields, declared_fields(route.send_headers, {"request": self.persons.view(record, target, body)}))

    async def _settle(self, record: Record, outcome: Outcome, exchange: Exchange, desk: Desk | None) -> None:
        answer = exchange if isinstance(exchange, Answer) else None
        told = Told.RECEIPT if desk is None else desk.claim(verdict=answer is not None and self._is_verdict(record, outcome))
        if desk is not None and (told is not Told.VERDICT or outcome.kind is OutcomeKind.ACCEPTED):
            # An accepted answer need not wait for its settling: found unsettled after a crash, the record is looked up.
            desk.give(answer if told is Told.VERDICT else None)

        def given() -> None:
            # Also when the disk fails: the server's word stands, and a record found as `sending` is never taken for delivered.
            if desk is not None:
                desk.give(answer if told is Told.VERDICT else None)

        late = asyncio.get_running_loop().call_later(SETTLING_S, given)
        try:
            await self._kept(record, self._settlement(record, outcome, answer, told), outcome, answer, given)
        finally:
            late.cancel()
            given()

    def _settlement(self, record: Record, outcome: Outcome, answer: Answer | None, told: Told) -> Settlement:
        route = self.profile.route(record.route)
        sent = Sent(
            told=told,
            if_refused=IfRefused.HOLD if route is None else route.if_refused,
            now=self.clock.wall(),
            retry_s=delay_s(record.failures + 1, random.random()),  # noqa: S311 - spreads retries, keeps no secret
            own_failure=self.circuits.closed(record.group),
            answer_status=None if answer is None else answer.status,
            maybe_applied_before=record.maybe_applied,
            can_look_up=route is not None and (route.look_up is not None or route.idempotent is not None),
        )
        made = settlement(outcome, sent)
        poison = self.trials.poison(record, outcome, self.circuits.watched(record.group).circuit.generation)
        return replace(made, state=RecordState.HELD, reason=f"poison {made.reason}") if poison else made

    async def _kept(
        self,
        record: Record,
        made: Settlement,
        outcome: Outcome | None,
        answer: Answer | None,
        first_failure: Callable[[], None] = lambda: None,
    ) -> None:
        accepted = outcome is not None and outcome.kind is OutcomeKind.ACCEPTED
        stored = StoredAnswer(answer.status, answer.reason, to_block(answer.fields), answer.body) if answer and accepted else None
        learnt = self._learnt(record, answer) if answer and accepted else None
        await until_kept(
            lambda: self.journal.settle(
                record.number, record.attempt, made, self.clock.wall(), answer=stored, learnt=learnt, revision=record.revision
            ),
            first_failure=first_failure,
        )
        log.info(
            "record settled",
            extra={
                "action": "settle",
                "number": record.number,
                "state": made.state.value,
                "outcome": made.outcome,
                "reason": made.reason,
            },
        )

    def _learnt(self, record: Record, answer: Answer) -> Learnt | None:
        route = self.profile.route(record.route)
        if route is None or route.issues is None:
            return None
        return self.persons.learnt(record, issued_id(route.issues, view_of(answer)), adopted=False)

    def _is_verdict(self, record: Record, outcome: Outcome) -> bool:
        """Whether the outcome is the server's own word on the record, to be handed to the client unchanged."""
        if outcome.kind is OutcomeKind.AUTH:
            return not self.credentials.stands_alone(record.principal)
        return outcome.kind in (OutcomeKind.ACCEPTED, OutcomeKind.REFUSED, OutcomeKind.ALREADY_RECORDED)

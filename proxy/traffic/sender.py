"""One journalled attempt: a record that stands as `sending` goes out once, and what came of it is settled."""

from __future__ import annotations

import asyncio
import logging
import random
from dataclasses import dataclass

from proxy.profiles.model import IfRefused
from proxy.rules.backoff import delay_s
from proxy.rules.fields import from_block, overlaid, readable_codings
from proxy.rules.outcome import Outcome, OutcomeKind, classify
from proxy.rules.settlement import Sent, Told, settlement
from proxy.rules.wire import Answer, Exchange
from proxy.traffic.active_profile import ActiveProfile
from proxy.traffic.budget import Budget
from proxy.traffic.circuits import Circuits, Permit
from proxy.traffic.clock import Clock
from proxy.traffic.credentials import Credentials
from proxy.traffic.desk import Desk
from proxy.traffic.meters import Meters
from proxy.traffic.retry import until_kept
from proxy.traffic.upstream import Outgoing, Upstream
from store.journal import Journal
from store.records import Record

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends records; live traffic and replay share it, so that one attempt means the same in both."""

    profile: ActiveProfile
    journal: Journal
    upstream: Upstream
    circuits: Circuits
    credentials: Credentials
    budget: Budget
    meters: Meters
    clock: Clock

    async def attempt(self, record: Record, permit: Permit, desk: Desk | None = None) -> Outcome:
        """
        Send *record* once and settle it.

        Args:
            record: As `sending` in the journal, already durable.
            permit: The circuit's leave for this call; its evidence goes back with the permit's generation.
            desk: Who waits for the answer, if anybody does.
        """
        if desk is not None:
            self.budget.live()
        exchange = await self._exchange(record, permit)
        outcome = self._outcome(record, exchange)
        self.meters.upstream_requests.labels(outcome.kind.value).inc()
        self.circuits.observe(permit, outcome)
        if outcome.kind is OutcomeKind.AUTH:
            self.credentials.rejected(record.principal)
        await self._settle(record, outcome, exchange, desk)
        return outcome

    async def _exchange(self, record: Record, permit: Permit) -> Exchange:
        outgoing = self._outgoing(record)
        slow = asyncio.get_running_loop().call_later(self.circuits.watched(record.group).policy.slow_after_s, self.circuits.slow, permit)
        with self.meters.upstream_request_duration.time():
            try:
                return await self.upstream.send_record(outgoing)
            finally:
                slow.cancel()

    def _outcome(self, record: Record, exchange: Exchange) -> Outcome:
        route = self.profile.route(record.route)
        answers = self.profile.answers if route is None else self.profile.profile.answers_of(route)
        return classify(exchange, answers, self.profile.code_member, self.clock.aware())

    def _outgoing(self, record: Record) -> Outgoing:
        credential = self.credentials.for_send(record.principal) or ()
        fields = overlaid(readable_codings(from_block(record.headers)), credential)
        return Outgoing(record.method, record.target, fields, record.body)

    async def _settle(self, record: Record, outcome: Outcome, exchange: Exchange, desk: Desk | None) -> None:
        answer = exchange if isinstance(exchange, Answer) else None
        told = desk.claim() if desk is not None and answer is not None and self._is_verdict(record, outcome) else Told.RECEIPT
        if desk is not None and (told is Told.RECEIPT or outcome.kind is OutcomeKind.ACCEPTED):
            # An accepted answer need not wait for its settling: found unsettled after a crash, the record is looked up.
            desk.give(answer if told is Told.VERDICT else None)

        def given() -> None:
            # Also when the disk fails: the server's word stands, and a record found as `sending` is never taken for delivered.
            if desk is not None:
                desk.give(answer if told is Told.VERDICT else None)

        route = self.profile.route(record.route)
        sent = Sent(
            told=told,
            if_refused=IfRefused.HOLD if route is None else route.if_refused,
            now=self.clock.wall(),
            retry_s=delay_s(record.failures + 1, random.random()),  # noqa: S311 - spreads retries, keeps no secret
            own_failure=self.circuits.closed(record.group),
            answer_status=None if answer is None else answer.status,
            maybe_applied_before=record.maybe_applied,
        )
        made = settlement(outcome, sent)
        try:
            await until_kept(lambda: self.journal.settle(record.number, record.attempt, made, self.clock.wall()), first_failure=given)
        finally:
            given()
        log.info(
            "record settled",
            extra={
                "action": "settle",
                "number": record.number,
                "state": made.state.value,
                "outcome": outcome.kind.value,
                "cause": outcome.cause,
            },
        )

    def _is_verdict(self, record: Record, outcome: Outcome) -> bool:
        """Whether the outcome is the server's own word on the record, to be handed to the client unchanged."""
        if outcome.kind is OutcomeKind.AUTH:
            return not self.credentials.stands_alone(record.principal)
        return outcome.kind in (OutcomeKind.ACCEPTED, OutcomeKind.REFUSED, OutcomeKind.ALREADY_RECORDED)

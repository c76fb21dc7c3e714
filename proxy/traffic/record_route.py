"""
A record route: journal first, then try.

One path for up, down and slow: keep the write in one commit, send it at once where lane and circuit are free, and answer with the
server's verdict when it comes in time, else with the receipt.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import web
from ulid import ULID

from proxy.rules.admission import Admissible, Inadmissible, admit
from proxy.rules.fields import forwardable, to_block
from proxy.rules.problems import problem
from proxy.rules.receipt import receipt
from proxy.rules.routes import Match
from proxy.traffic import answers
from proxy.traffic.active_profile import ActiveProfile
from proxy.traffic.body import Body, Incomplete, TooLarge
from proxy.traffic.circuits import Circuits, Permit
from proxy.traffic.clock import Clock
from proxy.traffic.credentials import Credentials
from proxy.traffic.desk import Desk
from proxy.traffic.meters import Meters
from proxy.traffic.pass_route import PassRoute
from proxy.traffic.replayer import Replayer
from proxy.traffic.retry import until_kept
from proxy.traffic.sender import Sender
from proxy.traffic.tasks import Background
from store.errors import JournalError
from store.journal import Journal
from store.records import NewRecord, Record, Recorded, RecordState, Settlement

TOLD_PAPER = Settlement(RecordState.HELD, outcome=None, reason="told-paper")
"""The desk was told to use paper, but the record reached the disk after all: a person decides."""


@dataclass(frozen=True, slots=True)
class RecordRoute:
    """Answers the requests of record routes."""

    profile: ActiveProfile
    journal: Journal
    circuits: Circuits
    credentials: Credentials
    sender: Sender
    replayer: Replayer
    passing: PassRoute
    background: Background
    meters: Meters
    clock: Clock
    answer_within_s: float
    body_max: int

    async def answer(self, request: web.BaseRequest, match: Match, target: str) -> web.StreamResponse:
        """Answer one request; *target* is raw path and query, as it goes up."""
        deadline = self.clock.monotonic() + self.answer_within_s
        body = Body(request)
        try:
            content = await body.whole(self.body_max)
        except TooLarge:
            return await self._unfit(request, match, target, body, "body-too-large", f"More than {self.body_max} bytes are not kept.")
        except Incomplete:
            return self._problem("body-incomplete", "The connection broke off.")
        fields, credential = self.credentials.split(forwardable(request.raw_headers))
        admission = admit(match, request.method, target.partition("?")[2], fields, content)
        if isinstance(admission, Inadmissible):
            return await self._unfit(request, match, target, body, admission.code, admission.detail)
        new = NewRecord(
            id=ULID().bytes,
            route=match.route.name,
            group=match.route.group,
            lanes=tuple(self.journal.lane_hash(lane) for lane in admission.lanes),
            method=request.method,
            target=target,
            headers=to_block(fields),
            body=content,
            recorded_at=self.clock.wall(),
            principal=self.credentials.principal(credential),
        )
        return await self._keep_and_send(request, match, body, new, admission, deadline)

    async def _keep_and_send(
        self, request: web.BaseRequest, match: Match, body: Body, new: NewRecord, admission: Admissible, deadline: float
    ) -> web.StreamResponse:
        permit = self.circuits.permit(new.group, new.lanes[0])
        try:
            recorded = await self._keep(new, send=permit is not None, within_s=deadline - self.clock.monotonic())
        except TimeoutError:
            self._unused(permit)
            return self._problem("cannot-record", "The sidecar's journal takes too long to write.")
        except JournalError:
            self._unused(permit)
            return await self._unrecorded(request, body, new)
        if permit is not None and recorded.state is RecordState.SENDING:
            return await self._send(request, match, new, recorded, admission, permit, deadline)
        self._unused(permit)
        self.replayer.wake.ring()
        return self._receipt(match, new, recorded, admission)

    def _unused(self, permit: Permit | None) -> None:
        if permit is not None:
            self.circuits.unused(permit)

    async def _unrecorded(self, request: web.BaseRequest, body: Body, new: NewRecord) -> web.StreamResponse:
        """What cannot be kept is passed on while the server is up and nothing older of the person waits; else paper (G1)."""
        if not self.circuits.admits(new.group) or await self.journal.any_open(new.lanes):
            return self._problem("cannot-record", "The sidecar's journal cannot be written.")
        self.meters.writes_unrecorded.inc()
        return await self.passing.relay(request, new.group, new.target, body)

    async def _send(
        self,
        request: web.BaseRequest,
        match: Match,
        new: NewRecord,
        recorded: Recorded,
        admission: Admissible,
        permit: Permit,
        deadline: float,
    ) -> web.StreamResponse:
        desk = Desk(request)
        self.background.start(self._attempt(_as_record(new, recorded), permit, desk))
        verdict = await desk.verdict(max(0.0, deadline - self.clock.monotonic()))
        if verdict is None:
            return self._receipt(match, new, recorded, admission)
        return answers.verdict(verdict, str(ULID(new.id)))

    async def _attempt(self, record: Record, permit: Permit, desk: Desk) -> None:
        try:
            await self.sender.attempt(record, permit, desk)
        finally:
            desk.give(None)
            self.replayer.wake.ring()

    async def _keep(self, new: NewRecord, *, send: bool, within_s: float) -> Recorded:
        """Keep the record within the time; what reaches the disk later than the desk was told is held."""
        keeping = asyncio.ensure_future(self.journal.record(new, send=send))
        done, _ = await asyncio.wait((keeping,), timeout=max(0.0, within_s))
        if done:
            return keeping.result()
        self.background.start(self._hold_late(keeping))
        raise TimeoutError

    async def _hold_late(self, keeping: asyncio.Future[Recorded]) -> None:
        try:
            recorded = await keeping
        except JournalError:
            return
        await until_kept(lambda: self.journal.move(recorded.number, recorded.state, TOLD_PAPER, self.clock.wall()), lambda: None)

    async def _unfit(self, request: web.BaseRequest, match: Match, target: str, body: Body, code: str, detail: str) -> web.StreamResponse:
        """What cannot be kept gets the server's own verdict while it is up, and ours while it is down."""
        if self.circuits.admits(match.route.group):
            return await self.passing.relay(request, match.route.group, target, body)
        return self._problem(code, detail)

    def _receipt(self, match: Match, new: NewRecord, recorded: Recorded, admission: Admissible) -> web.Response:
        made = receipt(match.route.receipt, admission.view, str(ULID(new.id)), recorded.number, recorded.state)
        return answers.receipt(made)

    def _problem(self, code: str, detail: str) -> web.Response:
        return answers.problem(problem(code, detail, self.profile.error_members))


def _as_record(new: NewRecord, recorded: Recorded) -> Record:
    return Record(
        number=recorded.number,
        id=new.id,
        state=recorded.state,
        route=new.route,
        group=new.group,
        recorded_at=new.recorded_at,
        settled_at=None,
        due_at=0,
        attempt=1,
        failures=0,
        maybe_applied=False,
        reason=None,
        principal=new.principal,
        method=new.method,
        target=new.target,
        headers=new.headers,
        body=new.body,
    )

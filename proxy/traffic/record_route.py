"""
A record route: journal first, then try.

One path for up, down and slow: keep the write in one commit, send it at once where lane and circuit are free, and answer with the
server's verdict when it comes in time, else with the receipt.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from http import HTTPStatus
from typing import Any, Final, assert_never

from aiohttp import hdrs, web
from ulid import ULID

from proxy.rules.admission import Inadmissible, admit
from proxy.rules.deadline import deadline_at
from proxy.rules.fields import from_block, to_block
from proxy.rules.idempotency import Malformed, fingerprint, parse_key
from proxy.rules.look_up import question
from proxy.rules.problems import problem
from proxy.rules.receipt import receipt
from proxy.rules.routes import Match
from proxy.rules.warnings import may_warn, warnings
from proxy.rules.wire import Answer, text_of
from proxy.texts import Text, preferred
from proxy.traffic import answers
from proxy.traffic.active_profile import ActiveProfile
from proxy.traffic.apart import apart
from proxy.traffic.body import Body, Incomplete, TooLarge
from proxy.traffic.circuits import Circuits, Permit
from proxy.traffic.clock import Clock
from proxy.traffic.clock_watch import ClockWatch
from proxy.traffic.credentials import Caller, Credentials
from proxy.traffic.desk import Desk
from proxy.traffic.limits import Limits
from proxy.traffic.meters import Meters
from proxy.traffic.pass_route import PassRoute
from proxy.traffic.persons import Persons
from proxy.traffic.reads import ReadRoute
from proxy.traffic.record_ids import RecordIds
from proxy.traffic.replayer import Replayer
from proxy.traffic.sender import Sender
from proxy.traffic.tasks import Background
from proxy.traffic.under_way import UnderWay
from store.errors import JournalError, JournalInDoubt
from store.journal import Journal
from store.records import (
    Admission,
    Conflict,
    KeyReused,
    NewRecord,
    NotKept,
    Outrun,
    Record,
    Recorded,
    RecordState,
    Same,
)

OVERRIDE: Final = b"dosekeeper-override"
"""The client's reason for a second record of a fact that is recorded with other content."""

IDEMPOTENCY_KEY: Final = "Idempotency-Key"

UNDECIDED: Final = Text("It did not say whether you may record.")

OURS: Final = frozenset({"person-unknown", "not-taken"})
"""Problems that the server cannot decide: they are the same while it is up."""


@dataclass(frozen=True, slots=True)
class Write:
    """One request on a record route, as far as it has been read; *target* is raw path and query, as it goes up."""

    request: web.BaseRequest
    match: Match
    target: str
    body: Body
    deadline: float
    caller: Caller


@dataclass(frozen=True, slots=True)
class RecordRoute:
    """Answers the requests of record routes."""

    profile: ActiveProfile
    journal: Journal
    persons: Persons
    circuits: Circuits
    credentials: Credentials
    sender: Sender
    replayer: Replayer
    passing: PassRoute
    reading: ReadRoute
    background: Background
    meters: Meters
    clock: Clock
    watch: ClockWatch
    answer_within_s: float
    body_max: int
    timezone: tzinfo
    limits: Limits
    waiting: dict[int, Desk] = field(default_factory=dict)
    under_way: UnderWay = field(default_factory=UnderWay)
    ids: RecordIds = field(default_factory=RecordIds)

    async def answer(self, request: web.BaseRequest, match: Match, target: str) -> web.StreamResponse:
        """Answer one request; *target* is raw path and query, as it goes up."""
        caller = self.credentials.caller(request)
        if caller.stranger:
            return self._stranger()
        body = Body(request, self.limits)
        try:
            content = await body.whole(self.body_max)
        except TooLarge:
            return await self._unfit(
                self._write(request, match, target, body, caller),
                "body-too-large",
                Text("More than {most} bytes are not kept.", {"most": self.body_max}),
            )
        except Incomplete as unfit:
            return self._problem(unfit.code, Text("The rest of it did not come."))
        write = self._write(request, match, target, body, caller)
        keys = request.headers.getall(IDEMPOTENCY_KEY, ())
        key = parse_key([each.encode("latin-1", "replace") for each in keys]) if keys else None
        if isinstance(key, Malformed):
            return self._problem("key-malformed", key.why)
        while True:
            new, view = await self._admitted(write, content, key)
            if isinstance(new, Inadmissible):
                return await self._unfit(write, new.code, new.detail)
            kept = await self._keep_and_send(write, new, view)
            if kept is not None:
                return kept
            # A provisional id has become known between the look and the commit: look again.

    def _write(self, request: web.BaseRequest, match: Match, target: str, body: Body, caller: Caller) -> Write:
        # Only now: a desk on a slow line has been sending, not waiting.
        return Write(request, match, target, body, self.clock.monotonic() + self.answer_within_s, caller)

    async def _admitted(self, write: Write, content: bytes, key: str | None) -> tuple[NewRecord | Inadmissible, dict[str, Any]]:
        route, fields, principal = write.match.route, write.caller.fields, write.caller.principal
        block = to_block(fields)
        known = await self.persons.resolve(route, write.target, block, content)
        if known is None:
            return Inadmissible("person-unknown", Text("An id in it was not given out, or stands where it cannot be replaced.")), {}
        admission = await apart(len(content), admit, write.match, write.request.method, write.target, fields, content, known.real_ids)
        if isinstance(admission, Inadmissible):
            return admission, {}
        now, doubt = self.clock.wall(), self.watch.doubt()
        new = NewRecord(
            id=self.ids.new(now),
            route=route.name,
            group=route.group,
            lanes=self.persons.lanes(admission.facts),
            method=write.request.method,
            target=write.target,
            headers=block,
            body=content,
            recorded_at=now,
            principal=write.caller.recorder,
            natural_key=self.persons.natural_key(route, admission.facts),
            content=self.persons.content(admission.facts),
            override=next((text_of(value) for name, value in write.request.raw_headers if name.lower() == OVERRIDE), None),
            idempotency_key=None if key is None else self.journal.lane_hash(f"key\0{(principal or b'').hex()}\0{key}"),
            fingerprint=fingerprint(write.request.method, write.target, content),
            awaits=known.awaits,
            deadline_at=deadline_at(self.watch.wall(), self.profile.profile.back_entry, self.timezone),
            clock_doubt=None if doubt is None else str(doubt),
            same=write.caller.same,
            topics=self.persons.topics(route, admission.view),
        )
        return new, admission.view

    async def _keep_and_send(self, write: Write, new: NewRecord, view: dict[str, Any]) -> web.StreamResponse | None:
        """Keep the record and answer; None where it has to be keyed anew."""
        if (told := self._passed_on_before(new)) is not None:
            return told
        permit = self.circuits.permit(new.group, new.lanes[0])
        if permit is None and write.caller.ground is None:
            return await self._told(write, new, await self._known(new), view)
        try:
            kept = await self._keep(new, write, send=permit is not None)
        except JournalInDoubt:
            self._unused(permit)
            return self._problem("cannot-record", Text("The sidecar's disk fails, or takes too long."))
        except JournalError:
            self._unused(permit)
            return await self._unrecorded(write, new, view)
        except BaseException:
            self._unused(permit)  # an error of ours must not keep a half-open circuit's one permit
            raise
        if permit is not None and isinstance(kept, Recorded) and kept.state is RecordState.SENDING:
            return await self._send(write, new, kept, view, permit)
        self._unused(permit)
        return await self._told(write, new, kept, view)

    def _passed_on_before(self, new: NewRecord) -> web.Response | None:
        """What went up without a record, because the journal could not keep it, is known in memory only."""
        if self.under_way.is_passed_on(new):
            return self._problem("under-way", Text("Something of this person is being passed on without a record."))
        if self.under_way.may_have_it(new) and new.override is None:
            return self._problem("passed-on", Text("It was passed on without a record."))
        return None

    async def _told(  # noqa: PLR0911 - one admission, one return
        self, write: Write, new: NewRecord, kept: Admission, view: dict[str, Any]
    ) -> web.StreamResponse | None:
        match kept:
            case Recorded():
                if not self.circuits.out(new.group):  # else it is rung when that changes
                    self.replayer.wake.ring()
                return await self._receipt(write, str(ULID(new.id)), kept, view)
            case NotKept():
                return self._stranger()
            case Same() | Conflict() if write.caller.ground is None and not self._shares(write, kept.number):
                return await self._unvouched(write, kept, view)
            case Same():
                await self._vouch(write, kept)
                return await self._same(write, kept, view)
            case Conflict():
                return self._in_the_way(kept)
            case KeyReused(number):
                return self._problem("key-reused", Text("It came with record {number}.", {"number": number}))
            case Outrun():
                return None
            case _:
                assert_never(kept)

    def _shares(self, write: Write, number: int) -> bool:
        """Whether the desk that the server is judging right now for a record shows the same credential."""
        desk = self.waiting.get(number)
        return desk is not None and write.caller.held is not None and _mark(desk.caller) == _mark(write.caller)

    async def _known(self, new: NewRecord) -> Same | Conflict | KeyReused | Outrun | NotKept:
        """Return what is known of a write of which nothing is kept now; a journal that cannot be read knows nothing."""
        try:
            return await self.journal.known(new) or NotKept()
        except JournalError:
            return NotKept()

    async def _unvouched(self, write: Write, known: Same | Conflict, view: dict[str, Any]) -> web.StreamResponse | None:
        """
        Answer whom nobody vouches for, and what they ask is a record: if it is theirs, that it is there, or it would be on paper too.

        Whose it is their token's claims say, which anybody can write: so they are told where it stands, and nothing of what it says.
        """
        record = await self.journal.get(known.number)
        if record is None or not write.caller.claims(record.principal):
            return self._stranger()
        known = replace(known, state=record.state)
        if known.state in (RecordState.REFUSED, RecordState.DISCARDED):
            return None  # it is none any more
        if isinstance(known, Conflict) or known.state is RecordState.HELD:
            return self._in_the_way(known)
        if known.state is RecordState.DELIVERED:
            return await self._receipt(write, str(ULID(known.id)), known, view)
        kept = Text(
            "It is kept as record {number}, and sent once the server takes your log-in: leave it off paper.", {"number": known.number}
        )
        # While it is sent it may be refused yet, and then it is not recorded.
        return self._about("server-no-answer", known, UNDECIDED if known.state is RecordState.SENDING else kept)

    def _stranger(self) -> web.Response:
        return self._problem(
            "not-known", Text("The server is not there to say it, or what you ask would go up with the sidecar's credential.")
        )

    def _no_word(self) -> web.Response:
        return self._problem("server-no-answer", UNDECIDED)

    def _unused(self, permit: Permit | None) -> None:
        if permit is not None:
            self.circuits.unused(permit)

    async def _unrecorded(self, write: Write, new: NewRecord, view: dict[str, Any]) -> web.StreamResponse | None:
        """
        Answer what cannot be kept (G1): passed on while the server is up, if it names no provisional id and waits for nothing; else paper.

        A journal that cannot even be read might hold anything. Where the desk has waited already, a slow server must not come on top.
        """
        if new.awaits or self._left_s(write) < self.answer_within_s / 2 or not self._can_pass_on(new.group):
            return self._problem("cannot-record", Text("The sidecar's journal cannot be written."))
        try:
            known, waits = await self.journal.known(new), await self.journal.any_open(new.lanes)
        except JournalError:
            return self._problem("cannot-record", Text("The sidecar's journal can be neither written nor read."))
        if known is not None:
            return await self._told(write, new, known, view)
        if self.under_way.is_passed_on(new):
            return self._problem("under-way", Text("Something of this person is being passed on without a record."))
        if waits or self.under_way.is_kept(new):
            return self._problem(
                "cannot-record", Text("The sidecar's journal cannot be written, and something older of this person waits.")
            )
        with self.under_way.passing_on(new):
            return await self._passed_on(write, new)

    async def _passed_on(self, write: Write, new: NewRecord) -> web.StreamResponse:
        self.meters.writes_unrecorded.inc()
        try:
            response = await self.passing.relay(write.request, write.match.route, new.target, write.body)
        except BaseException:
            self.under_way.remember(new)
            raise
        if _may_be_taken(response):
            self.under_way.remember(new)
        if response.get(answers.OUTCOME) == "problem" and response.status == HTTPStatus.SERVICE_UNAVAILABLE:
            # It was not sent, and "doses go on being recorded" would not be true of this one.
            return self._problem("cannot-record", Text("The sidecar's journal cannot be written, and the server has just gone."))
        return response

    async def _same(  # noqa: PLR0911 - one answer, one return
        self, write: Write, same: Same, view: dict[str, Any]
    ) -> web.StreamResponse | None:
        """The request, or its fact, is a record already: answer what is true of it now; None where it is none any more."""
        desk = self.waiting.get(same.number)
        if desk is not None:
            shared = desk.join(write.request, write.caller)
            verdict = await desk.verdict(self._patience_s(write)) if shared else None
            if not shared or _of_another(verdict, desk, write.caller):
                return await self._after(desk, write)
            if verdict is not None:
                return answers.verdict(verdict, str(ULID(same.id)))
            if write.caller.ground is None:
                return self._no_word()
        elif same.state is RecordState.SENDING and await self._let_go(same.number):
            return None
        if same.state is RecordState.HELD:
            return self._in_the_way(same)
        stored = await self.journal.answer_of(same.number)
        if stored is not None:
            return answers.verdict(Answer(stored.status, stored.reason, from_block(stored.headers), stored.body), str(ULID(same.id)))
        return await self._receipt(write, str(ULID(same.id)), same, view)

    async def _vouch(self, write: Write, same: Same) -> None:
        """Whoever is trusted and has a receipt for what a stranger began must not wait for the stranger's log-in."""
        if write.caller.ground is None:
            return
        with suppress(JournalError):  # the next tap says it again
            if (record := await self.journal.get(same.number)) is not None:
                self.credentials.vouch(record.principal, write.caller)

    async def _after(self, desk: Desk, write: Write) -> web.Response | None:
        """Wait until a send that is not to be shared has been settled; None: it can be seen now whether anything was recorded."""
        try:
            async with asyncio.timeout(self._patience_s(write)):
                await desk.ended.wait()
        except TimeoutError:
            return self._problem("cannot-record", Text("The sidecar's disk fails, or takes too long."))
        return None

    async def _let_go(self, number: int) -> bool:
        # A refusal that the other desk was told of must not be hidden from this one behind a receipt.
        record = await self.journal.get(number)
        return record is None or record.state in (RecordState.REFUSED, RecordState.DISCARDED)

    async def _send(self, write: Write, new: NewRecord, kept: Recorded, view: dict[str, Any], permit: Permit) -> web.StreamResponse:
        desk = self.waiting[kept.number] = Desk(write.request, write.caller)
        self.background.start(self._attempt(_as_record(new, kept), permit, desk))
        verdict = await desk.verdict(self._patience_s(write))
        if verdict is None and write.caller.ground is None:
            return self._no_word()
        if verdict is None:
            return await self._receipt(write, str(ULID(new.id)), kept, view)
        return answers.verdict(verdict, str(ULID(new.id)))

    async def _attempt(self, record: Record, permit: Permit, desk: Desk) -> None:
        try:
            await self.sender.attempt(record, permit, desk)
        finally:
            desk.give(None)
            self.waiting.pop(record.number, None)
            self.circuits.unused(permit)
            self.replayer.wake.ring()
            desk.ended.set()

    async def _keep(self, new: NewRecord, write: Write, *, send: bool) -> Admission:
        """Keep the record within the desk's time."""
        issue = None if write.match.route.issues is None else self.persons.issue
        may_wait = write.caller.ground is not None
        with self.under_way.keeping(new):
            return await self.journal.record(new, send=send, issue=issue, may_wait=may_wait, within_s=self._left_s(write))

    async def _unfit(self, write: Write, code: str, detail: Text) -> web.StreamResponse:
        """What cannot be kept gets the server's own verdict while it is up, and ours while it is down."""
        if code not in OURS and self._can_pass_on(write.match.route.group):
            return await self.passing.relay(write.request, write.match.route, write.target, write.body)
        return self._problem(code, detail)

    def _can_pass_on(self, group: str) -> bool:
        return self.circuits.admits(group) and not self.credentials.own.missing

    def _patience_s(self, write: Write) -> float:
        """Return how long the desk waits for the verdict: one whom only the server can vouch for waits for its word, as on a pass route."""
        return self._left_s(write) if write.caller.ground is not None else self.sender.upstream.whole_s

    def _left_s(self, write: Write) -> float:
        return max(0.0, write.deadline - self.clock.monotonic())

    async def _receipt(self, write: Write, record_id: str, kept: Recorded | Same, view: dict[str, Any]) -> web.Response:
        route = write.match.route
        vouched = write.caller.ground is not None  # a warning tells of the person what nobody else's request may ask
        said = await self._warnings(write, kept.number, view) if vouched and may_warn(route, view) else ()
        language = preferred(write.request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))
        return answers.receipt(receipt(route.receipt, view, record_id, kept.number, kept.state, kept.issues, said, language))

    async def _warnings(self, write: Write, number: int, view: dict[str, Any]) -> tuple[str, ...]:
        """Return what the desk should know of a record that is kept. It is no reason to keep the desk waiting, or without a receipt."""
        look_up = write.match.route.look_up
        asked = None if look_up is None else question(look_up, view)
        if asked is None:
            return ()
        try:
            known = await self.reading.known(asked, write.caller, number)
        except JournalError:
            return ()
        return () if known is None else warnings(write.match.route, view, known)

    def _problem(self, code: str, detail: Text) -> web.Response:
        return answers.problem(problem(code, detail, self.profile.error_members))

    def _in_the_way(self, known: Same | Conflict) -> web.Response:
        code = "waits-for-correction" if known.state is RecordState.HELD else "recorded-otherwise"
        return self._about(code, known, Text("Record {number}.", {"number": known.number}))

    def _about(self, code: str, known: Same | Conflict, detail: Text) -> web.Response:
        """Return a problem that names a record."""
        record = {"id": str(ULID(known.id)), "number": known.number, "state": known.state.value}
        return answers.problem(problem(code, detail, self.profile.error_members, record=record))


def _of_another(verdict: Answer | None, desk: Desk, caller: Caller) -> bool:
    """Whether the *verdict* may be on the credential of who came first to the *desk*, and the *caller* has shown another one."""
    sent_away = verdict is not None and verdict.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
    return sent_away and _mark(desk.caller) != _mark(caller)


def _mark(caller: Caller) -> bytes | None:
    return None if caller.held is None else caller.held.mark


def _may_be_taken(response: web.StreamResponse) -> bool:
    """Whether the server may have taken what was passed on: it did not refuse it, and it was surely sent."""
    if response.get(answers.OUTCOME) == "problem":
        return response.status == HTTPStatus.GATEWAY_TIMEOUT
    return not HTTPStatus.BAD_REQUEST <= response.status < HTTPStatus.INTERNAL_SERVER_ERROR


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
        natural_key=new.natural_key,
        deadline_at=new.deadline_at,
        issues=recorded.issues,
        clock_doubt=new.clock_doubt,
    )

"""
A read route: the upstream's answer while it gives one in time, else what is remembered of it, which says how old it is.

What is remembered is kept for the one whose credential asked, unless the route is shared; an error, or somebody else's page, never is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final, assert_never

from aiohttp import web

from proxy.profiles.model import Policy
from proxy.rules import cache
from proxy.rules.cache import Cause, Stored
from proxy.rules.fields import to_block
from proxy.rules.outcome import OutcomeKind, view_of
from proxy.rules.problems import problem
from proxy.rules.routes import Match
from proxy.rules.stamps import Stamp
from proxy.rules.wire import Answer, Failure
from proxy.texts import Text
from proxy.traffic import answers
from proxy.traffic.active_profile import ActiveProfile
from proxy.traffic.asking import Asking
from proxy.traffic.budget import Budget
from proxy.traffic.circuits import Circuits, Permit
from proxy.traffic.clock import Clock
from proxy.traffic.credentials import Caller, Credentials
from proxy.traffic.fetching import Fetch, Fetched, TooLong
from proxy.traffic.meters import Meters
from proxy.traffic.own_writes import OwnWrites, Whose
from proxy.traffic.pass_route import AGAIN_S, TOKEN_AGAIN_S, PassRoute
from proxy.traffic.persons import NOBODY, Persons
from proxy.traffic.readings import Readings
from proxy.traffic.recollection import Asked, Recollection, refreshed
from proxy.traffic.tasks import Background

VERDICTS: Final = frozenset({OutcomeKind.ACCEPTED, OutcomeKind.REFUSED, OutcomeKind.ALREADY_RECORDED, OutcomeKind.AUTH})
"""Outcomes in which the upstream itself has spoken: its word goes to the desk, whatever is remembered."""


@dataclass(frozen=True, slots=True)
class ReadRoute:
    """Answers the requests of read routes."""

    profile: ActiveProfile
    asking: Asking
    circuits: Circuits
    credentials: Credentials
    budget: Budget
    persons: Persons
    recollection: Recollection
    readings: Readings
    own_writes: OwnWrites
    passing: PassRoute
    background: Background
    meters: Meters
    clock: Clock
    answer_within_s: float

    async def answer(self, request: web.BaseRequest, match: Match, target: str) -> web.StreamResponse:
        """Answer one request; *target* is raw path and query, as it came."""
        route = match.route
        if request.body_exists:
            return await self.passing.relay(request, route, target)
        caller = self.credentials.caller(request)
        if caller.stranger:
            return self._problem("not-known", Text("What you ask would go up with the sidecar's own credential."))
        asked = self.recollection.asked_again(request.method, match, target, caller)
        if asked is None:
            known = await self.persons.resolve(route, target, to_block(caller.fields), b"")
            if known is None:
                return self._problem("person-unknown", Text("An id in it was not given out, or stands where it cannot be replaced."))
            asked = self.recollection.asked(request.method, match, target, caller, known)
            if known == NOBODY:
                self.recollection.keep_asked(asked)
            if known.awaits:  # the upstream knows nobody of that id; we may
                return await self._own_only(asked) or self._problem(
                    "person-not-registered-yet", Text("The id is provisional."), retry_after_s=AGAIN_S
                )
        held = await self.recollection.held(asked) if cache.conditional(asked.fields) and self.circuits.admits(route.group) else None
        permit = None if self.credentials.own.missing else self.circuits.permit(route.group, records=False)
        if permit is None:
            return await self._without_upstream(asked, Cause.OUTAGE) or self._not_asked(route.group)
        return await self._fetched(request, asked, permit, held)

    async def known(self, inner: str, caller: Caller, before: int) -> dict[str, Any] | None:
        """
        Return what a look-up would show now without the upstream, as `view_of` shows answers; None where nothing is known.

        Args:
            inner: Path and query, without the prefix of `upstream.url`.
            caller: Who they are.
            before: The number of the record for whose sake it is asked: it and later ones are left out.
        """
        match = self.profile.routes.match("GET", inner.partition("?")[0])
        if match is None or match.route.policy is not Policy.READ:
            return None
        target = self.asking.upstream.prefix + inner
        known = await self.persons.resolve(match.route, target, b"", b"")
        asked = self.recollection.asked("GET", match, target, caller, known or NOBODY)
        stored = await self.recollection.stored(asked)
        fetched_at = self.clock.wall() if stored is None else stored.fetched.wall
        answer = None if stored is None else stored.answer
        laid = await self.own_writes.over(match.route, asked.view(), answer, fetched_at, Whose(everybody=True, before=before))
        found = laid or answer
        return None if found is None else view_of(found)

    async def _fetched(self, request: web.BaseRequest, asked: Asked, permit: Permit, held: Stored | None) -> web.StreamResponse:
        """Ask the upstream, and answer with what it says if it does so in time."""
        self.budget.live()
        fetch = Fetch(self.clock.stamp())
        self.background.start(self._ask(asked, fetch, permit, held))
        came = await fetch.within(self.answer_within_s)
        if came is None:
            if (remembered := await self._without_upstream(asked, Cause.LATE)) is not None:
                return remembered
            if not fetch.began:
                return self._problem("server-down", Text("It has not answered in time."), retry_after_s=1)
            came = await fetch.whole()  # it is answering: its own words, late, are better than none (ARCHITECTURE: what differs)
        return await self._told(request, asked, fetch, came, held)

    async def _ask(self, asked: Asked, fetch: Fetch, permit: Permit, held: Stored | None) -> None:
        if (await self.asking.ask(asked, fetch, permit, held)).remembered:
            self.readings.note(asked)

    async def _told(self, request: web.BaseRequest, asked: Asked, fetch: Fetch, came: Fetched, held: Stored | None) -> web.StreamResponse:
        """Answer with what came, or where that is not the upstream's word, with what is remembered."""
        match came:
            case TooLong():
                return await self.passing.relay(request, asked.route, asked.target)
            case Answer(status=HTTPStatus.NOT_MODIFIED) if held is not None:
                return await self._live(asked, refreshed(held, came), fetch.at)
            case Answer() if fetch.meant in VERDICTS:
                return await self._live(asked, came, fetch.at)
            case Answer():
                remembered = await self._without_upstream(asked, Cause.FAILED, came.status)
                return remembered or await self._live(asked, came, fetch.at)
            case Failure():
                remembered = await self._without_upstream(asked, Cause.FAILED)
                return remembered or self._no_answer(came)
            case _:
                assert_never(came)

    async def _without_upstream(self, asked: Asked, cause: Cause, status: int | None = None) -> web.StreamResponse | None:
        """
        Return what can be told without the upstream: what is remembered, else what only we know; None where there is neither.

        Only to whoever is trusted while the upstream cannot vouch: a token's claims, by which a principal is told, are nobody's proof.
        """
        if asked.caller.ground is None:
            return None
        return await self._from_memory(asked, cause, status) or await self._own_only(asked)

    async def _from_memory(self, asked: Asked, cause: Cause, status: int | None) -> web.StreamResponse | None:
        """Return the remembered answer as it is given now; None where there is none."""
        found = await self.recollection.at_hand(asked)
        if found is None:
            return None
        self.recollection.memory.used(asked.question)
        self.readings.note(asked)
        stored, now = found.stored, self.clock.stamp()
        marks = (
            (b"Age", str(int(stored.age_s(now))).encode()),
            (b"Cache-Status", cache.cache_status(stored, now, cause, status).encode()),
        )
        if not (cache.conditional(asked.fields) or self.own_writes.may_change(asked.route, asked.view, found)):
            return self._counted(found.response(marks), "remembered")
        given = replace(stored.answer, fields=stored.answer.fields + marks)
        return self._given(asked, await self._laid_over(asked, given, stored.fetched.wall), "remembered")

    async def _own_only(self, asked: Asked) -> web.StreamResponse | None:
        """
        Return what would be the answer if the upstream knew only our own records; None where none of them is about it.

        On a route that is not shared they see what was recorded under their own credential, and nothing if they are not trusted.
        """
        if asked.caller.ground is None:
            return None
        whose = Whose(everybody=asked.route.shared is not None, principal=asked.caller.principal)
        made = await self.own_writes.over(asked.route, asked.view(), None, self.clock.wall(), whose)
        if made is None:
            return None
        marks = ((b"Cache-Status", b"dosekeeper; detail=own-records"),)
        return self._given(asked, replace(made, fields=made.fields + marks), "own")

    async def _live(self, asked: Asked, came: Answer, at: Stamp) -> web.StreamResponse:
        if asked.method == "HEAD":
            return self._given(asked, came, "fetched")
        return self._given(asked, await self._laid_over(asked, came, at.wall), "fetched")

    async def _laid_over(self, asked: Asked, answer: Answer, fetched_at: int) -> Answer:
        return await self.own_writes.over(asked.route, asked.view(), answer, fetched_at, Whose(everybody=True)) or answer

    def _given(self, asked: Asked, answer: Answer, result: str) -> web.StreamResponse:
        return self._counted(answers.relayed(self._for_client(asked, answer)), result)

    def _counted(self, response: web.StreamResponse, result: str) -> web.StreamResponse:
        self.meters.reads_of(result).inc()
        if result != "fetched":
            response[answers.OUTCOME] = result
        return response

    def _for_client(self, asked: Asked, answer: Answer) -> Answer:
        """Return the 304 for a client that has this answer already, else the answer itself."""
        if answer.status == HTTPStatus.OK and cache.not_modified(asked.fields, answer):
            kept = [(n, v) for n, v in answer.fields if n in (b"Age", b"Cache-Status")]
            short = cache.as_not_modified(answer)
            return replace(short, fields=(*short.fields, *kept))
        return answer

    def _not_asked(self, group: str) -> web.StreamResponse:
        if self.credentials.own.missing and self.circuits.admits(group):
            return self._problem("credential-missing", Text("The sidecar has no token."), retry_after_s=TOKEN_AGAIN_S)
        return self._problem("server-down", Text("Nothing is remembered of this."), retry_after_s=self.circuits.retry_after_s(group))

    def _no_answer(self, failure: Failure) -> web.StreamResponse:
        self.meters.reads_of("missing").inc()
        return self.passing.no_answer(failure)

    def _problem(self, code: str, detail: Text, *, retry_after_s: int | None = None) -> web.StreamResponse:
        self.meters.reads_of("missing").inc()
        return answers.problem(problem(code, detail, self.profile.error_members, retry_after_s=retry_after_s))

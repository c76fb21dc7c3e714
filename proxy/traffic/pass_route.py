"""A pass route: streamed through while the server is up, refused at once while its circuit is open; never kept."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from proxy.profiles.model import Route
from proxy.rules.fields import overlaid, to_block, with_length
from proxy.rules.outcome import Outcome, OutcomeKind, classify_head, failed
from proxy.rules.problems import problem
from proxy.rules.slots import translated
from proxy.rules.wire import Answer, Failure, Fields, first
from proxy.texts import Text
from proxy.traffic import answers
from proxy.traffic.active_profile import ActiveProfile
from proxy.traffic.apart import apart
from proxy.traffic.body import Body, Incomplete, TooLarge
from proxy.traffic.budget import Budget
from proxy.traffic.circuits import Circuits
from proxy.traffic.credentials import Caller, Credentials
from proxy.traffic.limits import Limits
from proxy.traffic.meters import Meters
from proxy.traffic.persons import Persons
from proxy.traffic.upstream import Broken, Outgoing, StreamedAnswer, Upstream

log = logging.getLogger(__name__)

OTHER_GROUP: Final = "other"
"""The circuit of what no route describes."""

AGAIN_S: Final = 60
"""Retry-After for a person whom the server does not know yet: their registration is under way."""

TOKEN_AGAIN_S: Final = 5
"""Retry-After while the sidecar's own token is being fetched."""


@dataclass(frozen=True, slots=True)
class PassRoute:
    """Relays requests and their answers."""

    profile: ActiveProfile
    upstream: Upstream
    circuits: Circuits
    credentials: Credentials
    budget: Budget
    persons: Persons
    meters: Meters
    body_max: int
    limits: Limits

    async def relay(self, request: web.BaseRequest, route: Route | None, target: str, body: Body | None = None) -> web.StreamResponse:
        """
        Pass one request on.

        Args:
            request: Whose answer is relayed.
            route: Its route, None where none describes it.
            target: Raw path and query, as it came.
            body: Given where some of it was read already.
        """
        group = OTHER_GROUP if route is None else route.group
        caller = self.credentials.caller(request)
        if (refusal := self._refusal(caller, group)) is not None:
            return refusal
        body = body or Body(request, self.limits)
        try:
            going_up = await self._going_up(request.method, route, target, caller.fields, body)
        except Incomplete as unfit:
            return self._problem(unfit.code, Text("The rest of it did not come."))
        if isinstance(going_up, web.Response):
            return going_up
        # Only now: a desk that never sends the rest of its body must not keep a half-open circuit's one permit.
        permit = self.circuits.permit(group, records=False)
        if permit is None:
            return self._server_down(group)
        self.budget.live()
        fields = overlaid(going_up.fields, self.credentials.fields_with(caller.held))
        try:
            async with self.upstream.stream(Outgoing(going_up.method, going_up.target, fields, going_up.body)) as answer:
                if isinstance(answer, Failure) and body.missing is not None:
                    return self._problem(body.missing, Text("It was passed on in part."))
                outcome = _outcome(answer, described=route is not None)
                self.circuits.observe(permit, outcome)
                self.judge(caller, outcome, route)
                self.meters.upstream_requests.labels(outcome.kind.value).inc()
                return self.no_answer(answer) if isinstance(answer, Failure) else await _relay_answer(request, answer)
        finally:
            self.circuits.unused(permit)

    def _refusal(self, caller: Caller, group: str) -> web.Response | None:
        if caller.stranger:
            return self._problem("not-known", Text("What you ask would go up with the sidecar's own credential."))
        if not self.circuits.admits(group):
            return self._server_down(group)
        if self.credentials.own.missing:
            return self._problem("credential-missing", Text("The sidecar has no token."), retry_after_s=TOKEN_AGAIN_S)
        return None

    def judge(self, caller: Caller, outcome: Outcome, route: Route | None) -> None:
        """Note what a head shows of the caller's credential; not whether a 401 is about it: a wrong one-time password has one too."""
        if outcome.kind is not OutcomeKind.AUTH:
            self.credentials.judged(caller.held, outcome.kind, None, shows=self._vouches(route))

    def _vouches(self, route: Route | None) -> bool:
        return route is not None and route.name in self.profile.profile.credentials.vouched_by

    async def _going_up(self, method: str, route: Route | None, target: str, fields: Fields, body: Body) -> Outgoing | web.Response:
        """Return the request with real ids in the place of provisional ones, or the problem with it."""
        try:
            content = await body.whole(self.body_max)
        except TooLarge:
            content = None  # passed on as it arrives; its path and fields are looked at all the same
        if body.exceeds(self.limits.passed_max):
            return self._problem(TooLarge.code, Text("More than {most} bytes are not passed on.", {"most": self.limits.passed_max}))
        known = await self.persons.resolve(route, target, to_block(fields), content or b"")
        if known is None:
            return self._problem("person-unknown", Text("An id in it was not given out, or stands where it cannot be replaced."))
        if known.awaits:
            return self._problem("person-not-registered-yet", Text("The id is provisional."), retry_after_s=AGAIN_S)
        if content is None or route is None or not known.real_ids:
            return Outgoing(method, target, fields, body.outgoing())
        there, translation = await apart(len(content), translated, route, target, content, known.real_ids)
        return Outgoing(method, there, with_length(fields, len(translation)), translation or None)

    def _server_down(self, group: str) -> web.Response:
        return self._problem("server-down", Text("It does not answer."), retry_after_s=self.circuits.retry_after_s(group))

    def no_answer(self, failure: Failure) -> web.Response:
        """Return what a client is told of a call that ended without an answer."""
        if failure.sent:
            return self._problem("server-no-answer", Text("It ended with: {cause}.", {"cause": failure.kind.value}))
        return self._problem("server-unreachable", Text("It ended with: {cause}.", {"cause": failure.kind.value}), retry_after_s=1)

    def _problem(self, code: str, detail: Text, *, retry_after_s: int | None = None) -> web.Response:
        return answers.problem(problem(code, detail, self.profile.error_members, retry_after_s=retry_after_s))


async def _relay_answer(request: web.BaseRequest, answer: StreamedAnswer) -> web.StreamResponse:
    if answer.whole is not None:
        return answers.relayed(Answer(answer.status, answer.reason, answer.fields, answer.whole))
    response = web.StreamResponse(status=answer.status, reason=answer.reason)
    answers.relay_fields(answer.fields, response)
    await response.prepare(request)
    try:
        async for chunk in answer.chunks:
            await response.write(chunk)
    except Broken:
        # The head is out already: the only honest end of a broken answer is a broken one.
        log.warning("answer broke off", extra={"action": "relay_broken", "status": answer.status})
        if request.transport is not None:
            request.transport.abort()
        return response
    except ConnectionError:
        return response  # the client left
    await response.write_eof()
    return response


def _outcome(answer: StreamedAnswer | Failure, *, described: bool) -> Outcome:
    if isinstance(answer, Failure):
        return failed(answer)
    kind = first(answer.fields, b"content-type") or ""
    return classify_head(answer.status, kind, described=described, reason=answer.reason)

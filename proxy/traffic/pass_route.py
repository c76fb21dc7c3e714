"""A pass route: streamed through while the server is up, refused at once while its circuit is open; never kept."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from proxy.rules.fields import forwardable, overlaid
from proxy.rules.outcome import Outcome, classify_head, failed
from proxy.rules.problems import problem
from proxy.rules.wire import Failure, first
from proxy.traffic import answers
from proxy.traffic.active_profile import ActiveProfile
from proxy.traffic.body import Body, Incomplete
from proxy.traffic.budget import Budget
from proxy.traffic.circuits import Circuits
from proxy.traffic.clock import Clock
from proxy.traffic.credentials import Credentials
from proxy.traffic.meters import Meters
from proxy.traffic.upstream import Broken, Outgoing, StreamedAnswer, Upstream

log = logging.getLogger(__name__)

OTHER_GROUP: Final = "other"
"""The circuit of what no route describes."""


@dataclass(frozen=True, slots=True)
class PassRoute:
    """Relays requests and their answers."""

    profile: ActiveProfile
    upstream: Upstream
    circuits: Circuits
    credentials: Credentials
    budget: Budget
    meters: Meters
    clock: Clock

    async def relay(self, request: web.BaseRequest, group: str, target: str, body: Body | None = None) -> web.StreamResponse:
        """Pass one request on; *target* is raw path and query; *body* is given where some of it was read already."""
        permit = self.circuits.permit(group, records=False)
        if permit is None:
            return self._problem("server-down", "It does not answer.", retry_after_s=self.circuits.retry_after_s(group))
        self.budget.live()
        fields, credential = self.credentials.split(forwardable(request.raw_headers))
        self.credentials.principal(credential)
        content = (body or Body(request)).outgoing()
        outgoing = Outgoing(request.method, target, overlaid(fields + credential, self.credentials.own()), content)
        try:
            async with self.upstream.stream(outgoing) as answer:
                outcome = _outcome(answer, described=group != OTHER_GROUP)
                self.circuits.observe(permit, outcome)
                self.meters.upstream_requests.labels(outcome.kind.value).inc()
                return self._no_answer(answer) if isinstance(answer, Failure) else await _relay_answer(request, answer)
        except Incomplete:
            return self._problem("body-incomplete", "The connection broke off.")
        finally:
            self.circuits.unused(permit)

    def _no_answer(self, failure: Failure) -> web.Response:
        if failure.sent:
            return self._problem("server-no-answer", f"It ended with: {failure.kind.value}.")
        return self._problem("server-unreachable", f"It ended with: {failure.kind.value}.", retry_after_s=1)

    def _problem(self, code: str, detail: str, *, retry_after_s: int | None = None) -> web.Response:
        return answers.problem(problem(code, detail, self.profile.error_members, retry_after_s=retry_after_s))


async def _relay_answer(request: web.BaseRequest, answer: StreamedAnswer) -> web.StreamResponse:
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
    return classify_head(answer.status, first(answer.fields, b"content-type") or "", described=described)

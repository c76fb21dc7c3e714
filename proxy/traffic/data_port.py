"""The data port: which of our ways a request of the desks' software takes."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from http import HTTPMethod, HTTPStatus
from typing import Final, assert_never

from aiohttp import hdrs, web

from proxy.profiles.model import Policy
from proxy.rules.cross_origin import preflight, shared_with
from proxy.rules.problems import problem
from proxy.rules.routes import Match, without_prefix
from proxy.rules.served import origin_form, refusal
from proxy.texts import Text
from proxy.traffic import answers
from proxy.traffic.active_profile import ActiveProfile
from proxy.traffic.clock import Clock
from proxy.traffic.meters import Meters
from proxy.traffic.monitor import OWN_PREFIX, Monitor, listens
from proxy.traffic.pass_route import PassRoute
from proxy.traffic.reads import ReadRoute
from proxy.traffic.record_route import RecordRoute
from proxy.traffic.waits import Waits
from store.errors import JournalError

log = logging.getLogger(__name__)

METHODS: Final = frozenset(HTTPMethod.__members__)
"""Those that are told apart in metrics: anybody can make one up."""


@dataclass(frozen=True, slots=True)
class DataPort:
    """Hands each request to its route's policy; *prefix* is the path of `upstream.url`, which the desks keep."""

    profile: ActiveProfile
    prefix: str
    recording: RecordRoute
    reading: ReadRoute
    passing: PassRoute
    monitor: Monitor
    meters: Meters
    clock: Clock
    waits: Waits
    origins: frozenset[str] = frozenset()
    """Of pages that may use it from elsewhere (`listen.cors_origins`)."""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request and count it."""
        began_s = self.clock.monotonic()
        target = origin_form(request.raw_path)
        path = target.partition("?")[0]
        inner = without_prefix(path, self.prefix)
        found = None if inner is None else self.profile.routes.match(request.method, inner)
        route = found.route.name if found else "other"
        try:
            response = answers.for_reader(request, await self._answer_or_problem(request, found, target))
        finally:
            now_s = self.clock.monotonic()
            if not listens(request, path):
                self.meters.http_request_duration_of(route).observe(now_s - began_s)
        if self.origins and isinstance(response, answers.Ready):
            response = response.written_out()  # for fields to be added
        if found and found.route.policy in (Policy.RECORD, Policy.READ):
            self.waits.note(found.route.group, now_s, now_s - began_s)
        outcome = response.get(answers.OUTCOME, "own")
        self.meters.http_requests_of(_known(request.method), route, outcome).inc()
        return response

    async def _answer_or_problem(self, request: web.BaseRequest, found: Match | None, target: str) -> web.StreamResponse:
        try:
            return await self._answer(request, found, target)
        except JournalError as error:
            log.exception("journal cannot be asked", extra={"action": "journal_unreadable", "error": type(error).__name__})
            return self._problem("cannot-record", Text("The sidecar's journal cannot be read."))

    async def _answer(  # noqa: PLR0911 - one way, one return
        self, request: web.BaseRequest, found: Match | None, target: str
    ) -> web.StreamResponse:
        if (code := refusal(request.method, request.version, target, request.raw_headers)) is not None:
            return self._problem(code, Text("It is not forwarded."))
        if self.origins and (allowed := self._preflight(request)) is not None:
            return allowed
        if target.startswith(OWN_PREFIX):
            return await self.monitor.answer(request, target.partition("?")[0])
        if found is None:
            return await self.passing.relay(request, None, target)
        match found.route.policy:
            case Policy.RECORD:
                return await self.recording.answer(request, found, target)
            case Policy.READ:
                return await self.reading.answer(request, found, target)
            case Policy.PASS:
                return await self.passing.relay(request, found.route, target)
            case Policy.DENY:
                return self._problem("denied", Text("Route {route}.", {"route": found.route.name}))
            case _:
                assert_never(found.route.policy)

    def _preflight(self, request: web.BaseRequest) -> web.Response | None:
        asked = request.headers.get
        fields = preflight(
            request.method,
            asked(hdrs.ORIGIN),
            asked(hdrs.ACCESS_CONTROL_REQUEST_METHOD),
            asked(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, ""),
            self.origins,
        )
        return None if fields is None else web.Response(status=HTTPStatus.NO_CONTENT, headers=fields)

    def share(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        """Let pages of the origins that the operator named read *response*, whose head is complete."""
        fields = response.headers
        exposed, vary = fields.get(hdrs.ACCESS_CONTROL_EXPOSE_HEADERS), ", ".join(fields.getall(hdrs.VARY, ())) or None
        for name, value in shared_with(request.headers.get(hdrs.ORIGIN), self.origins, exposed, vary).items():
            fields[name] = value

    async def stop(self) -> None:
        """End what would hold up a stop."""
        await self.monitor.listeners.close()

    def _problem(self, code: str, detail: Text) -> web.Response:
        return answers.problem(problem(code, detail, self.profile.error_members))


def _known(method: str) -> str:
    return method if method in METHODS else "other"

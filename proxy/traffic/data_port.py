"""The data port: which of our ways a request of the desks' software takes."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from http import HTTPMethod
from typing import assert_never

from aiohttp import web

from proxy.profiles.model import Policy
from proxy.rules.problems import problem
from proxy.rules.routes import Match, without_prefix
from proxy.rules.served import origin_form, refusal
from proxy.traffic import answers
from proxy.traffic.active_profile import ActiveProfile
from proxy.traffic.meters import Meters
from proxy.traffic.monitor import OWN_PREFIX, Monitor
from proxy.traffic.pass_route import PassRoute
from proxy.traffic.reads import ReadRoute
from proxy.traffic.record_route import RecordRoute
from store.errors import JournalError

log = logging.getLogger(__name__)


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

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request and count it."""
        target = origin_form(request.raw_path)
        path = target.partition("?")[0]
        inner = without_prefix(path, self.prefix)
        found = None if inner is None else self.profile.routes.match(request.method, inner)
        route = found.route.name if found else "other"
        with self.meters.http_request_duration_of(route).time():
            response = await self._answer_or_problem(request, found, target)
        outcome = response.get(answers.OUTCOME, "own")
        self.meters.http_requests_of(_known(request.method), route, outcome).inc()
        return response

    async def _answer_or_problem(self, request: web.Request, found: Match | None, target: str) -> web.StreamResponse:
        try:
            return await self._answer(request, found, target)
        except JournalError as error:
            log.exception("journal cannot be asked", extra={"action": "journal_unreadable", "error": type(error).__name__})
            return self._problem("cannot-record", "The sidecar's journal cannot be read.")

    async def _answer(  # noqa: PLR0911 - one way, one return
        self, request: web.Request, found: Match | None, target: str
    ) -> web.StreamResponse:
        if (code := refusal(request.method, request.version, target, request.raw_headers)) is not None:
            return self._problem(code, "It is not forwarded.")
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
                return self._problem("denied", f"Route {found.route.name}.")
            case _:
                assert_never(found.route.policy)

    def _problem(self, code: str, detail: str) -> web.Response:
        return answers.problem(problem(code, detail, self.profile.error_members))


def _known(method: str) -> str:
    return method if method in HTTPMethod.__members__ else "other"

"""The data port: which of our ways a request of the desks' software takes."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from http import HTTPMethod
from typing import Final, assert_never

from aiohttp import web

from proxy.profiles.model import Policy
from proxy.rules.problems import problem
from proxy.rules.routes import Match, has_dot_segments, without_prefix
from proxy.traffic import answers
from proxy.traffic.active_profile import ActiveProfile
from proxy.traffic.meters import Meters
from proxy.traffic.monitor import OWN_PREFIX, Monitor
from proxy.traffic.pass_route import PassRoute
from proxy.traffic.record_route import RecordRoute
from store.errors import JournalError

log = logging.getLogger(__name__)

NOT_SERVED: Final = frozenset({"CONNECT", "TRACE"})
"""Methods that would make an open proxy of us, or show a client its own credentials (RFC 9110 §9.3.6, §9.3.8)."""


@dataclass(frozen=True, slots=True)
class DataPort:
    """Hands each request to its route's policy; *prefix* is the path of `upstream.url`, which the desks keep."""

    profile: ActiveProfile
    prefix: str
    recording: RecordRoute
    passing: PassRoute
    monitor: Monitor
    meters: Meters

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request and count it."""
        path, _, query = origin_form(request.raw_path).partition("?")
        inner = without_prefix(path, self.prefix)
        found = None if inner is None else self.profile.routes.match(request.method, inner)
        route = found.route.name if found else "other"
        with self.meters.http_request_duration.labels(route).time():
            response = await self._answer_or_problem(request, found, path, query)
        outcome = response.get(answers.OUTCOME, "own")
        self.meters.http_requests.labels(_known(request.method), route, outcome).inc()
        return response

    async def _answer_or_problem(self, request: web.Request, found: Match | None, path: str, query: str) -> web.StreamResponse:
        try:
            return await self._answer(request, found, path, query)
        except JournalError as error:
            log.exception("journal cannot be asked", extra={"action": "journal_unreadable", "error": type(error).__name__})
            return self._problem("cannot-record", "The sidecar's journal cannot be read.")

    async def _answer(self, request: web.Request, found: Match | None, path: str, query: str) -> web.StreamResponse:
        if path.startswith(OWN_PREFIX):
            return await self.monitor.answer(request, path)
        if (code := _not_served(request.method, path)) is not None:
            return self._problem(code, "It is not forwarded.")
        target = f"{path}?{query}" if query or request.raw_path.endswith("?") else path
        if found is None:
            return await self.passing.relay(request, None, target)
        match found.route.policy:
            case Policy.RECORD:
                return await self.recording.answer(request, found, target)
            case Policy.READ | Policy.PASS:
                return await self.passing.relay(request, found.route, target)
            case Policy.DENY:
                return self._problem("denied", f"Route {found.route.name}.")
            case _:
                assert_never(found.route.policy)

    def _problem(self, code: str, detail: str) -> web.Response:
        return answers.problem(problem(code, detail, self.profile.error_members))


def _not_served(method: str, path: str) -> str | None:
    if method in NOT_SERVED:
        return "method-not-served"
    return "path-not-served" if has_dot_segments(path) else None


def origin_form(raw: str) -> str:
    """Return path and query of a request target; the host of an absolute-form target is ignored (RFC 9112 §3.2.2)."""
    if raw.startswith("/") or "://" not in raw:
        return raw
    rest = raw.partition("://")[2]
    slash = rest.find("/")
    return rest[slash:] if slash >= 0 else "/"


def _known(method: str) -> str:
    return method if method in HTTPMethod.__members__ else "other"

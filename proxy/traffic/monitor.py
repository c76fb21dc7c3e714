"""What the data port says of itself to client software: the status of the centre and of one record, never a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import orjson
from aiohttp import hdrs, web
from ulid import ULID

from proxy.rules.problems import problem
from proxy.rules.receipt import RECORDS_PATH
from proxy.rules.telling import standing, told
from proxy.texts import LANGUAGES, Text, preferred
from proxy.traffic import answers
from proxy.traffic.active_profile import ActiveProfile
from proxy.traffic.listeners import AGAIN_S, Listeners, wants_events
from store.journal import Journal

OWN_PREFIX: Final = "/.dosekeeper/"

STATUS: Final = f"{OWN_PREFIX}status"

VARIES: Final = {hdrs.VARY: "Accept, Accept-Language"}


def listens(request: web.BaseRequest, path: str) -> bool:
    """Whether what is asked for is the stream of events, an answer without an end."""
    return path == STATUS and wants_events(request.headers.get(hdrs.ACCEPT, ""))


@dataclass(frozen=True, slots=True)
class Monitor:
    """Answers under `/.dosekeeper/`."""

    profile: ActiveProfile
    journal: Journal
    listeners: Listeners

    async def answer(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        """Answer GET and HEAD; everything else is not served."""
        if request.method not in ("GET", "HEAD"):
            refused = self._problem("method-not-served", Text("Only GET and HEAD are."))
            refused.headers[hdrs.ALLOW] = "GET, HEAD"
            return refused
        if path == STATUS:
            return await self._status(request, path)
        if path.startswith(RECORDS_PATH):
            return await self._record(request, path.removeprefix(RECORDS_PATH))
        return self._problem("no-such-page")

    async def _status(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        language = _language(request)
        if not listens(request, path):
            return _said(told(await self.listeners.look(), language), language)
        response = web.StreamResponse(headers={hdrs.CONTENT_LANGUAGE: language, **VARIES})
        if await self.listeners.stream(request, response, language):
            return response
        return self._problem("too-many-listeners", retry_after_s=AGAIN_S)

    async def _record(self, request: web.BaseRequest, text: str) -> web.Response:
        try:
            record = await self.journal.get(ULID.from_str(text).bytes)
        except ValueError:
            record = None
        if record is None:
            return self._problem("no-such-record")
        language = _language(request)
        message = standing(record.state, record.number).said(language)
        known = {"id": text, "number": record.number, "state": record.state.value, "reason": record.reason, "message": message}
        return _said(known, language)

    def _problem(self, code: str, detail: Text | None = None, retry_after_s: int | None = None) -> web.Response:
        return answers.problem(problem(code, detail, self.profile.error_members, retry_after_s=retry_after_s))


def _said(known: dict[str, object], language: str) -> web.Response:
    response = answers.json(orjson.dumps(known))
    response.headers.update({hdrs.CONTENT_LANGUAGE: language, **VARIES})
    return response


def _language(request: web.BaseRequest) -> str:
    """Return the language that the query names, where it is one of ours, else the one that the reader prefers."""
    named = request.query.get("lang", "")
    return named if named in LANGUAGES else preferred(request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))

"""What the data port says of itself to client software: the status of the centre and of one record, never a person."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson
from aiohttp import web
from ulid import ULID

from proxy.rules.problems import problem
from proxy.rules.receipt import RECORDS_PATH
from proxy.traffic import answers
from proxy.traffic.active_profile import ActiveProfile
from store.journal import Journal

OWN_PREFIX: Final = "/.dosekeeper/"


@dataclass(frozen=True, slots=True)
class Monitor:
    """Answers under `/.dosekeeper/`."""

    profile: ActiveProfile
    journal: Journal
    status: Callable[[], Awaitable[dict[str, Any]]]

    async def answer(self, request: web.Request, path: str) -> web.Response:
        """Answer GET and HEAD; everything else is not served."""
        if request.method not in ("GET", "HEAD"):
            return self._problem("method-not-served", "Only GET and HEAD are.")
        if path == f"{OWN_PREFIX}status":
            return answers.json(orjson.dumps(await self.status()))
        if path.startswith(RECORDS_PATH):
            return await self._record(path.removeprefix(RECORDS_PATH))
        return self._problem("no-such-page", "")

    async def _record(self, text: str) -> web.Response:
        try:
            record = await self.journal.get(ULID.from_str(text).bytes)
        except ValueError:
            record = None
        if record is None:
            return self._problem("no-such-record", "")
        return answers.json(orjson.dumps({"id": text, "number": record.number, "state": record.state.value, "reason": record.reason}))

    def _problem(self, code: str, detail: str) -> web.Response:
        return answers.problem(problem(code, detail, self.profile.error_members))

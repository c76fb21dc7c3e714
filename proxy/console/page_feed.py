"""What the console's page asks for beside the API: how the centre stands, in words, and the report of outages as a page."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import orjson
from aiohttp import hdrs, web

from proxy.console.api import answered, as_json
from proxy.console.page import language_of
from proxy.operations.asked import ReportAsked, parsed
from proxy.operations.centre import Centre
from proxy.operations.health import DOSE_BYTES
from proxy.operations.outage_report import report
from proxy.operations.public_status import public_status
from proxy.operations.status import status
from proxy.operations.times import rfc3339
from proxy.rules.telling import told
from proxy.settings.model import Centre as Place

REPORT_FIELDS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    hdrs.CACHE_CONTROL: "no-store",
}
"""With the report, which has its style within itself and no script."""


def feed_routes(centre: Centre, place: Place) -> list[web.RouteDef]:
    """Return the routes for *centre*; *place* is what the settings say of it."""

    async def now(request: web.Request) -> web.Response:
        return await answered(_now(centre, place, language_of(request)))

    async def outages(request: web.Request) -> web.Response:
        return await answered(_report(centre, place, request))

    return [web.get("/console/now", now), web.get("/console/report", outages)]


async def _now(centre: Centre, place: Place, language: str) -> web.Response:
    """Return how the centre stands, what staff are told of it, and with what the page tells its times."""
    public = await public_status(centre)
    disk = centre.journal.standing()
    # The figures are the page's own: what the desks are told of them sends people to the ICT officer, who sits here.
    words = told(replace(public, pending=0, held=0, needs_log_in=0, logged_out=False, more={}), language)
    said = {
        **{name: words[name] for name in ("state", "since", "tell", "next_step", "can_record")},
        "at": rfc3339(centre.clock.wall()),
        "centre": {"id": place.id, "name": place.name, "timezone": place.timezone},
        "routes": list(centre.record_routes()),
        "disk": {"why": disk.why.value, "doses": None if disk.left is None else disk.left // DOSE_BYTES},
        "status": await status(centre),
    }
    return as_json(said)


async def _report(centre: Centre, place: Place, request: web.Request) -> web.Response:
    asked = {name: request.query[name] for name in ("since", "until") if name in request.query}
    found = await report(centre, parsed(ReportAsked, {**asked, "timezone": place.timezone}))
    page = await asyncio.to_thread(_written, orjson.loads(orjson.dumps(found)), language_of(request), place)
    return web.Response(text=page, content_type="text/html", headers=REPORT_FIELDS)


def _written(found: dict[str, Any], language: str, place: Place) -> str:
    from proxy.operations.report_page import page
    from proxy.operations.report_words import Words

    return page(found, Words(language, place.timezone), place.name or place.id)

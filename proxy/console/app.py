"""The admin port: console, metrics, health, API; and the metrics port, which has nothing but metrics and whether it is alive."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import orjson
from aiohttp import web

from proxy.console.api import api_routes
from proxy.console.guard import Guard
from proxy.console.metrics import Metrics
from proxy.console.page import TEXTS_PATH, page_files, page_routes
from proxy.console.page_feed import feed_routes
from proxy.operations.centre import Centre
from proxy.operations.health import can_record
from proxy.operations.places import JOURNAL_FIELD
from proxy.settings.model import Centre as Place
from proxy.traffic.answers import strip_added

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def admin_app(centre: Centre, metrics: Metrics, guard: Guard, identity: str, place: Place) -> web.Application:
    """
    Return the application.

    Args:
        centre: What it acts on.
        metrics: Answers `/metrics`.
        guard: Who may use it.
        identity: Told in `JOURNAL_FIELD` with every answer, so that a command knows whose port it is.
        place: What the settings say of the centre.
    """

    async def introduce(_: web.BaseRequest, response: web.StreamResponse) -> None:
        response.headers[JOURNAL_FIELD] = identity

    async def readyz(_: web.Request) -> web.Response:
        ready = await can_record(centre)
        return _told(200 if ready else 503, can_record=ready)

    page = page_files()
    app = metrics_app(metrics, replace(guard, open=frozenset({*page, TEXTS_PATH})))
    app.on_response_prepare.append(introduce)
    app.add_routes([web.get("/readyz", readyz), *page_routes(page), *feed_routes(centre, place), *api_routes(centre)])
    return app


def metrics_app(metrics: Metrics, guard: Guard) -> web.Application:
    """Return the application of the metrics port."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        refusal = guard.refusal(request)
        return await handler(request) if refusal is None else refusal

    async def healthz(_: web.Request) -> web.Response:
        return _told(200, alive=True)

    async def strip(_: web.BaseRequest, response: web.StreamResponse) -> None:
        strip_added(response)

    app = web.Application(middlewares=[guarded])
    app.on_response_prepare.append(strip)
    app.add_routes([web.get("/metrics", metrics.answer), web.get("/healthz", healthz)])
    return app


def _told(status: int, **facts: bool) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(facts), content_type="application/json")

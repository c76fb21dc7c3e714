"""`/metrics`: one snapshot of the journal a scrape, with this process's own figures."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics

from proxy.operations.centre import Centre
from proxy.operations.scrape import Made, durable
from proxy.settings import Settings
from proxy.traffic.meters import Meters

log = logging.getLogger(__name__)

OPENMETRICS: Final = "application/openmetrics-text"

PATIENCE_S: Final = 5.0
"""A scrape gives up after ten seconds by default; what this process counted is told before that."""


class Metrics:
    """Answers a scrape. Where the journal cannot be read, what this process counted is still told, and that it could not is counted."""

    def __init__(self, centre: Centre, meters: Meters, settings: Settings) -> None:
        self._centre = centre
        self._meters = meters
        self._settings = settings
        self._reading: asyncio.Task[tuple[Metric, ...]] | None = None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer in the text format that is asked for, OpenMetrics or Prometheus's own."""
        registry = CollectorRegistry()
        registry.register(Made([*await self._durable(), *self._meters.registry.collect()]))
        # Not the library's choose_encoder: a version that is no number is a 500 there.
        if OPENMETRICS in request.headers.get(hdrs.ACCEPT, ""):
            body, kind = openmetrics.generate_latest(registry), openmetrics.CONTENT_TYPE_LATEST
        else:
            body, kind = generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4
        return web.Response(body=body, headers={hdrs.CONTENT_TYPE: kind, hdrs.CACHE_CONTROL: "no-store"})

    async def _durable(self) -> tuple[Metric, ...]:
        # Who scrapes meanwhile shares it, also one that takes long: a disk that hangs must not gather threads that wait for it.
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(durable(self._centre, self._settings), name="scrape")
            self._reading.add_done_callback(_looked_at)
        try:
            return await asyncio.wait_for(asyncio.shield(self._reading), PATIENCE_S)
        except Exception:
            # Of whatever kind: a scrape that fails tells nothing at all.
            self._meters.journal_read_errors.inc()
            log.exception("metrics without the journal's", extra={"action": "scrape_failed"})
            return ()


def _looked_at(reading: asyncio.Task[tuple[Metric, ...]]) -> None:
    """Take note of an error that came when nobody waited for it any more."""
    if not reading.cancelled():
        reading.exception()

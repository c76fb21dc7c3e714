"""`/metrics`: one snapshot of the journal a scrape, with this process's own figures."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Info
from prometheus_client.aiohttp import make_aiohttp_handler
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from proxy.console.durable import Standing, families
from proxy.operations.centre import Centre
from proxy.operations.groups import group_is_down, groups
from proxy.operations.status import in_force
from store.errors import JournalError

log = logging.getLogger(__name__)


class _Made(Collector):
    """Families that were made before they are collected."""

    def __init__(self, values: tuple[Metric, ...]) -> None:
        self._values = values

    def collect(self) -> Iterable[Metric]:
        return self._values


class Metrics:
    """Answers a scrape. Where the journal cannot be read, what this process counted is still told, and that it could not is counted."""

    def __init__(self, centre: Centre, process: CollectorRegistry, journal: Path) -> None:
        self._centre = centre
        self._process = process
        self._folder = journal.parent
        self._unread = Counter(
            "dosekeeper_journal_read_errors", "Scrapes that could not read the journal: the durable metrics were missing.", registry=process
        )
        Info("dosekeeper_build", "The version that is running.", registry=process).info({"version": running_version()})

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer in the text format that is asked for, OpenMetrics or Prometheus's own."""
        registry = CollectorRegistry()
        registry.register(_Made((*await self._durable(), *self._process.collect())))
        return await make_aiohttp_handler(registry, disable_compression=True)(request)

    async def _durable(self) -> tuple[Metric, ...]:
        try:
            return tuple(families(await self._standing()))
        except JournalError:
            self._unread.inc()
            log.exception("metrics without the journal's", extra={"action": "scrape_failed"})
            return ()

    async def _standing(self) -> Standing:
        now = self._centre.clock.stamp()
        snapshot = await self._centre.snapshot()
        up = {group: not group_is_down(self._centre, group, snapshot) for group in groups(self._centre)}
        free = await asyncio.to_thread(_free_bytes, self._folder)
        offset_s = self._centre.traffic.watch.offset_s() if self._centre.traffic else None
        held = in_force(snapshot.hold, now.wall) is not None
        return Standing(snapshot, up, self._centre.record_routes(), now, free, held, offset_s)


def running_version() -> str:
    """Return the version of dosekeeper that is installed, `0` where it runs from a folder."""
    try:
        return version("dosekeeper")
    except PackageNotFoundError:
        return "0"


def _free_bytes(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None

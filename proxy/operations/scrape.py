"""What one scrape is told of the journal and the circuits: read here, made into metrics in `proxy.operations.durable`."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterable
from pathlib import Path
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from proxy.operations.centre import Centre
from proxy.operations.durable import Standing, families
from proxy.operations.groups import group_is_down, groups
from proxy.operations.status import in_force
from proxy.rules.hours import latest_opening
from proxy.settings import Settings


async def durable(centre: Centre, settings: Settings) -> tuple[Metric, ...]:
    """Return the durable metrics, all of one moment. Raises JournalError where the journal cannot be read."""
    now = centre.clock.stamp()
    snapshot = await centre.snapshot()
    traffic, hours = centre.traffic, settings.centre.hours or ()
    timezone = ZoneInfo(settings.centre.timezone)
    standing = Standing(
        snapshot=snapshot,
        groups={group: not group_is_down(centre, group, snapshot) for group in groups(centre)},
        routes=centre.record_routes(),
        at=now,
        free_bytes=await asyncio.to_thread(_free_bytes, settings.store.path.parent),
        held=in_force(snapshot.hold, now.wall) is not None,
        clock_offset_s=traffic.watch.offset_s() if traffic else None,
        openings={str(span): latest_opening(span, now.wall, timezone) for span in hours},
        running=traffic is not None,
    )
    return tuple(families(standing))


async def as_text(centre: Centre, settings: Settings) -> str:
    """Return the durable metrics in Prometheus's text format. Raises as `durable`."""
    registry = CollectorRegistry()
    registry.register(Made(await durable(centre, settings)))
    return generate_latest(registry).decode()


class Made(Collector):
    """Metrics that were made before they are collected."""

    def __init__(self, values: Iterable[Metric]) -> None:
        self._values = tuple(values)

    def collect(self) -> Iterable[Metric]:
        """Return them."""
        return self._values


def _free_bytes(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None

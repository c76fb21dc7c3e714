"""An admin port on a real socket."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

import aiohttp
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families as parsed

from proxy.operations.centre import Centre
from store.journal import Journal

TOKEN = "correct horse"


@dataclass
class AdminPort:
    url: str
    http: aiohttp.ClientSession
    journal: Journal
    centre: Centre

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with self.http.get(self.url + path, headers=headers) as answer:
            return answer.status, await answer.text()

    async def families(self) -> dict[str, Metric]:
        status, text = await self.get("/metrics")
        assert status == HTTPStatus.OK
        return {family.name: family for family in parsed(text)}

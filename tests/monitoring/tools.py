"""Debian's prometheus and prometheus-alertmanager, run with the files of deploy/ as they are but for addresses and waits."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
from aiohttp import web

from tests.architecture.source import ROOT

DEPLOY: Final = ROOT / "deploy"
REQUIRED: Final = "PROMETHEUS_REQUIRED" in os.environ
"""Set by `.ci/run` where they can be installed: what could be tried there must not be passed over."""

WITHIN_S: Final = 40.0
"""For a machine that is busy with other things; each step takes a second or two."""

LOOK_EVERY_S: Final = 0.05


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skip where one of Debian's programs is missing, and need not be there."""
    missing = [name for name in programs if shutil.which(name) is None]
    return pytest.mark.skipif(
        bool(missing) and not REQUIRED, reason=f"no {', '.join(missing)} here; on Debian: apt install prometheus prometheus-alertmanager"
    )


async def until(met: Callable[[], Awaitable[bool]], what: Callable[[], Awaitable[object]]) -> None:
    """Wait until *met*; *what* tells, where it never is, how it stands instead."""
    with suppress(TimeoutError):
        async with asyncio.timeout(WITHIN_S):
            while not await met():  # noqa: ASYNC110 - it comes about in another process
                await asyncio.sleep(LOOK_EVERY_S)
            return
    pytest.fail(f"not within {WITHIN_S:.0f} s; instead: {await what()}", pytrace=True)


@dataclass(frozen=True, slots=True)
class Prometheus:
    """One that is running, asked through its HTTP API."""

    url: str
    http: aiohttp.ClientSession
    process: Process

    async def api(self, path: str, **query: str) -> Any:
        """Return the data of an answer."""
        async with self.http.get(f"{self.url}/api/v1/{path}", params=query) as answer:
            told = await answer.json()
        assert told["status"] == "success", told
        return told["data"]

    async def ask(self, query: str) -> list[tuple[dict[str, str], float]]:
        """Return what a query comes to now, as labels and value."""
        found = (await self.api("query", query=query))["result"]
        return [(sample["metric"], float(sample["value"][1])) for sample in found]

    async def firing(self) -> set[str]:
        """Return what fires now: the alert, and the centre or else the district that it is of."""
        alerts = (await self.api("alerts"))["alerts"]
        return {_named(alert["labels"]) for alert in alerts if alert["state"] == "firing"}

    async def until_true(self, *queries: str) -> None:
        """Wait until each query has a result: a comparison of it is true."""

        async def met() -> bool:
            return all([await self.ask(query) for query in queries])

        async def instead() -> object:
            return {query: await self.ask(query) for query in queries}

        await until(met, instead)

    async def until_firing(self, *alerts: str, silent: tuple[str, ...] = ()) -> None:
        """Wait until all of these fire, `NAME CENTRE`, and none of *silent* does."""

        async def met() -> bool:
            now = await self.firing()
            return now >= set(alerts) and not now & set(silent)

        await until(met, self.firing)


@dataclass(slots=True)
class Alertmanager:
    """One that is running, with the receivers that it calls: `called` has each alert of every call, `RECEIVER: NAME CENTRE STATUS`."""

    url: str
    http: aiohttp.ClientSession
    called: list[str] = field(default_factory=list)

    async def standing(self) -> dict[str, str]:
        """Return each alert that it has, and whether it is `active` or `suppressed`."""
        async with self.http.get(f"{self.url}/api/v2/alerts") as answer:
            return {_named(alert["labels"]): alert["status"]["state"] for alert in await answer.json()}

    async def until_standing(self, **wanted: tuple[str, ...]) -> None:
        """Wait until those of `active=` are, and those of `suppressed=` too."""

        async def met() -> bool:
            now = await self.standing()
            return all(now.get(alert) == state for state, alerts in wanted.items() for alert in alerts)

        await until(met, self.standing)

    async def until_called(self, *calls: str) -> None:
        """Wait until the receivers have had these."""

        async def met() -> bool:
            return set(calls) <= set(self.called)

        async def instead() -> object:
            return self.called

        await until(met, instead)


@asynccontextmanager
async def prometheus(folder: Path, config: Path, port: int, *flags: str) -> AsyncIterator[Prometheus]:
    """Run Prometheus, or its agent, until the block ends."""
    url = f"http://127.0.0.1:{port}"
    data = "--storage.agent.path" if "--enable-feature=agent" in flags else "--storage.tsdb.path"
    where = (f"--config.file={config}", f"{data}={folder / 'data'}", f"--web.listen-address=127.0.0.1:{port}")
    async with _running(folder, "prometheus", *where, *flags) as process, aiohttp.ClientSession() as http:
        await _ready(http, f"{url}/-/ready", process, folder)
        yield Prometheus(url, http, process)


@asynccontextmanager
async def alertmanager(folder: Path, port: int) -> AsyncIterator[Alertmanager]:
    """Run Alertmanager with its routes and inhibitions, without its waits, before receivers of our own."""
    called: list[str] = []

    async def call(request: web.Request) -> web.Response:
        told = await request.json()
        called.extend(f"{request.path.strip('/')}: {_named(alert['labels'])} {alert['status']}" for alert in told["alerts"])
        return web.Response()

    app = web.Application()
    app.add_routes([web.post("/{receiver}", call)])
    receivers = web.AppRunner(app)
    await receivers.setup()
    site = web.TCPSite(receivers, "127.0.0.1", 0)
    await site.start()
    quick = re.sub(r"(group_(?:wait|interval)): \w+", r"\1: 100ms", (DEPLOY / "alertmanager" / "alertmanager.yml").read_text())
    (folder / "alertmanager.yml").write_text(quick.replace("127.0.0.1:9099", f"127.0.0.1:{receivers.addresses[0][1]}"))
    where = (
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    )
    try:
        async with _running(folder, "prometheus-alertmanager", *where) as process, aiohttp.ClientSession() as http:
            await _ready(http, f"http://127.0.0.1:{port}/-/ready", process, folder)
            yield Alertmanager(f"http://127.0.0.1:{port}", http, called)
    finally:
        await receivers.cleanup()


@asynccontextmanager
async def _running(folder: Path, *command: str) -> AsyncIterator[Process]:
    with (folder / "log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(*command, cwd=folder, stdin=DEVNULL, stdout=log, stderr=log)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _ready(http: aiohttp.ClientSession, url: str, process: Process, folder: Path) -> None:
    async def met() -> bool:
        assert process.returncode is None, (folder / "log").read_text()
        with suppress(aiohttp.ClientError):
            async with http.get(url) as answer:
                return answer.ok
        return False

    async def instead() -> str:
        return (folder / "log").read_text()

    await until(met, instead)


def _named(labels: dict[str, str]) -> str:
    return f"{labels['alertname']} {labels.get('centre') or labels.get('district', '')}".strip().removeprefix("Dosekeeper")

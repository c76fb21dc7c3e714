"""Sets the stage: the server and the sidecar as processes of their own, ready, on ports that were free."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp

from simulator.demo.plan import HOST, Plan, config
from simulator.demo.processes import Failed, free_ports, started
from simulator.demo.stage import Stage

READY_S: Final = 20.0
ASK_EVERY_S: Final = 0.1
ANSWER_S: Final = 5.0


@asynccontextmanager
async def staged(plan: Plan, folder: Path) -> AsyncIterator[Stage]:
    """
    Start the server, then the sidecar in front of it; both end with the block.

    Raises:
        Failed: One of them does not come up.
    """
    port, control, data, admin = free_ports(HOST, 4)
    origin = f"http://{HOST}"
    configuration = folder / "config.yaml"
    configuration.write_text(config(plan.profile, f"{origin}:{port}{plan.dialect.base}", data, admin))
    where = ("--port", str(port), "--control-port", str(control))
    server = (*where, "--seed", str(plan.seed), "--people", str(plan.people), "--api", plan.dialect.api)
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_S)) as http,
        started("simulator", *server, folder=folder) as simulator,
    ):
        await _ready(simulator, http, f"{origin}:{control}/_sim/faults", "The server")
        async with started("proxy", "--config", str(configuration), "serve", folder=folder) as sidecar:
            await _ready(sidecar, http, f"{origin}:{data}/.dosekeeper/status", "The sidecar")
            yield Stage(http, f"{origin}:{control}", f"{origin}:{data}", f"{origin}:{admin}", configuration, plan.dialect)


async def _ready(process: Process, http: aiohttp.ClientSession, url: str, name: str) -> None:
    """Wait until *url* has a good answer."""
    try:
        async with asyncio.timeout(READY_S):
            while not await _answers(http, url):
                if process.returncode is not None:
                    raise Failed(f"{name} ended at once, with exit code {process.returncode}.")
                await asyncio.sleep(ASK_EVERY_S)
    except TimeoutError:
        raise Failed(f"{name} is not ready after {READY_S:.0f} s: {url} has no good answer.") from None


async def _answers(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(url) as answer:
            return answer.ok
    except (aiohttp.ClientError, TimeoutError):
        return False

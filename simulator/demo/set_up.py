"""Sets the stage: two servers, and a sidecar for each centre, as processes of their own, ready, on ports that were free."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from simulator.demo.national import National
from simulator.demo.plan import HOST, Plan, config
from simulator.demo.processes import free_ports, started
from simulator.demo.sidecar import Sidecar, ready

ANSWER_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Stage:
    """The server behind the sidecars, and one of the same kind that the desks call themselves."""

    server: National
    sidecars: Sequence[Sidecar]
    plain: National


@asynccontextmanager
async def staged(plan: Plan, folder: Path) -> AsyncIterator[Stage]:
    """
    Start the servers, then the sidecars; all end with the block.

    Raises:
        Failed: One of them does not come up.
    """
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_S)))
        server, plain = [await _server(plan, folder / name, http, stack) for name in ("server", "server-without")]
        sidecars = [_sidecar(plan, place, folder, server, http) for place in range(plan.centres)]
        async with asyncio.TaskGroup() as group:
            for sidecar in sidecars:
                stack.push_async_callback(sidecar.stop)
                group.create_task(sidecar.start())
        yield Stage(server, sidecars, plain)


async def _server(plan: Plan, folder: Path, http: aiohttp.ClientSession, stack: AsyncExitStack) -> National:
    folder.mkdir()  # noqa: ASYNC240 - before anything goes on
    port, control = free_ports(HOST, 2)
    where = ("--port", str(port), "--control-port", str(control))
    what = ("--seed", str(plan.seed), "--people", str(plan.people), "--api", plan.dialect.api)
    process = await stack.enter_async_context(started("simulator", *where, *what, folder=folder))
    await ready(process, http, f"http://{HOST}:{control}/_sim/faults", "The server")
    return National(http, f"http://{HOST}:{control}", f"http://{HOST}:{port}", plan.dialect)


def _sidecar(plan: Plan, place: int, folder: Path, server: National, http: aiohttp.ClientSession) -> Sidecar:
    centre = plan.district[place]
    own = folder / centre.id
    own.mkdir()
    data, admin = free_ports(HOST, 2)
    configuration = own / "config.yaml"
    configuration.write_text(config(centre, plan.profile, server.api, data, admin))
    return Sidecar(http, centre, f"http://{HOST}:{data}", f"http://{HOST}:{admin}", configuration, plan.dialect)

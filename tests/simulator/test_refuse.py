"""The port is really closed, and its control port is not."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from urllib.parse import urlsplit

import aiohttp
import pytest

from simulator import Simulator
from tests.simulator.desk import Desk, until

GENDERS = "/registration/beneficiary/genders"


async def test_connections_are_refused_until_it_is_lifted(desk: Desk, sim: Simulator) -> None:
    url = sim.url
    fault = await sim.faults.add("refuse")
    with pytest.raises(aiohttp.ClientConnectorError) as caught:
        await desk.call("GET", GENDERS)
    assert isinstance(caught.value.os_error, ConnectionRefusedError)
    assert sim.ledger.received == []
    assert (await desk.control("DELETE", f"/_sim/faults/{fault}")).status == 204
    assert (await desk.call("GET", GENDERS)).status == 200
    assert sim.url == url


async def test_open_connections_are_broken(desk: Desk, sim: Simulator) -> None:
    await sim.faults.add("hang")
    waiting = asyncio.create_task(desk.call("GET", GENDERS))
    await until(lambda: len(sim.ledger.received) == 1)
    await sim.faults.add("refuse")
    with pytest.raises(aiohttp.ClientConnectionError):
        await waiting
    await until(lambda: not sim.connections)


async def test_a_connection_nobody_has_accepted_yet_is_broken_too(sim: Simulator) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(sim.url).port or 0)) as early:
        early.setblocking(False)
        await sim.faults.add("refuse")
        async with asyncio.timeout(5):
            with suppress(ConnectionResetError):
                assert await asyncio.get_running_loop().sock_recv(early, 1) == b""


async def test_raised_twice_it_has_to_be_lifted_twice(desk: Desk, sim: Simulator) -> None:
    first, second = await sim.faults.add("refuse"), await sim.faults.add("refuse")
    await sim.faults.lift(first)
    with pytest.raises(aiohttp.ClientConnectorError):
        await desk.call("GET", GENDERS)
    await sim.faults.lift(second)
    assert (await desk.call("GET", GENDERS)).status == 200


async def test_the_closed_port_is_given_to_nobody_else(sim: Simulator) -> None:
    await sim.faults.add("refuse")
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", urlsplit(sim.url).port or 0))


async def test_many_connections_and_many_cuts_leave_nothing_behind(desk: Desk, sim: Simulator) -> None:
    async def insist() -> None:
        while True:
            try:
                await desk.call("GET", GENDERS, Connection="close")
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        insisting = [group.create_task(insist()) for _ in range(20)]
        for _ in range(10):
            served = len(sim.ledger.received)
            await until(lambda served=served: len(sim.ledger.received) > served + 20)  # type: ignore[misc]
            await sim.faults.lift(await sim.faults.add("refuse"))
        for task in insisting:
            task.cancel()
    await until(lambda: not sim.connections)

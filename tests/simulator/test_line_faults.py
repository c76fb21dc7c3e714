"""The port's own troubles beside being closed: connections that go nowhere, are reset, or show a certificate that is no good."""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator

import aiohttp
import pytest

from simulator import Simulator
from tests.simulator.desk import Desk, until

GENDERS = "/registration/beneficiary/genders"
SHORT_S = 0.3


@pytest.fixture
async def tls() -> AsyncIterator[Simulator]:
    async with Simulator(seed=7, people=3, tls=True) as running:
        yield running


async def asked(sim: Simulator) -> int:
    """Ask over a connection of its own, trusting the simulator's authority only, and return the status."""
    context = ssl.create_default_context(cadata=sim.authority_pem or None)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as http, http.get(f"{sim.url}/api/v2{GENDERS}") as answer:
        return answer.status


async def test_a_tls_port_serves_who_trusts_its_authority(tls: Simulator) -> None:
    assert tls.url.startswith("https://127.0.0.1:")
    assert await asked(tls) == 200


@pytest.mark.parametrize(
    ("fault", "said"), [("tls_expired", "expired"), ("tls_untrusted", "unable to get local issuer"), ("tls_wrong_host", "not valid for")]
)
async def test_a_certificate_is_no_good_until_the_fault_is_lifted(tls: Simulator, fault: str, said: str) -> None:
    await tls.faults.add(fault)
    with pytest.raises(aiohttp.ClientConnectorCertificateError, match=said):
        await asked(tls)
    assert tls.ledger.received == []
    await tls.faults.clear()
    assert await asked(tls) == 200


async def test_a_certificate_cannot_be_wrong_where_there_is_none(desk: Desk) -> None:
    answer = await desk.control("POST", "/_sim/faults", {"fault": "tls_expired"})
    assert answer.status == 400
    assert "--tls FILE" in answer.json["error"]
    assert (await desk.control("GET", "/_sim/faults")).json == []


async def test_a_connection_is_reset_in_the_middle_of_the_handshake(tls: Simulator) -> None:
    await tls.faults.add("reset_peer")
    with pytest.raises(aiohttp.ClientConnectorError):
        await asked(tls)
    await tls.faults.clear()
    assert await asked(tls) == 200


async def test_a_connection_is_reset_before_anything_is_read(desk: Desk, sim: Simulator) -> None:
    assert (await desk.call("GET", GENDERS)).status == 200
    await sim.faults.add("reset_peer")
    with pytest.raises(aiohttp.ClientConnectionError):
        await desk.vaccinate(desk.anybody())
    assert len(sim.ledger.received) == 1
    await sim.faults.clear()
    assert (await desk.vaccinate(desk.anybody())).status == 200


async def test_an_open_tls_connection_is_broken_too(tls: Simulator) -> None:
    await tls.faults.add("hang")
    waiting = asyncio.create_task(asked(tls))
    await until(lambda: len(tls.ledger.received) == 1)
    await tls.faults.add("tls_expired")
    with pytest.raises(aiohttp.ClientConnectionError):
        await waiting
    await until(lambda: not tls.connections)


async def test_a_client_in_the_middle_of_its_handshake_holds_up_nothing(tls: Simulator) -> None:
    host, _, port = tls.url.removeprefix("https://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    await until(lambda: bool(tls._line._arriving))
    async with asyncio.timeout(5):
        await tls.faults.add("refuse")
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a full queue is not dropped from")
async def test_connections_go_nowhere(sim: Simulator) -> None:
    await sim.faults.add("blackhole")
    timeout = aiohttp.ClientTimeout(connect=SHORT_S)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        with pytest.raises(aiohttp.ConnectionTimeoutError):
            await http.get(f"{sim.url}/api/v2{GENDERS}")
    await sim.faults.clear()
    assert await asked(sim) == 200
    assert len(sim.ledger.received) == 1


async def test_troubles_combine_and_each_has_to_be_lifted(tls: Simulator) -> None:
    cut = await tls.faults.add("refuse")
    await tls.faults.add("tls_expired")
    with pytest.raises(aiohttp.ClientConnectorError):
        await asked(tls)
    await tls.faults.lift(cut)
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await asked(tls)

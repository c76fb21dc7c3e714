"""The simulator as a process: the line it prints, the ports it takes, its end."""

from __future__ import annotations

import asyncio
import re
import signal
import ssl
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from simulator import Simulator

TLS_DAY = "{scenario: s, about: a, ends_at: 1m, steps: [{at: 1s, raise: [{fault: tls_expired}]}]}"
READY = re.compile(r"simulator ready on (http://127\.0\.0\.1:\d+) \(control (http://127\.0\.0\.1:\d+)\)\n")


@asynccontextmanager
async def running(*options: str) -> AsyncIterator[tuple[Process, str]]:
    """Start the simulator, and hand out the process and the first line it prints; end it if it has not ended."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "simulator", *options, stdout=PIPE, stderr=PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            yield process, (await process.stdout.readline()).decode()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
async def test_it_says_where_it_listens_and_ends_cleanly(end: signal.Signals) -> None:
    async with running("--port", "0", "--people", "3", "--repeat", "refuse") as (process, line), aiohttp.ClientSession() as http:
        ready = READY.fullmatch(line)
        assert ready is not None
        async with http.get(f"{ready[1]}/api/v2/registration/beneficiary/genders") as answer:
            assert answer.status == 200
        async with http.get(f"{ready[2]}/_sim/people") as answer:
            assert len(await answer.json()) == 3
        async with http.get(f"{ready[2]}/_sim/rules") as answer:
            assert (await answer.json())["repeat"] == "refuse"
        async with http.post(f"{ready[2]}/_sim/faults", json={"fault": "hang"}) as answer:
            assert answer.status == 201
        hanging = asyncio.create_task(http.get(f"{ready[1]}/api/v2/x"))
        async with http.get(f"{ready[2]}/_sim/summary") as answer:
            assert answer.status == 200
        process.send_signal(end)
        assert await process.communicate() == (b"", b"")
        assert process.returncode == 0
        with pytest.raises(aiohttp.ClientConnectionError):
            await hanging


async def test_it_speaks_tls_and_says_whom_to_trust(tmp_path: Path) -> None:
    trusted = tmp_path / "authority.pem"
    async with running("--port", "0", "--people", "0", "--tls", str(trusted)) as (_, line), aiohttp.ClientSession() as http:
        origin = line.split()[3]
        async with http.get(f"{origin}/api/v2/registration/beneficiary/genders", ssl=ssl.create_default_context(cafile=trusted)) as answer:
            assert (origin.startswith("https://"), answer.status) == (True, 200)


async def test_it_plays_a_scenario_stays_up_and_says_what_the_ledger_holds(tmp_path: Path) -> None:
    (tmp_path / "day.yaml").write_text("""
scenario: a-short-day
about: one fault
ends_at: 1m
steps:
  - {at: 30s, say: It breaks., raise: [{fault: error_500, for: 10s}]}
""")
    dose = {
        "beneficiary_reference_id": "",
        "center_id": 563048,
        "vaccine": "COVISHIELD",
        "vaccine_batch": "4121Z012",
        "dose": 1,
        "dose1_date": "23-06-2021",
        "vaccinator_name": "Prabha Devi",
    }
    options = ("--port", "0", "--people", "3", "--scenario", str(tmp_path / "day.yaml"), "--speed", "1000")
    async with running(*options) as (process, line), aiohttp.ClientSession(headers={"x-api-key": "demo-key"}) as http:
        ready = READY.fullmatch(line)
        assert ready is not None
        assert process.stdout is not None
        played = [(await process.stdout.readline()).decode().rstrip() for _ in range(5)]
        assert played[:4] == ["a-short-day: one fault", "+00:00:30  It breaks.", "+00:00:30    + error_500", "+00:00:40    - error_500"]
        assert played[4].startswith("The scenario is over")
        async with http.get(f"{ready[2]}/_sim/people") as answer:
            dose["beneficiary_reference_id"] = (await answer.json())[0]["id"]
        for _ in range(2):
            async with http.post(f"{ready[1]}/api/v2/vaccinator/beneficiaries/vaccinate", json=dose) as answer:
                assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        out, complaint = await process.communicate()
        received, taken_on = out.decode().splitlines()
        assert received.startswith("The ledger: 2 requests, 2 answered, at most ")
        assert taken_on == "Taken on: 0 registrations (0 people twice), 2 doses of 1 (1 twice), 0 out of order."
        assert (complaint, process.returncode) == (b"", 1), "a dose took effect twice"


@pytest.mark.parametrize(
    ("text", "said"), [("steps: [", "day.yaml:1: is not YAML"), (TLS_DAY, "has to speak TLS: add --tls FILE")], ids=["mistakes", "TLS"]
)
async def test_a_scenario_that_cannot_be_played_is_said_so(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "day.yaml").write_text(text)
    async with running("--port", "0", "--scenario", str(tmp_path / "day.yaml")) as (process, line):
        _, complaint = await process.communicate()
        assert (line, process.returncode) == ("", 2)
        assert said in complaint.decode()


async def test_an_authority_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    async with running("--port", "0", "--tls", str(tmp_path / "no" / "such.pem")) as (process, line):
        _, said = await process.communicate()
        assert (line, process.returncode) == ("", 1)
        assert b"such.pem: No such file or directory; name a file that can be written" in said


async def test_a_port_that_is_taken_is_said_so() -> None:
    async with Simulator(people=0) as sim:
        port = sim.url.rpartition(":")[2]
        async with running("--port", port) as (process, line):
            _, said = await process.communicate()
            assert (line, process.returncode) == ("", 1)
            assert f"cannot listen on 127.0.0.1, ports {port} and".encode() in said
            assert b"--port 0" in said


async def test_a_control_port_that_is_taken_leaves_the_data_port_free() -> None:
    async with Simulator(people=0) as sim:
        other = Simulator(people=0, control_port=int(sim.control_url.rpartition(":")[2]))
        with pytest.raises(OSError, match="in use"):
            await other.__aenter__()
        async with aiohttp.ClientSession() as http:
            with pytest.raises(aiohttp.ClientConnectorError):
                await http.get(other.url)

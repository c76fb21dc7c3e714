"""docs/acceptance.md: every command in it is run as it stands, but for the ports and the speed."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from simulator.scenario.reading import parse_scenario
from tests.architecture.source import text
from tests.ports import free_ports

PAGE: Final = text("docs/acceptance.md")
PORTS: Final = ("8480", "8481", "8490", "8491")
BASH: Final = shutil.which("bash")
WITHIN_S: Final = 40.0


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_scenario_that_it_shows_can_be_played() -> None:
    (scenario,) = blocks("yaml")
    assert parse_scenario("page", scenario).ends_s == 7200


@pytest.mark.skipif(BASH is None or shutil.which("curl") is None, reason="the page is written for a shell and curl")
@pytest.mark.timeout(180)
async def test_its_commands_run_from_start_to_verdict(tmp_path: Path) -> None:
    serve, configured, a_dose, by_hand, verdict = blocks("sh")
    ports = dict(zip(PORTS, map(str, free_ports(4)), strict=True))
    (tmp_path / "config.yaml").write_text("centre: {name: Rudrapur}\n")
    listening = f"export DOSEKEEPER_LISTEN__PORT={ports['8480']} DOSEKEEPER_ADMIN__PORT={ports['8481']}\n"
    exports = listening + "".join(line + "\n" for line in configured.splitlines() if line.startswith("export "))

    def own(commands: str) -> str:
        faster = commands.replace("--speed 60", "--speed 20000").replace("dosekeeper-simulator", "dosekeeper-simulator --port 8490")
        return re.sub("|".join(PORTS), lambda port: ports[port[0]], faster.replace("--port 8490", "--port 8490 --control-port 8491"))

    async with running(own(serve), tmp_path) as simulator:
        await said(simulator.stdout, "The scenario is over")
        async with running(own(listening + configured), tmp_path) as sidecar:
            await said(sidecar.stderr, '"admin_port"')
            assert "HTTP/1.1 200 OK" in await output(own(a_dose), tmp_path)
            assert '"fault":"commit_then_drop"' in await output(own(by_hand), tmp_path)
            told = await output(own(exports + verdict), tmp_path)
            assert re.search(r'"distinct_doses":1,"doses_twice":0,.*"registrations_twice":0,"out_of_order":0', told), told
        os.killpg(simulator.pid, signal.SIGINT)
        await said(simulator.stdout, "1 doses of 1 (0 twice)")
        assert await simulator.wait() == 0


@asynccontextmanager
async def running(commands: str, folder: Path) -> AsyncIterator[Process]:
    """Run commands, of which the last goes on, until the block ends."""
    process = await started(commands, folder)
    try:
        yield process
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), WITHIN_S)


async def started(commands: str, folder: Path) -> Process:
    assert BASH is not None
    own = {name: value for name, value in os.environ.items() if not name.startswith("DOSEKEEPER_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{own.get('PATH', '')}"
    return await asyncio.create_subprocess_exec(
        BASH, "-c", commands, stdout=PIPE, stderr=PIPE, cwd=folder, env=own | {"PATH": path}, start_new_session=True
    )


async def output(commands: str, folder: Path) -> str:
    process = await started(commands, folder)
    out, complaint = await asyncio.wait_for(process.communicate(), WITHIN_S)
    assert process.returncode == 0, complaint.decode()
    return out.decode()


async def said(stream: asyncio.StreamReader | None, words: str) -> None:
    """Wait for a line with these words."""
    assert stream is not None
    heard = []
    async with asyncio.timeout(WITHIN_S):
        async for line in stream:
            heard.append(line.decode())
            if words in heard[-1]:
                return
    raise AssertionError(f"ended without {words!r}: {''.join(heard)}")

"""A centre as people run it: the service as a process, the commands as processes, a simulator that keeps the ledger."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.ports import free_ports
from tests.traffic.centre import VACCINATE, a_dose

DOSEKEEPER = (sys.executable, "-m", "proxy")
ROOT = Path(__file__).parents[2]
TERM = signal.SIGTERM

CONFIG = """
upstream: {{url: {upstream}, headers: {{x-api-key: demo-key}}, connect_timeout: 1s, read_timeout: 5s}}
listen: {{port: {data}}}
admin: {{port: {admin}}}
answering: {{answer_within: 1s}}
store: {{reserve: 1MiB}}
outage: {{probe_every: 100ms, probe_max: 300ms, probe_idle: 300ms}}
replay: {{calls_per_minute: 60000, spread_max: 0s}}
"""


@dataclass(frozen=True, slots=True)
class Result:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(slots=True)
class Service:
    """A running `dosekeeper serve`; its log is what can be waited for."""

    process: Process
    events: list[dict[str, Any]] = field(default_factory=list)
    more: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def read_log(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            async with self.more:
                self.events.append(json.loads(line) if line.startswith(b"{") else {"action": "said", "message": line.decode()})
                self.more.notify_all()

    async def logged(self, action: str, times: int = 1, **facts: object) -> dict[str, Any]:
        """Wait until the log has had a line of *action* with *facts*, *times* over, and return the last of them."""

        def found() -> list[dict[str, Any]]:
            return [event for event in self.events if {"action": action, **facts}.items() <= event.items()]

        async with asyncio.timeout(20), self.more:
            await self.more.wait_for(lambda: len(found()) >= times)
        return found()[times - 1]

    async def stop(self) -> int:
        self.process.send_signal(TERM)
        async with asyncio.timeout(20):
            return await self.process.wait()


@dataclass(slots=True)
class Centre:
    """One centre's folder, ports, commands."""

    folder: Path
    data: int
    admin: int
    desk: aiohttp.ClientSession

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def admin_url(self) -> str:
        return f"http://127.0.0.1:{self.admin}"

    async def run(self, *arguments: str, **environ: str) -> Result:
        """Run one command to its end."""
        process = await self.start(*arguments, **environ)
        try:
            async with asyncio.timeout(40):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return Result(process.returncode or 0, out.decode(), err.decode())

    async def start(self, *arguments: str, **environ: str) -> Process:
        """Start one command."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("DOSEKEEPER_")}
        return await asyncio.create_subprocess_exec(
            *DOSEKEEPER, "--config", str(self.config), *arguments, stdout=PIPE, stderr=PIPE, cwd=ROOT, env={**own, **environ}
        )

    @asynccontextmanager
    async def serving(self, *, ready: bool = True, **environ: str) -> AsyncIterator[Service]:
        """Run the service until the block ends."""
        service = Service(await self.start("serve", **environ))
        reading = asyncio.create_task(service.read_log())
        try:
            if ready:
                await service.logged("ready")
                await service.logged("admin_port")
            yield service
        finally:
            if service.process.returncode is None:
                await service.stop()
            await reading

    async def vaccinate(self, person: str, dose: int = 1) -> int:
        """Record one dose at a desk; return the status it was told."""
        url = f"http://127.0.0.1:{self.data}/api{VACCINATE}"
        async with self.desk.post(url, json=a_dose(person, dose)) as answer:
            await answer.read()
            return answer.status

    async def status(self) -> dict[str, Any]:
        async with self.desk.get(f"{self.admin_url}/api/status") as answer:
            found: dict[str, Any] = await answer.json()
            return found

    def change(self, change: Callable[[str], str]) -> None:
        self.config.write_text(change(self.config.read_text()))


@asynccontextmanager
async def a_centre(folder: Path, upstream: str) -> AsyncIterator[Centre]:
    data, admin = free_ports(2)
    (folder / "config.yaml").write_text(CONFIG.format(upstream=upstream, data=data, admin=admin))
    async with aiohttp.ClientSession() as desk:
        yield Centre(folder, data, admin, desk)

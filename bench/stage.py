"""The processes of a measurement: started, waited for, weighed and ended. Linux, because of /proc."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

from simulator.demo.processes import free_ports

VACCINATE: Final = "/api/v2/vaccinator/beneficiaries/vaccinate"
_persons: Final = count(20_000_000_000_000, 10_000_000)


@dataclass(frozen=True, slots=True)
class Process:
    """One server."""

    name: str
    pid: int
    port: int
    folder: Path = Path()
    admin: int = 0
    started_s: float = 0.0
    """From its start to its first answer."""

    @property
    def url(self) -> str:
        """Where it takes doses."""
        return f"http://127.0.0.1:{self.port}{VACCINATE}"

    def cpu_s(self) -> float:
        """Return the processor time it has had."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mb(self) -> float:
        """Return its resident memory in megabytes."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def told(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        """Return what it says at *path* of its admin port, or its only one."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin or self.port}{path}", timeout=10) as answer:
            return json.load(answer)


@dataclass(frozen=True, slots=True)
class Load:
    """What a run of load saw; `cpu_us` is processor time of the server for one request, the less noisy figure beside other work."""

    per_s: float
    cpu_us: float


def free_port() -> int:
    """Return a port that nobody has."""
    return free_ports("127.0.0.1", 1)[0]


@contextmanager
def yardstick(name: str, behind: int = 0, port: int = 0) -> Iterator[Process]:
    """Run one of `bench.yardsticks`."""
    port = port or free_port()
    with _running([sys.executable, "-m", "bench.yardsticks", name, str(port), str(behind)]) as pid:
        _until_listening(port)
        yield Process(name, pid, port)


@contextmanager
def redis(folder: Path) -> Iterator[Process]:
    """Run Redis, which syncs its log before it answers; raises FileNotFoundError where it is not installed."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    wanted = {"port": port, "bind": "127.0.0.1", "dir": folder, "appendonly": "yes", "appendfsync": "always", "save": ""}
    with _running(["redis-server", *(str(word) for name, value in wanted.items() for word in (f"--{name}", value))]) as pid:
        _until_listening(port)
        yield Process("redis", pid, port)


@contextmanager
def sidecar(folder: Path, upstream: int, **environ: object) -> Iterator[Process]:
    """Run the service as it is shipped; *environ* are settings, as `DOSEKEEPER_` variables without the prefix."""
    folder.mkdir(exist_ok=True)
    port, admin = free_port(), free_port()
    settings = {
        "UPSTREAM__URL": f"http://127.0.0.1:{upstream}/api",
        "LISTEN__PORT": port,
        "ADMIN__PORT": admin,
        "STORE__PATH": folder / "journal.db",
        "STORE__KEY_FILE": folder / "journal.key",
        "LOG__LEVEL": "warning",
        "REPLAY__SPREAD_MAX": "0s",
        "REPLAY__CALLS_PER_MINUTE": 6_000_000,
    } | environ
    (folder / "config.yaml").write_text("profile: cowin-vaccinator\nupstream: {headers: {x-api-key: bench-key}}\n")
    env = os.environ | {f"DOSEKEEPER_{name}": str(value) for name, value in settings.items()}
    began = time.perf_counter()
    command = [str(Path(sys.executable).with_name("dosekeeper")), "--config", str(folder / "config.yaml"), "serve"]
    with _running(command, env) as pid:
        _until_listening(port)
        yield Process("sidecar", pid, port, folder, admin, time.perf_counter() - began)


def load(server: Process, connections: int, seconds: int, path: str = "", *, doses: bool = True, python: bool = False) -> Load:
    """
    Let `wrk`, or with *python* an aiohttp client, ask as fast as it is answered: with *doses*, one of another person each time.

    Raises:
        AssertionError: An answer was no success: what is measured must be what was meant.
    """
    url = f"http://127.0.0.1:{server.port}{path or VACCINATE}"
    first = str(next(_persons) if doses else 0)
    script = str(Path(__file__).with_name("load.lua"))
    command = (
        [sys.executable, "-m", "bench.asker", url, str(connections), str(seconds), first]
        if python
        else ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", script, url, "--", first]
    )
    before = server.cpu_s()
    said = subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own words
    figures = json.loads(said.stdout.splitlines()[-1])
    assert not figures["bad"], (server.name, said.stdout)
    requests: int = figures["requests"]
    return Load(requests / figures["seconds"], (server.cpu_s() - before) / requests * 1e6)


def until(met: Callable[[], bool], within_s: float = 120) -> None:
    """Wait until a condition on another process is met."""
    deadline = time.monotonic() + within_s
    while not met():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.02)  # the state is another process's: it is asked for, there is nothing to wait on


def until_down(server: Process) -> None:
    """Let a sidecar find out that its upstream is away, and wait until it goes by that."""
    load(server, 8, 1)
    until(lambda: any(outage["ended_at"] is None for outage in outages(server)))


def outages(server: Process) -> list[Any]:
    """Return a sidecar's outages."""
    found: list[Any] = server.told("/api/outages")
    return found


@contextmanager
def _running(command: list[str], env: dict[str, str] | None = None) -> Iterator[int]:
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)  # noqa: S603 - our own words
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


def _until_listening(port: int) -> None:
    def listens() -> bool:
        with socket.socket() as trying:
            return trying.connect_ex(("127.0.0.1", port)) == 0

    until(listens)

"""What systemd is told (sd_notify), heard on a real datagram socket."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from proxy.supervisor import TELL_EVERY_S, Supervisor, supervisor_of
from simulator import Simulator
from tests.cli.centre import Centre

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no systemd here")


@pytest.fixture
def hears(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        yield listening


async def messages(hears: socket.socket) -> AsyncIterator[dict[str, str]]:
    while True:
        async with asyncio.timeout(20):
            said = await asyncio.get_running_loop().sock_recv(hears, 4096)
        yield dict(line.partition("=")[::2] for line in said.decode().split("\n"))


async def until(heard: AsyncIterator[dict[str, str]], met: Callable[[dict[str, str]], bool]) -> dict[str, str]:
    async for message in heard:
        if met(message):
            return message
    raise AssertionError


async def test_a_service_says_when_it_is_ready_that_it_is_alive_how_it_stands_and_that_it_stops(
    centre: Centre, sim: Simulator, hears: socket.socket
) -> None:
    heard = messages(hears)
    environ = {"NOTIFY_SOCKET": hears.getsockname(), "WATCHDOG_USEC": "600000"}
    async with centre.serving(ready=False, **environ) as service:
        assert await anext(heard) == {"READY": "1", "WATCHDOG": "1", "STATUS": "The national server is up"}
        async with centre.desk.get(f"http://127.0.0.1:{centre.data}/.dosekeeper/status") as answer:
            assert answer.status == 200  # ready: the data port answers
        await sim.faults.add("refuse")
        down = {"READY": "1", "WATCHDOG": "1", "STATUS": "The national server is down; doses are kept"}
        assert await until(heard, lambda message: "down" in message.get("STATUS", "")) == down
        assert await anext(heard) == down
        await service.stop()
        assert "STOPPING" in await until(heard, lambda message: message != down)
    with pytest.raises(BlockingIOError):
        hears.recv(4096)


@pytest.mark.skipif(not Path("/proc").exists(), reason="abstract sockets are Linux's")
def test_an_abstract_socket_is_found() -> None:
    name = f"dosekeeper-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        listening.settimeout(5)
        supervisor_of({"NOTIFY_SOCKET": f"@{name}"}).tell("READY=1", "STATUS=up")
        assert listening.recv(100) == b"READY=1\nSTATUS=up"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, (None, TELL_EVERY_S)),
        ({"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "3000000"}, ("/run/notify", 1.5)),
        ({"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, ("/run/notify", TELL_EVERY_S)),
        ({"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "600000000"}, ("/run/notify", TELL_EVERY_S)),
        ({"NOTIFY_SOCKET": "@notify", "WATCHDOG_USEC": "soon"}, ("\0notify", TELL_EVERY_S)),
        ({"NOTIFY_SOCKET": "vsock:2:1234"}, (None, TELL_EVERY_S)),
    ],
)
def test_whom_to_tell_and_how_often(environ: dict[str, str], expected: tuple[str | None, float]) -> None:
    found = supervisor_of(environ)
    assert (found.address, found.every_s) == expected


def test_nobody_who_hears_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Supervisor(None, 1).tell("READY=1")
    assert caplog.records == []
    Supervisor(str(tmp_path / "gone"), 1).tell("READY=1")
    assert [record.action for record in caplog.records] == ["supervisor_deaf"]  # type: ignore[attr-defined]

"""The processes of the demo: started, and ended whatever happens."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import cycle
from pathlib import Path
from typing import Final

STOP_S: Final = 15.0
"""Time a process has to end by itself: the sidecar gives its sends under way 8 s to settle."""

COMMAND_S: Final = 20.0
"""Time a command has to end; it is Python that starts, and on a busy machine that takes seconds."""

LOG_LINES: Final = 5

_PORTS: Final = cycle(random.sample(range(28_000, 32_000), 4_000))
"""Below what Linux (from 32768), macOS and Windows (from 49152) give out by themselves."""


class Failed(Exception):
    """The demo cannot go on; the text says what was awaited."""


@asynccontextmanager
async def started(module: str, *arguments: str, folder: Path) -> AsyncIterator[Process]:
    """Run a Python module as long as the block lasts; what it says goes to `MODULE.log` in *folder*."""
    with log_of(module, folder).open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, *arguments, stdin=DEVNULL, stdout=log, stderr=log, env=_environment()
        )
    try:
        yield process
    finally:
        await _ended(process)


async def said(module: str, *arguments: str) -> str:
    """
    Run a Python module to its end, and return what it said.

    Raises:
        Failed: It did not end well in time; the text has what it said of that.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=_environment()
    )
    try:
        out, complaint = await asyncio.wait_for(process.communicate(), COMMAND_S)
    except TimeoutError:
        raise Failed(f"The last command has not ended after {COMMAND_S:.0f} s.") from None
    finally:
        await _ended(process)
    if process.returncode != 0:
        raise Failed(f"The last command ended with exit code {process.returncode}: {complaint.decode(errors='replace').strip()}")
    return out.decode()


def log_of(module: str, folder: Path) -> Path:
    """Return the file that holds what *module* said."""
    return folder / f"{module}.log"


def logs_in(folder: Path) -> str:
    """Say where the logs in *folder* are, and how each ends."""
    return "\n".join(f"See {path}, which ends:\n{_end_of(path)}" for path in sorted(folder.rglob("*.log")))


def free_ports(host: str, count: int) -> list[int]:
    """
    Return ports that nobody listens on, and that this process has not been given before: what gets one may not listen yet.

    Not those that the system gives out, also to others' outgoing connections.
    """
    found: list[int] = []
    while len(found) < count:
        port = next(_PORTS)
        with socket.socket() as asked, suppress(OSError):
            asked.bind((host, port))
            found.append(port)
    return found


def _environment() -> dict[str, str]:
    """Return this process's, without settings: they are a real centre's, and the demo's sidecar might send to a real server."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith("DOSEKEEPER_")}


async def _ended(process: Process) -> None:
    """End *process*: asked first, killed when it does not listen, or when nobody has the time to wait."""
    try:
        with suppress(ProcessLookupError):
            process.terminate()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), STOP_S)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _end_of(path: Path) -> str:
    lines = path.read_text(errors="replace").splitlines()[-LOG_LINES:]
    return "\n".join(f"  {line}" for line in lines) or "  (empty)"

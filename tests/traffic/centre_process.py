"""A centre in a process of its own, whose memory can be measured: `python -m tests.traffic.centre_process UPSTREAM_URL`."""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.source import ROOT
from tests.traffic.centre import a_centre


@dataclass(frozen=True, slots=True)
class Process:
    """The running process; `url` is the data port's."""

    url: str
    process: asyncio.subprocess.Process

    async def peak_kib(self) -> int:
        """Return the most memory that it has had so far, in KiB."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"\n")
        return int(await self.process.stdout.readline())


@asynccontextmanager
async def a_process(upstream: str) -> AsyncIterator[Process]:
    """Run a centre in front of *upstream* until the block ends."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.traffic.centre_process", upstream, stdin=pipe, stdout=pipe, cwd=ROOT
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Process((await process.stdout.readline()).decode().strip(), process)
    finally:
        process.stdin.close()
        await process.wait()


def _peak_kib() -> int:
    # Not `ru_maxrss`: on Linux that begins with what the parent had.
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


async def main(upstream: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with a_centre(Path(folder), upstream, answering={"body_max": "1MiB"}, upstream={"read_timeout": "60s"}) as centre:
            sys.stdout.write(f"{centre.url}\n")
            sys.stdout.flush()
            while await asyncio.to_thread(sys.stdin.readline):
                sys.stdout.write(f"{_peak_kib()}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    logging.disable(logging.ERROR)
    asyncio.run(main(sys.argv[1]))

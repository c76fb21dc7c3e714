"""The service as its container has it: no capability, no new rights, a read-only root, and its data folder."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from simulator import Simulator
from tests.cli.centre import ROOT, Centre, Service
from tests.traffic.centre import doses_applied, people

CONFINED = """
set -eu
data=$1 python=$2; shift 2
mount --bind "$data" "$data"
for place in $(findmnt -rno TARGET); do
  case $place in "$data"|/proc*|/sys*|/dev*) ;; *) mount -o remount,bind,ro "$place" ;; esac
done
cd "$data"
exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs "$python" -m proxy "$@"
"""
UNSHARE = ["unshare", "--mount", "--map-root-user"]


def _can_confine() -> bool:
    if sys.platform != "linux" or not all(map(shutil.which, ("unshare", "setpriv", "findmnt"))):
        return False
    return subprocess.run([*UNSHARE, "sh", "-c", "mount --bind /tmp /tmp"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not _can_confine(), reason="needs mount namespaces")
async def test_the_service_needs_no_right_but_to_its_data_folder(centre: Centre, sim: Simulator) -> None:
    data = centre.folder / "data"
    data.mkdir()
    person = people(sim)[0]
    process = await asyncio.create_subprocess_exec(
        *(*UNSHARE, "sh", "-c", CONFINED, "sh", str(data), sys.executable, "--config", str(centre.config), "serve"),
        stdout=PIPE,
        stderr=PIPE,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": str(ROOT)},
    )
    service = Service(process)
    reading = asyncio.create_task(service.read_log())
    try:
        await service.logged("ready")
        await service.logged("admin_port")
        status = Path(f"/proc/{process.pid}/status").read_text()  # noqa: ASYNC240 - in memory
        elsewhere = await asyncio.to_thread(_writable, process.pid, str(centre.folder))
        assert await centre.vaccinate(person) == 200
        async with centre.desk.get(f"{centre.admin_url}/readyz") as answer:
            assert answer.status == 200
    finally:
        code = await service.stop() if process.returncode is None else process.returncode
        await reading
    assert code == 0, service.events
    assert {line.split()[1] for line in status.splitlines() if line.startswith(("CapPrm:", "CapEff:", "CapBnd:"))} == {"0" * 16}
    assert "NoNewPrivs:\t1" in status
    assert not elsewhere, "the test has confined nothing"
    assert doses_applied(sim) == [(person, 1)]


def _writable(pid: int, folder: str) -> bool:
    """Whether the process could write there: its own mounts decide."""
    tried = subprocess.run(["nsenter", f"--target={pid}", "--mount", "--user", "touch", f"{folder}/x"], capture_output=True, check=False)
    return tried.returncode == 0

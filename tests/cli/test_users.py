# ruff: noqa: ASYNC240 - nothing else waits in a test's loop
"""Whose the journal's files are, and what those are told who may not use them: words with the next command, never a traceback."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from simulator import Simulator
from tests.cli.centre import ROOT, Centre, Result, a_centre

SERVICE, SOMEBODY = 65534, 2
"""Users' numbers: `nobody`, and another one."""


PACKAGES = os.pathsep.join((str(ROOT), sysconfig.get_path("purelib")))


def _python_of_others() -> str | None:
    """Return a Python that other users can run with our packages, as ours may be in root's own folder; None where there is none."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("setpriv") is None:
        return None
    usual = shutil.which(f"python{sys.version_info.major}.{sys.version_info.minor}", path="/usr/local/bin:/usr/bin")
    for python in filter(None, (sys.executable, usual)):
        asked = ["setpriv", f"--reuid={SOMEBODY}", f"--regid={SOMEBODY}", "--clear-groups", python, "-c", "import proxy.service"]
        environ = {"PYTHONPATH": PACKAGES, "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]}
        if subprocess.run(asked, cwd="/", env=environ, capture_output=True, check=False).returncode == 0:
            return python
    return None


PYTHON = _python_of_others()
pytestmark = pytest.mark.skipif(PYTHON is None, reason="needs to be root, and a Python that others can run")


@dataclass(frozen=True, slots=True)
class Here:
    """A centre whose folder belongs to the service's user, with a journal in it."""

    centre: Centre
    journal: Path

    async def run(self, user: int, *arguments: str, folder: Path = ROOT, named: bool = True) -> Result:
        config = ("--config", str(self.centre.config)) if named else ()
        own = {name: value for name, value in os.environ.items() if not name.startswith("DOSEKEEPER_")}
        as_user = ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups")
        process = await asyncio.create_subprocess_exec(
            *as_user,
            str(PYTHON),
            "-m",
            "proxy",
            *config,
            *arguments,
            stdout=PIPE,
            stderr=PIPE,
            cwd=folder,
            env={**own, "PYTHONPATH": PACKAGES},
        )
        async with asyncio.timeout(40):
            out, err = await process.communicate()
        return Result(process.returncode or 0, out.decode(), err.decode())

    def owners(self) -> set[int]:
        return {file.stat().st_uid for file in (self.journal.parent, *self.journal.parent.iterdir())}


def told(result: Result) -> str:
    """What somebody was told to whom a command failed."""
    assert result.code == 1
    assert "Traceback" not in result.err
    return result.out + result.err


@pytest.fixture
async def here(sim: Simulator) -> AsyncIterator[Here]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))  # pytest's own is root's alone
        centre = await stack.enter_async_context(a_centre(folder, f"{sim.url}/api"))
        folder.chmod(0o755)
        os.chown(folder, SERVICE, SERVICE)
        found = Here(centre, folder / "data" / "journal.db")
        async with centre.serving():  # as root
            pass
        yield found


async def test_what_root_makes_belongs_to_the_service(here: Here) -> None:
    data = here.journal.parent
    assert here.owners() == {SERVICE}
    for command in (("backup", str(here.centre.folder)), ("restore", str(here.centre.folder), "--replace"), ("clients", "list")):
        await here.run(0, *command)
    assert len(list(data.glob("*.replaced-*"))) == 2
    assert here.owners() == {SERVICE}
    assert (await here.run(SERVICE, "status")).code == 0
    passphrase = here.centre.folder / "passphrase"
    passphrase.write_text("four words of asha\n")
    for command in (("key", "export", str(data / "key.txt")), ("key", "import", str(here.centre.folder / "key.txt"))):
        assert (await here.run(0, *command, "--passphrase-file", str(passphrase))).code == 0
        if command[1] == "export":
            shutil.move(data / "key.txt", here.centre.folder)
            shutil.rmtree(data)
    assert here.owners() == {SERVICE}  # the folder too, which the command made


@pytest.mark.parametrize("end", ["", ".home"])
async def test_a_file_of_roots_is_told_and_the_next_command_of_roots_gives_it_back(here: Here, end: str) -> None:
    file = here.journal.with_name(here.journal.name + end)
    os.chown(file, 0, 0)
    file.chmod(0o600)
    for verb in ("serve", "status"):
        said = told(await here.run(SERVICE, verb))
        assert f"{file} cannot be read by nobody: it belongs to root. Next: sudo chown -R nobody {file.parent}" in said
    for user in (SERVICE, 0):
        assert "WRONG  journal" in told(await here.run(user, "check"))
    assert (await here.run(0, "status")).code == 0
    assert (await here.run(SERVICE, "status")).code == 0


async def test_who_has_no_rights_is_told_as_whom_to_run_it(here: Here) -> None:
    for verb in (("status",), ("check",), ("journal", "check"), ("restore", "x", "--by", "asha"), ("serve",)):
        said = told(await here.run(SOMEBODY, *verb))
        assert f"{here.journal.parent} cannot be read by" in said
        assert "Next: run it as the service's user: sudo -u nobody dosekeeper" in said
    assert "WRONG  journal" in (await here.run(SOMEBODY, "check")).out  # and all the rest


async def test_a_folder_that_cannot_be_written_is_not_told_as_damage(here: Here) -> None:
    here.journal.parent.chmod(0o555)
    for verb in (("status",), ("check",), ("serve",)):
        said = told(await here.run(SERVICE, *verb))
        assert f"{here.journal.parent} cannot be written by nobody: its mode is 555. Next: chmod u+rwx {here.journal.parent}" in said
        assert "damaged" not in said


async def test_a_current_folder_that_is_closed_is_told(here: Here) -> None:
    closed = here.centre.folder / "root's own"
    closed.mkdir(0o700)
    result = await here.run(SERVICE, "status", folder=closed, named=False)
    assert result.code == 2
    assert "is closed to this user. Go to another (cd /), or name it: --config FILE" in result.err
    assert "Traceback" not in result.err


async def test_any_other_file_that_is_closed_is_told(here: Here) -> None:
    closed = here.centre.folder / "root's own"
    closed.mkdir(0o700)
    said = told(await here.run(SERVICE, "key", "export", str(closed / "key.txt")))
    assert f"{closed} cannot be read by nobody: it belongs to root" in said


async def test_what_cannot_be_written_here_can_be_named_elsewhere(here: Here) -> None:
    made = told(await here.run(SERVICE, "support-bundle", folder=Path("/")))
    (instead,) = [line.partition("Name another place: dosekeeper ")[2] for line in made.splitlines() if "Name another" in line]
    assert (await here.run(SERVICE, *instead.split(), folder=Path("/"))).code == 0

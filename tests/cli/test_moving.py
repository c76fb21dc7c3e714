"""docs/moving.md: its commands, as they stand there, from one folder to another; the passphrase is typed at a terminal."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from simulator import Simulator
from tests.cli.centre import ROOT, Centre
from tests.traffic.centre import doses_applied, people

PAGE = (ROOT / "docs" / "moving.md").read_text("utf-8")
PASSPHRASE = "four words of asha"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the page is for a POSIX shell")


def commands(heading: str) -> str:
    """The commands under a heading of the page, in their order."""
    section = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    (wanted,) = [text for text in section if text.startswith(f"{heading}\n")]
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", wanted, re.MULTILINE | re.DOTALL))


def at_a_terminal(script: str, folder: Path, stick: Path) -> tuple[int, str]:
    """Run a script at a terminal of its own, answer each passphrase it asks for, and return its exit code and what stood there."""
    import pty

    environ = {name: value for name, value in os.environ.items() if not name.startswith("DOSEKEEPER_")}
    environ |= {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "STICK": str(stick)}
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execvpe("bash", ["bash", "-euc", script], environ)
    shown = b""
    try:
        while chunk := os.read(terminal, 4096):
            shown += chunk
            if shown.endswith((b"Passphrase: ", b"The same again: ")):
                os.write(terminal, f"{PASSPHRASE}\n".encode())
                shown += b"\n"
    except OSError:  # Linux says so when the last one has left the terminal
        pass
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode()


async def test_the_page_moves_a_centre(centre: Centre, sim: Simulator) -> None:
    old, new, stick = centre.folder, centre.folder / "new computer", centre.folder / "a stick"
    new.mkdir()
    stick.mkdir()
    person = people(sim)[0]
    async with centre.serving() as service:
        fault = await sim.faults.add("refuse")
        await service.logged("outage_began", group="vaccinator")
        assert await centre.vaccinate(person) == 200
        daily, said = await asyncio.to_thread(at_a_terminal, commands("Every day"), old, stick)
        assert daily == 0, said
    left, said = await asyncio.to_thread(at_a_terminal, commands("From the old computer"), old, stick)
    assert left == 0, said
    await sim.faults.lift(fault)
    until_it_serves, serve = commands("To the new computer").strip().rsplit("\n", 1)
    assert serve == "dosekeeper serve"
    arrived, said = await asyncio.to_thread(at_a_terminal, until_it_serves, new, stick)
    assert arrived == 0, said
    assert PASSPHRASE not in said
    async with Centre(new, centre.data, centre.admin, centre.desk).serving() as service:
        await service.logged("settle", state="delivered")
    assert doses_applied(sim) == [(person, 1)]


def test_it_can_be_found() -> None:
    assert "docs/moving.md" in (ROOT / "README.md").read_text("utf-8")
    assert "moving.md" in (ROOT / "docs" / "runbook.md").read_text("utf-8")
    assert re.search(r"^STICK=/", PAGE, re.MULTILINE)

"""`dosekeeper demo` as it is run: real processes, real sockets, and the exit code that scripts go by."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import date
from pathlib import Path
from random import Random

import aiohttp
import pytest

from simulator import Simulator
from simulator.cowin.desk import COWIN, identity, registration, vaccination
from simulator.demo import main
from simulator.demo.result import Limits, Result
from simulator.demo.stage import Stage
from simulator.demo.table import table
from simulator.desks import KEY, REGISTRATION
from simulator.faults.scope import Scope
from simulator.forms import Due
from simulator.people import population

DEMO = (sys.executable, "-m", "proxy", "demo")
START_S = 30


@asynccontextmanager
async def demo(*arguments: str, temporary: Path) -> AsyncIterator[Process]:
    environment = {**os.environ, "TMPDIR": str(temporary)}
    process = await asyncio.create_subprocess_exec(*DEMO, *arguments, stdout=PIPE, stderr=STDOUT, env=environment)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def read_until(process: Process, text: str) -> None:
    assert process.stdout is not None
    said = b""
    async with asyncio.timeout(START_S):
        while text.encode() not in said:
            line = await process.stdout.readline()
            assert line, f"the demo ended before it said {text!r}: {said.decode()}"
            said += line


def children_of(pid: int) -> list[Path]:
    return [Path(f"/proc/{child}") for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(processes: list[Path]) -> list[Path]:
    return [process for process in processes if process.exists()]


def left_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


@pytest.mark.timeout(150)
@pytest.mark.parametrize(("profile", "batch"), [("cowin-vaccinator", "vaccine_batch"), ("fhir-r4", "lotNumber")])
async def test_an_outage_breaks_no_guarantee(tmp_path: Path, profile: str, batch: str) -> None:
    file = tmp_path / "result.json"
    async with demo("--seconds", "10", "--desks", "4", "--profile", profile, "--json", str(file), temporary=tmp_path) as process:
        said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said
    result = json.loads(file.read_text())["result"]
    assert result["broken"] == []
    assert result["walk_ins"] > result["walk_ins_provisional"] > 0
    assert result["double_taps"] > 0
    assert result["answers_lost"] > 0
    assert (result["repaired"], result["held"]) == (1, 0)
    assert result["doses_given"] > result["given_in_outage"] > 0
    assert result["outage_true_s"] == pytest.approx(4, abs=2)
    assert said.startswith("The demo's figures are shortened")
    assert "The server is down" in said
    assert f"doses given                           {result['doses_given']}\n" in said
    assert "\n$ dosekeeper records list --state held --json\n" in said
    assert re.search(rf"^\$ dosekeeper records edit \d+ --set {batch}=4121Z012 --reason '.+' --by demo$", said, re.MULTILINE)
    assert "lost                                  0\n" in said
    assert said.endswith("Every guarantee was kept.\n")
    assert left_in(tmp_path) == [file], "journal and logs are left behind"


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for child processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.timeout(90)
async def test_an_interrupted_demo_leaves_no_process_behind(number: signal.Signals, tmp_path: Path) -> None:
    async with demo(temporary=tmp_path) as process:
        await read_until(process, "The server is up.")
        children = children_of(process.pid)
        assert len(alive(children)) == 2
        process.send_signal(number)
        await asyncio.wait_for(process.communicate(), START_S)
    assert process.returncode == 130
    assert alive(children) == []
    assert left_in(tmp_path) == []


async def test_what_the_server_received_and_took_on_is_seen_as_it_was(tmp_path: Path) -> None:
    person = next(population(1, Random(1), date(2021, 7, 30)))
    leak = "99563048000017"
    async with Simulator(people=0) as server, aiohttp.ClientSession() as http:
        stage = Stage(http, server.control_url, server.url, "", tmp_path, COWIN)
        await server.faults.raise_fault("commit_then_drop", Scope(times=1), {})
        register, vaccinate = registration(person), vaccination(Due("", "", (1,), "30-07-2021"), leak, 1, 1_627_600_000_000)
        for number, form in ((7, register), (8, vaccinate)):
            with suppress(aiohttp.ServerDisconnectedError):
                await http.post(stage.api + form.path, json=form.body, headers={"x-api-key": KEY, "Desk-Sequence": str(number)})
        received, applied = await stage.received(), await stage.applied()
    assert [effect.fact for effect in applied] == [(identity(person), REGISTRATION)]
    assert [(one.number, one.took_effect_unanswered) for one in received] == [(7, True), (None, False)]
    assert [leak.encode() in one.raw for one in received] == [False, True]


def test_a_wrong_option_is_an_error_of_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--desks", "0"]) == 2
    assert "--desks" in capsys.readouterr().err


def test_help_has_an_example() -> None:
    said = subprocess.run([*DEMO, "--help"], capture_output=True, text=True, check=True).stdout
    assert "Example: dosekeeper demo" in said


def test_the_table_says_which_guarantee_is_broken() -> None:
    result = Result(
        walk_ins=7,
        walk_ins_provisional=3,
        doses_given=9,
        given_in_outage=4,
        double_taps=2,
        not_recorded={"status 507": 2},
        longest_wait_s=3.04,
        lost=1,
        twice=0,
        registered_twice=0,
        wrong_person=0,
        out_of_order=0,
        ids_leaked=0,
        answers_lost=5,
        never_known=1,
        repaired=0,
        held=1,
        behind_held=2,
        waiting=0,
        outage_true_s=12.0,
        outage_measured_s=12.3,
        outages_running=0,
        drained_after_s=None,
        broken=("lost: 1 of them",),
    )
    shown = table(result, Limits(wait_s=4.0, outage_off_s=5.0))
    assert "longest wait at a desk                3.0 s (at most 4.0 s)\n" in shown
    assert "could not be recorded                 2\n" in shown
    assert "walk-ins registered                   7, 3 of them under a provisional id\n" in shown
    assert "answers lost                          5, 1 of them never known to have taken effect\n" in shown
    assert "held for a person to decide           1, 2 more wait behind them\n" in shown
    assert shown.endswith("BROKEN  lost: 1 of them.")

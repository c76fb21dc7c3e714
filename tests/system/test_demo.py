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
from simulator.demo.national import National
from simulator.demo.page import page
from simulator.demo.processes import Failed, free_ports
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


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("profile", "batch"), [("cowin-vaccinator", "vaccine_batch"), ("fhir-r4", "lotNumber")])
async def test_the_day_breaks_no_guarantee(tmp_path: Path, profile: str, batch: str) -> None:
    file, drawn = tmp_path / "result.json", tmp_path / "page.html"
    small = ("--seconds", "16", "--centres", "2", "--one-in", "5", "--profile", profile)
    targets = tmp_path / "targets.json"
    async with demo(*small, "--json", str(file), "--page", str(drawn), "--targets", str(targets), temporary=tmp_path) as process:
        said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said
    result = json.loads(file.read_text())
    assert result["broken"] == []
    assert [entry["labels"]["centre"] for entry in json.loads(targets.read_text())] == ["centre-563048", "centre-563051"]
    kept, without = result["with"]["all"], result["without"]["all"]
    assert kept["came"] == without["came"] == 160 + 56
    assert kept["walk_ins"] > kept["walk_ins_provisional"] > 0
    assert kept["double_taps"] > 0
    assert (kept["repaired"], kept["held"], kept["not_recorded"]) == (1, 0, {})
    assert kept["doses_given"] > kept["second_doses"] > 0
    assert kept["given_in_outage"] > 20
    if profile == "cowin-vaccinator":  # the other has no overlays: what is recorded shows once the server has it
        assert kept["look_ups_answered_in_outage"] == kept["look_ups_in_outage"] > 20
        assert kept["look_up_age_max_s"] >= kept["look_up_age_median_s"] > 1
        assert without["look_ups_answered_in_outage"] == 0 < without["look_ups_in_outage"]
    assert (without["given_in_outage"], without["double_taps"]) == (0, 0)
    assert without["longest_wait_s"] > kept["outage_true_s"] - 1 > 4
    assert without["not_recorded"]["no answer (ClientConnectorError)"] > 20
    assert kept["outage_true_s"] == pytest.approx(16 * 176 / 480, abs=1.5)
    killed = [centre["result"]["dead_s"] for centre in result["with"]["centres"]]
    assert killed[0] == 0 < killed[1]
    assert said.startswith("216 people come to 2 centres; the day takes 16 s.\nSet for a day that goes by in a minute")
    assert re.search(r"^12:0\d  The server is down\.$", said, re.MULTILINE)
    assert re.search(r"^13:[34]\d  Rudrapur: the sidecar is killed \(kill -9\), with \d+ records waiting", said, re.MULTILINE)
    assert "\n$ dosekeeper records list --state held --json\n" in said
    assert re.search(rf"^\$ dosekeeper records edit \d+ --set {batch}=4121Z012 --reason '.+' --by demo$", said, re.MULTILINE)
    assert re.search(rf"^  doses given +{kept['doses_given']} +{without['doses_given']}$", said, re.MULTILINE)
    assert "\nEvery guarantee was kept.\n" in said
    assert re.search(r"^Outages: \d, \d h.* Doses recorded meanwhile: [1-9]\d*\. All of it was confirmed by 30 Jul \d", said, re.MULTILINE)
    assert drawn.read_text() == page(result)
    assert sorted(left_in(tmp_path)) == sorted([file, drawn, targets]), "journals and logs are left behind"


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for child processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.timeout(90)
async def test_an_interrupted_demo_leaves_no_process_behind(number: signal.Signals, tmp_path: Path) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it, and what that starts inherits it
    async with demo("--centres", "1", "--one-in", "20", temporary=tmp_path) as process:
        await read_until(process, "0 of 1 sidecars see the server down")
        children = children_of(process.pid)
        assert len(alive(children)) == 3
        process.send_signal(number)
        await asyncio.wait_for(process.communicate(), START_S)
    assert process.returncode == 130
    assert alive(children) == []
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("fault", ["commit_then_drop", "commit_then_504"])
async def test_what_the_server_received_and_took_on_is_seen_as_it_was(fault: str) -> None:
    person = next(population(1, Random(1), date(2021, 7, 30)))
    leak = "99563048000017"
    async with Simulator(people=0) as server, aiohttp.ClientSession() as http:
        national = National(http, server.control_url, server.url, COWIN)
        await server.faults.raise_fault(fault, Scope(times=1), {})
        register, vaccinate = registration(person), vaccination(Due("", "", (1,), "30-07-2021"), leak, 1, 1_627_600_000_000)
        for number, form in ((7, register), (8, vaccinate)):
            with suppress(aiohttp.ServerDisconnectedError):
                await http.post(national.api + form.path, json=form.body, headers={"x-api-key": KEY, "Desk-Sequence": str(number)})
        received, applied = await national.received(), await national.applied()
    assert [effect.fact for effect in applied] == [(identity(person), REGISTRATION)]
    assert [(one.number, one.took_effect_unanswered) for one in received] == [(7, True), (None, False)]
    assert [leak.encode() in one.raw for one in received] == [False, True]


def test_a_wrong_option_is_an_error_of_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--centres", "10"]) == 2
    assert "--centres" in capsys.readouterr().err


def test_a_file_that_could_not_be_written_is_said_before_the_day(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--page", str(tmp_path / "nowhere/page.html")]) == 2
    assert "nowhere/page.html cannot be written. Name a file" in capsys.readouterr().err.replace("\n", " ")


def test_a_day_that_ends_early_leaves_the_last_ones_page_and_the_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def broken_off(*_: object) -> None:
        raise Failed("A sidecar is gone.")

    last = tmp_path / "page.html"
    last.write_text("of the last day")
    monkeypatch.setattr("simulator.demo.play.Play.seen", broken_off)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert main(["--centres", "1", "--one-in", "20", "--page", str(last)]) == 3
    said = capsys.readouterr().out
    assert "The demo ended early: A sidecar is gone.\nSee " in said
    assert last.read_text() == "of the last day"
    assert [*tmp_path.rglob("*.log")]
    assert sum(each.stat().st_size for each in tmp_path.rglob("*") if each.is_file()) < 10_000_000, "nothing big is left in the way"


def test_no_port_is_given_twice() -> None:
    given = [port for _ in range(100) for port in free_ports("127.0.0.1", 3)]
    assert len(set(given)) == 300


def test_help_has_an_example() -> None:
    said = subprocess.run([*DEMO, "--help"], capture_output=True, text=True, check=True).stdout
    assert "Example: dosekeeper demo" in said


async def test_the_true_outage_is_from_the_first_fault_in_which_nothing_is_done_to_the_last() -> None:
    async with Simulator(people=0) as server, aiohttp.ClientSession() as http:
        national = National(http, server.control_url, server.url, COWIN)
        slow = await national.raise_fault("slow", Scope(share=0.5), {"latency_s": 0.1})
        refuse = await national.raise_fault("refuse", Scope(), {})
        hang = await national.raise_fault("hang", Scope(), {})
        await national.lift(refuse)
        running = await national.down()
        await national.lift(hang)
        down = await national.down()
        await national.lift(slow)
        troubles = await national.troubles()
    raised = {entry.name: entry for entry in server.faults.history}
    assert running.ended_at is None
    assert (down.started_at, down.ended_at) == (raised["refuse"].raised_at, raised["hang"].lifted_at)
    assert [span.ended_at for span in troubles] == [raised[name].lifted_at for name in ("slow", "refuse", "hang")]
    assert raised["slow"].scope == Scope(share=0.5)

"""The metrics for who cannot scrape the admin port: a port of their own, a command, a file."""

from __future__ import annotations

import asyncio
import os
import ssl
import stat
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from click.testing import CliRunner

from proxy.cli import dosekeeper
from proxy.cli.failing import Failed
from proxy.cli.metrics import replaced
from proxy.operations.durable_metrics import DURABLE
from proxy.operations.preflight import cautions, problems
from proxy.settings import load_settings
from proxy.traffic.clock import Clock
from proxy.traffic.limits import SIDE_PORT
from proxy.traffic.process_metrics import PROCESS
from simulator import Simulator
from tests.cli.centre import Centre
from tests.console.scraped import durable_counters, falls, families
from tests.traffic.centre import people
from tests.traffic.certificates import Authority

TOKEN = {"Authorization": "Bearer correct horse"}
HOURS = "centre: {hours: Mon-Sun 00:00-24:00}\n"


async def test_a_port_of_its_own_shows_the_metrics_over_tls_and_nothing_else(centre: Centre) -> None:
    authority = Authority(centre.folder)
    cert, key = authority.pair("metrics")
    (centre.folder / "token").write_text("correct horse\n")
    (centre.folder / "token").chmod(0o600)
    own = f"metrics: {{host: 0.0.0.0, port: 0, token_file: token, tls_cert: {cert}, tls_key: {key}}}\n"
    centre.change(lambda text: text + own + HOURS)
    trusting = ssl.create_default_context(cafile=str(authority.ca))

    port = 0

    async def ask(path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
        async with centre.desk.request(method, f"https://127.0.0.1:{port}{path}", ssl=trusting, headers=headers) as answer:
            return answer.status, await answer.text()

    async with centre.serving() as service, AsyncExitStack() as held:
        port = (await service.logged("metrics_port"))["port"]
        status, refusal = await ask("/metrics")
        assert (status, "metrics.token_file" in refusal) == (401, True)
        assert (await ask("/metrics", Authorization="Bearer wrong horse"))[0] == 401
        assert (await ask("/healthz"))[0] == 200
        for path in ("/api/status", "/readyz", "/"):
            assert (await ask(path, **TOKEN))[0] in (401, 404)
        assert (await ask("/api/hold", "POST", **TOKEN, **{"Content-Type": "application/json"}))[0] == 404
        status, text = await ask("/metrics", **TOKEN, Host="centre.example:8482")
        for full, tls in ((centre.admin, None), (port, trusting)):  # few, so that desks and journal have what the system gives us
            for _ in range(SIDE_PORT.connections + 1):
                last, writer = await asyncio.open_connection("127.0.0.1", full, ssl=tls)
                held.callback(writer.close)
            assert b"too-many-connections" in await last.read()
        with pytest.raises(aiohttp.ClientError):  # how it ends is the operating system's choice
            await centre.desk.get(f"http://127.0.0.1:{port}/metrics", headers=TOKEN)
    found = families(text)
    assert status == 200
    may_be_absent = {"records_oldest_unsent_timestamp_seconds", "records_next_deadline_timestamp_seconds", "clock_offset_seconds"}
    expected = {about.family + ("_info" if about.kind == "info" else "") for about in [*DURABLE.values(), *PROCESS.values()]}
    assert expected - found.keys() <= {f"dosekeeper_{name}" for name in may_be_absent}
    assert found.keys() <= {*expected}
    assert found["dosekeeper_centre_open"].samples[0].value == 1
    assert len(found["dosekeeper_centre_hours_seconds"].samples) == 7


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_other_machines_reach_it_with_a_token_only(tmp_path: Path) -> None:
    def said(**own: str) -> tuple[str, str]:
        settings = load_settings(None, {f"DOSEKEEPER_METRICS__{key}".upper(): value for key, value in own.items()})
        return "\n".join(map(str, problems(settings, {}))), "\n".join(map(str, cautions(settings, Clock().aware())))

    (tmp_path / "token").write_text("correct horse")
    (tmp_path / "token").chmod(0o644)
    assert "metrics.token_file" in said(host="0.0.0.0", port="0")[0]
    assert said(host="0.0.0.0") == ("", "")
    assert said(port="8482") == ("", "")
    refused, told = said(host="0.0.0.0", port="8482", token_file=str(tmp_path / "token"))
    assert refused == ""
    assert "metrics.tls_cert" in told
    assert "chmod 600" in told
    assert "metrics.tls_cert" in said(port="8482", tls_cert="no.pem", tls_key="no.key")[0]
    (tmp_path / "token").write_bytes(b"correct h\xf6rse")
    assert "token is not text" in said(port="8482", token_file=str(tmp_path / "token"))[0]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_the_file_is_readable_for_others_whatever_the_umask_and_no_link_is_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("whole")
    for planted in (f".centre.prom.{os.getpid()}", "centre.prom"):
        (tmp_path / planted).symlink_to(victim)
    before = os.umask(0o077)
    try:
        replaced(tmp_path / "centre.prom", "up 1\n")
    finally:
        os.umask(before)
    assert victim.read_text() == "whole"
    assert stat.S_IMODE((tmp_path / "centre.prom").lstat().st_mode) == 0o644


async def test_a_file_of_them_with_and_without_a_service(centre: Centre, sim: Simulator) -> None:
    file = centre.folder / "dosekeeper.prom"
    async with centre.serving():
        assert await centre.vaccinate(people(sim)[0]) == 200
        assert (await centre.run("metrics", "--textfile", str(file))).code == 0
    running, before = file.read_text(), file.stat().st_ino
    assert families(running)["dosekeeper_service_running"].samples[0].value == 1
    assert families(running)["dosekeeper_reads"].samples
    assert (await centre.run("metrics", "--textfile", str(file))).code == 0
    stopped = file.read_text()
    assert families(stopped)["dosekeeper_service_running"].samples[0].value == 0
    assert durable_counters(stopped)["records_recorded_total", "vaccinate"] == 1
    assert falls([durable_counters(running), durable_counters(stopped)]) == []
    assert file.stat().st_ino != before  # another file in its place: nobody reads half of one
    assert file.stat().st_mode & 0o444 == 0o444
    assert [each.name for each in centre.folder.glob("*dosekeeper*")] == ["dosekeeper.prom"]


def test_a_file_that_cannot_be_written_or_would_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="cannot be written"):
        replaced(tmp_path / "no" / "such.prom", "")
    (tmp_path / "folder.prom").mkdir()
    with pytest.raises(Failed, match="cannot be written"):
        replaced(tmp_path / "folder.prom", "")
    assert [each.name for each in tmp_path.iterdir()] == ["folder.prom"]
    assert CliRunner().invoke(dosekeeper, ["metrics", "--textfile", "metrics.txt"]).exit_code == 2

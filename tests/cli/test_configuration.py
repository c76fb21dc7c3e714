"""What is wrong with a configuration is told at once, and nothing is started."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.cli import dosekeeper
from simulator import Simulator
from tests.cli.centre import Centre
from tests.ports import free_ports


@pytest.mark.parametrize("verb", [("check",), ("serve",), ("status",), ("replay",)])
async def test_every_mistake_is_told_with_its_line(centre: Centre, verb: tuple[str, ...]) -> None:
    centre.config.write_text("listen: {prot: 1}\nstore: {reserve: lots}\n")
    result = await centre.run(*verb)
    assert result.code == 2
    assert f'{centre.config}:1: listen.prot: no such key; did you mean "port"?' in result.err
    assert f"{centre.config}:2: store.reserve" in result.err
    assert not (centre.folder / "data").exists()


@pytest.mark.parametrize("verb", ["check", "serve"])
async def test_default_centre_id_stays_on_loopback(centre: Centre, verb: str) -> None:
    result = await centre.run(verb, DOSEKEEPER_UPSTREAM__URL="https://server.invalid/api")
    assert result.code == 2
    assert "centre.id" in result.out + result.err


@pytest.mark.parametrize("verb", ["check", "serve"])
async def test_admin_port_is_not_open_to_others_without_a_token(centre: Centre, verb: str) -> None:
    result = await centre.run(verb, DOSEKEEPER_ADMIN__HOST="0.0.0.0")
    assert result.code == 2
    assert "admin.token_file" in result.out + result.err


async def test_serve_wants_its_files(centre: Centre) -> None:
    centre.change(lambda text: text.replace("{x-api-key: demo-key}", "{x-api-key: {file: key.txt}, x-other: {env: NOT_SET}}"))
    result = await centre.run("serve")
    assert result.code == 2
    assert "upstream.headers.x-api-key" in result.err
    assert "upstream.headers.x-other: the variable NOT_SET is not set" in result.err


@pytest.mark.parametrize("verb", ["check", "serve"])
async def test_mistakes_of_a_profile_are_told_alike(centre: Centre, verb: str) -> None:
    (centre.folder / "ours.yaml").write_text("profile: ours\nrotes: []\n")
    result = await centre.run(verb, DOSEKEEPER_PROFILE=str(centre.folder / "ours.yaml"))
    assert result.code == 2
    assert "ours.yaml:2: rotes" in result.out + result.err


@pytest.mark.parametrize("verb", [("status",), ("records", "list"), ("outages", "list"), ("replay",), ("hold",)])
async def test_a_command_begins_no_journal(centre: Centre, verb: tuple[str, ...]) -> None:
    result = await centre.run(*verb)
    assert result.code == 1
    assert "There is no journal" in result.err
    assert "dosekeeper serve" in result.err
    assert not (centre.folder / "data").exists()


async def test_check_finds_all_well(centre: Centre, sim: Simulator) -> None:
    result = await centre.run("check", "--json")
    assert result.code == 0, result.out
    assert {finding["what"] for finding in result.json} == {
        *("settings", "configuration", "profile", "versions", "disk", "key", "ports", "clock", "upstream")
    }
    assert all(finding["ok"] for finding in result.json)
    assert [(entry.method, entry.target) for entry in sim.ledger.received] == [("GET", b"/api/v2/registration/beneficiary/genders")]
    assert not (centre.folder / "data").exists()


async def test_check_says_that_the_upstream_is_away(centre: Centre) -> None:
    (nobody,) = free_ports(1)
    result = await centre.run("check", DOSEKEEPER_UPSTREAM__URL=f"http://127.0.0.1:{nobody}/api")
    assert result.code == 1
    assert "WRONG  upstream" in result.out
    assert "nothing listens there (connection refused)" in result.out
    unknown = await centre.run("check", DOSEKEEPER_UPSTREAM__URL="http://server.invalid/api", DOSEKEEPER_CENTRE__ID="uk-rudrapur-17")
    assert "http://server.invalid/api: its name cannot be resolved" in unknown.out


async def test_check_tells_everything_at_once(centre: Centre) -> None:
    (centre.folder / "data").mkdir()
    (centre.folder / "data" / "journal.db").write_bytes(b"x" * 4096)
    result = await centre.run(
        "check", DOSEKEEPER_STORE__RESERVE="900000000GiB", DOSEKEEPER_ADMIN__HOST="0.0.0.0", DOSEKEEPER_PROFILE="cowin"
    )
    assert result.code == 2
    wrong = [line.split()[1] for line in result.out.splitlines() if line.startswith("WRONG")]
    assert wrong == ["configuration", "profile", "disk", "key", "upstream"]


@asynccontextmanager
async def dated(date: str) -> AsyncIterator[str]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n"
        writer.write(head.encode() + b"\r\n[]")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api"


async def test_check_compares_the_clock_with_the_upstreams(centre: Centre) -> None:
    async with dated("Fri, 30 Jul 2021 06:30:00 GMT") as url:
        result = await centre.run("check", DOSEKEEPER_UPSTREAM__URL=url)
    assert result.code == 1
    assert "clock is" in result.out
    assert "ahead of the server's" in result.out


def test_check_says_that_there_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (nobody,) = free_ports(1)
    result = CliRunner().invoke(dosekeeper, ["check"], env={"DOSEKEEPER_UPSTREAM__URL": f"http://127.0.0.1:{nobody}/api"})
    assert "ok     settings       no config.yaml here: defaults" in result.output
    (tmp_path / "config.yaml").write_text(f"upstream: {{url: 'http://127.0.0.1:{nobody}/api'}}\n")
    assert f"ok     settings       {tmp_path / 'config.yaml'}\n" in CliRunner().invoke(dosekeeper, ["check"]).output


async def test_check_holds_the_key_against_the_journal(centre: Centre) -> None:
    async with centre.serving():
        pass
    well = {finding["what"]: finding for finding in (await centre.run("check", "--json")).json}
    assert well["settings"]["message"] == str(centre.config)
    assert (well["key"]["ok"], well["journal"]["ok"]) == (True, True)
    wrong = await centre.run("check", DOSEKEEPER_STORE_KEY="00" * 32)
    assert wrong.code == 1
    assert "WRONG  key            The key does not open the journal" in wrong.out
    assert "dosekeeper key import FILE" in wrong.out
    (centre.folder / "data" / "journal.db-journal").write_bytes(b"of a first start that was cut off")
    assert "WRONG  key" not in (await centre.run("check", DOSEKEEPER_STORE_KEY="00" * 32)).out


@pytest.mark.parametrize("section", ["listen", "admin"])
async def test_check_finds_a_taken_port(centre: Centre, section: str) -> None:
    port = centre.data if section == "listen" else centre.admin
    with socket.create_server(("127.0.0.1", port)):
        result = await centre.run("check")
    assert result.code == 1
    assert f"WRONG  ports          {section}.port: 127.0.0.1 port {port} cannot be had: " in result.out
    async with centre.serving():  # these are its own
        running = await centre.run("check")
    assert running.code == 0, running.out
    assert "this journal's service runs, and has them" in running.out

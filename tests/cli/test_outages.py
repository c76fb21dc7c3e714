"""`dosekeeper outages` without a service, on a journal with two days of July 2021 in it."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy.cli import dosekeeper
from store.file.lock import Role
from store.journal import open_journal
from tests.operations.outage_scene import written

THE_30TH = ("--from", "2021-07-30", "--to", "2021-07-30")


async def _make(folder: Path) -> None:
    journal = await open_journal(folder / "journal.db", folder / "journal.key", {}, Role.CLI)
    try:
        await written(journal)
    finally:
        await journal.close()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("DOSEKEEPER_")]:
        monkeypatch.delenv(name)
    asyncio.run(_make(tmp_path))
    settings = {"centre": {"id": "rudrapur", "name": "Rudrapur"}, "store": {"path": "journal.db", "key_file": "journal.key"}}
    settings["admin"] = {"host": "127.0.0.1", "port": "0"}
    (tmp_path / "config.yaml").write_text(json.dumps(settings).replace('"0"', "0"))
    return tmp_path


def test_list_and_report(folder: Path) -> None:
    def run(*words: str) -> Result:
        return CliRunner().invoke(dosekeeper, ["--config", str(folder / "config.yaml"), "outages", *words])

    def listed(*words: str) -> list[int]:
        return [line["id"] for line in json.loads(run("list", *words, "--json").stdout)]

    assert listed() == [1, 3], "a brown-out is no outage, and a hold is none"
    assert listed("--kind", "all") == [1, 2, 3, 4]
    assert listed("--since", "2021-07-30", "--group", "vaccinator", "--kind", "slow") == [2]
    assert "planned" in run("list", "--kind", "planned").stdout
    assert run("list", "--group", "auth").stdout == "No outage fits.\n"

    told = json.loads(run("report", *THE_30TH, "--format", "json").stdout)
    assert told["centre"] == {"id": "rudrapur", "name": "Rudrapur"}
    assert (told["from"], told["to"]) == ("2021-07-29T18:30:00.000Z", "2021-07-30T18:30:00.000Z"), "the whole day, as it is at the centre"
    assert [line["id"] for line in told["outages"]] == [2, 3, 4]
    assert "Outages: 1, 2 h 46 min in all" in run("report", *THE_30TH).stdout
    assert run("report", *THE_30TH, "--format", "html", "--lang", "hi").stdout.startswith("<!doctype html><html lang=hi>")
    saved = folder / "saved.json"
    saved.write_text(json.dumps(told))
    assert run("report", "--of", str(saved)).stdout == run("report", *THE_30TH).stdout
    saved.write_text('{"timezone": "Asia/Kolkata"}')
    assert "is no report" in run("report", "--of", str(saved)).output
    assert "--from" in run("report", "--from", "2021-07-30", "--to", "2021-07-29").output
    assert "outages list" in run("annotate", "9", "--reason", "who knows").output
    assert run("annotate", "3", "--reason", "", "--by", "asha").exit_code == 1

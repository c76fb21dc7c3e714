"""`support-bundle`: everything that helps, and nothing of anybody."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

from simulator import Simulator
from tests.cli.centre import Centre
from tests.cli.held import A_WALK_IN, REGISTER, post, recorded_while_down, refused_in_replay
from tests.traffic.centre import VACCINATE, a_dose, people

FILES = {
    *("settings.json", "versions.json", "status.json", "records.json", "outages.json", "disk.json", "check.json", "log.jsonl"),
}
MARKS = (
    *("Lakshmi-Mark", "9000012345", "PHOTO-4821-MARK", "48448366830001", "Prabha"),  # of persons
    *("api-key-mark", "bearer-mark", "admin-token-mark", "idempotency-mark"),  # secrets
    *("asha-mark", "hold-reason-mark", "discard-reason-mark", "override-mark", "centre-name-mark", "reference-mark"),  # people's words
)


def contents(bundle: Path) -> dict[str, str]:
    with zipfile.ZipFile(bundle) as opened:
        return {name: opened.read(name).decode() for name in opened.namelist()}


def plant(centre: Centre) -> None:
    token, key = centre.folder / "token-file", centre.folder / "key-file"
    token.write_text("admin-token-mark\n")
    key.write_text("api-key-mark-in-a-file\n")
    centre.change(
        lambda text: text.replace("x-api-key: demo-key", f"x-api-key: demo-key, x-mark: api-key-mark, x-file: {{file: {key}}}").replace(
            "admin: {", f"centre: {{name: centre-name-mark}}\nadmin: {{token_file: {token}, "
        )
    )


async def a_full_day(centre: Centre, sim: Simulator, service: Any) -> None:
    """Leave a mark wherever the journal or the log could keep one."""
    walk_in = A_WALK_IN | {"name": "Lakshmi-Mark", "mobile_number": "9000012345", "photo_id_number": "PHOTO-4821-MARK"}
    centre.desk.headers.update({"Authorization": "Bearer bearer-mark", "Idempotency-Key": '"idempotency-mark"'})
    await recorded_while_down(centre, sim, service, [(REGISTER, walk_in)])
    del centre.desk.headers["Idempotency-Key"]
    await post(centre, VACCINATE, a_dose(people(sim)[2]))
    centre.desk.headers["Dosekeeper-Override"] = "override-mark"
    await refused_in_replay(centre, sim, service, 2)
    await centre.vaccinate("48448366830001")
    discarded, settled, *_ = [r["number"] for r in (await centre.run("records", "list", "--state", "held", "--json")).json]
    by = ("--by", "asha-mark", "--reason")
    assert (await centre.run("records", "discard", str(discarded), *by, "discard-reason-mark", "--i-have-looked")).code == 0
    settle = ("records", "settle", str(settled), "--as", "delivered", "--reference", "reference-mark")
    assert (await centre.run(*settle, *by, "discard-reason-mark")).code == 0
    assert (await centre.run("hold", *by, "hold-reason-mark")).code == 0


async def test_it_has_what_helps_and_nothing_of_anybody(centre: Centre, sim: Simulator) -> None:
    plant(centre)
    target = centre.folder / "bundle.zip"
    async with centre.serving() as service:
        await a_full_day(centre, sim, service)
        made = await centre.run("support-bundle", str(target), "--json")
        status = await centre.run("status")
    found = contents(target)
    marks = (*MARKS, *people(sim)[:3], (centre.folder / "data" / "journal.key").read_text().strip())
    assert "hold-reason-mark" in status.out, "the marks are where they are looked for"
    assert {(name, mark) for name, text in found.items() for mark in marks if mark in text} == set()
    assert made.code == 0, made.err
    assert made.json["service"] is True
    assert found.keys() == made.json["files"].keys() == FILES
    settings = json.loads(found["settings.json"])
    assert settings["upstream"]["headers"] == {
        "x-api-key": "in the configuration",
        "x-mark": "in the configuration",
        "x-file": "from a file",
    }
    assert settings["outage"]["probe_every"] == "100ms"
    assert "admin.token_file" in settings["given"]
    assert {"python", "sqlite", "aiohttp", "dosekeeper", "system"} <= json.loads(found["versions.json"]).keys()
    assert json.loads(found["status.json"])["on_hold"] is True
    assert {line["route"] for line in json.loads(found["records.json"])} >= {"vaccinate", "register"}
    assert json.loads(found["outages.json"])[0]["cause"] == "refused"
    assert json.loads(found["disk.json"])["files"]["journal"] > 0
    assert {finding["what"] for finding in json.loads(found["check.json"])} >= {"configuration", "versions", "upstream"}
    assert any(json.loads(line)["action"] == "outage_began" for line in found["log.jsonl"].splitlines())


async def test_without_a_service_it_says_so(centre: Centre) -> None:
    async with centre.serving():
        pass
    target = centre.folder / "bundle.zip"
    made = await centre.run("support-bundle", str(target))
    found = contents(target)
    assert made.code == 0, made.err
    assert "No service is running" in made.out
    assert str(target) in made.out
    assert found.keys() == FILES
    assert "no service is running" in found["log.jsonl"]
    assert json.loads(found["status.json"])["service"] is False


async def test_without_a_journal_that_can_be_read_it_tells_that(centre: Centre) -> None:
    nothing = await centre.run("support-bundle", str(centre.folder / "one.zip"))
    async with centre.serving():
        pass
    (centre.folder / "data" / "journal.key").write_text("0" * 64 + "\n")
    wrong = await centre.run("support-bundle", str(centre.folder / "two.zip"))
    assert [nothing.code, wrong.code] == [0, 0]
    assert "There is no journal" in contents(centre.folder / "one.zip")["status.json"]
    assert "The key does not open the journal" in contents(centre.folder / "two.zip")["status.json"]
    assert json.loads(contents(centre.folder / "two.zip")["settings.json"])["centre"]["id"] == "centre-1"


async def test_a_folder_that_bears_a_name_does_not_tell_it(centre: Centre) -> None:
    home = centre.folder / "asha-mark"
    home.mkdir()
    async with centre.serving():
        pass
    shutil.copytree(centre.folder / "data", home / "data")
    shutil.copy(centre.config, home)
    made = await Centre(home, centre.data, centre.admin, centre.desk).run("support-bundle", str(home / "b.zip"), HOME=str(home))
    assert made.code == 0, made.err
    assert [name for name, text in contents(home / "b.zip").items() if "asha-mark" in text] == []

# ruff: noqa: ASYNC240 - nothing else waits in a test's loop
"""`backup`, `restore` and `key`: with and without a service, and what they say when they cannot."""

from __future__ import annotations

import asyncio
import getpass
import shutil
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from simulator import Simulator
from tests.cli.centre import DOSEKEEPER, ROOT, Centre, Result
from tests.ports import free_ports
from tests.traffic.centre import people

PASSPHRASE = "four words of asha"


@pytest.fixture
def stick(centre: Centre) -> Path:
    made = centre.folder / "stick"
    made.mkdir()
    (made / "passphrase").write_text(f"{PASSPHRASE}\n")
    return made


def backups(stick: Path) -> list[Path]:
    return sorted(stick.glob("*.journal"))


@pytest.fixture
def elsewhere(centre: Centre) -> Centre:
    """Another computer of the same centre: the same configuration, other ports, no journal and no key."""
    folder = centre.folder / "another computer"
    folder.mkdir()
    data, admin = free_ports(2)
    config = centre.config.read_text().replace(str(centre.data), str(data)).replace(str(centre.admin), str(admin))
    (folder / "config.yaml").write_text(config)
    return replace(centre, folder=folder, data=data, admin=admin)


async def with_the_key(centre: Centre, elsewhere: Centre, stick: Path) -> Result:
    exported = await centre.run("key", "export", str(stick / "key.txt"), "--passphrase-file", str(stick / "passphrase"))
    assert exported.code == 0, exported.err
    return await elsewhere.run("key", "import", str(stick / "key.txt"), "--passphrase-file", str(stick / "passphrase"))


async def test_a_backup_while_the_service_runs_and_one_without(centre: Centre, sim: Simulator, stick: Path) -> None:
    none = await centre.run("backup", str(stick))
    async with centre.serving():
        assert await centre.vaccinate(people(sim)[0]) == 200
        made = await centre.run("backup", str(stick))
    alone = await centre.run("backup", str(stick), "--json")
    assert none.code == 1
    assert "There is no journal" in none.err
    assert made.code == 0, made.err
    assert "1 records, 0 of them not confirmed" in made.out
    assert "The key is not in it" in made.out
    assert "key export" in made.out
    assert alone.json["records"]["delivered"] == 1
    assert alone.json["file"] in map(str, backups(stick))
    assert alone.json["size_bytes"] == backups(stick)[-1].stat().st_size
    assert {file.name for file in stick.iterdir()} == {"passphrase", *(file.name for file in backups(stick))}


async def test_old_backups_of_this_centre_go(centre: Centre, stick: Path) -> None:
    others = ["centre-10-20210730T063000Z.journal", "centre-1-register.csv", "centre-1-20210730T063000Z.journal.txt"]
    old = [f"centre-1-2021073{day}T063000Z.journal" for day in range(5)]
    for name in (*others, *old):
        (stick / name).write_bytes(b"x")
    async with centre.serving():
        pass
    made = await centre.run("backup", str(stick), "--keep", "3", "--json")
    assert made.code == 0, made.err
    assert made.json["removed"] == old[:3]
    assert {file.name for file in stick.iterdir()} == {"passphrase", *others, *old[3:], Path(made.json["file"]).name}


async def test_a_backup_from_the_future_does_not_cost_the_one_just_made(centre: Centre, stick: Path) -> None:
    (stick / "centre-1-20990730T063000Z.journal").write_bytes(b"x")
    async with centre.serving():
        pass
    made = await centre.run("backup", str(stick), "--keep", "1", "--json")
    assert [file.name for file in backups(stick)] == [Path(made.json["file"]).name]


@pytest.mark.skipif(sys.platform == "win32", reason="a limit on the size of a file is POSIX")
@pytest.mark.parametrize("running", [True, False], ids=["with a service", "without"])
async def test_a_place_that_takes_no_backup_is_named_and_left_clean(centre: Centre, stick: Path, running: bool) -> None:
    async with centre.serving():
        if running:
            absent = await centre.run("backup", str(stick / "not-there"))
            no_folder = await centre.run("backup", str(stick / "passphrase"))
    if not running:
        absent = await centre.run("backup", str(stick / "not-there"))
        no_folder = await centre.run("backup", str(stick / "passphrase"))
        full = await in_a_shell(centre, f'ulimit -f 64; exec "$@" backup {stick}')
        assert full.code == 1
        assert "No backup was made" in full.err
    for refused in (absent, no_folder):
        assert refused.code == 1
        assert "Nothing half-made was left there" in refused.err
        assert "dosekeeper backup FOLDER" in refused.err
    assert [file.name for file in stick.iterdir()] == ["passphrase"]


async def in_a_shell(centre: Centre, script: str) -> Result:
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", script, "bash", *DOSEKEEPER, "--config", str(centre.config)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    async with asyncio.timeout(40):
        out, err = await process.communicate()
    return Result(process.returncode or 0, out.decode(), err.decode())


async def test_from_one_computer_to_another(centre: Centre, elsewhere: Centre, sim: Simulator, stick: Path) -> None:
    person = people(sim)[0]
    async with centre.serving() as service:
        fault = await sim.faults.add("refuse")
        await service.logged("outage_began", group="vaccinator")
        assert await centre.vaccinate(person) == 200
        assert (await centre.run("backup", str(stick))).code == 0
    keyless = await elsewhere.run("restore", str(stick))
    imported = await with_the_key(centre, elsewhere, stick)
    restored = await elsewhere.run("restore", str(stick), "--by", "asha")
    again = await elsewhere.run("restore", str(stick))
    before = await elsewhere.run("status")
    await sim.faults.lift(fault)
    async with elsewhere.serving() as service:
        copy = await service.logged("restored")
        await service.logged("settle", state="delivered")
        status = await elsewhere.run("status", "--json")
        running = await elsewhere.run("restore", str(stick), "--replace")
    replaced = await elsewhere.run("restore", str(backups(stick)[0]), "--replace", "--json")
    audit = await elsewhere.run("audit", "list", "--json")
    assert keyless.code == 1
    assert "dosekeeper key import FILE" in keyless.err
    assert imported.code == 0, imported.err
    assert restored.code == 0, restored.err
    assert "1 records, 1 of them not confirmed" in restored.out
    assert "numbers from 2 on" in restored.out
    assert "New numbers begin at 10002" in restored.out
    assert again.code == 1
    assert "--replace" in again.err
    assert "a copy, made on" in before.out
    assert copy["next_number"] == 10_002
    assert status.json["restored"].keys() == {"at", "copied_at", "last_number", "next_number"}
    assert running.code == 1
    assert "in use by the dosekeeper service" in running.err
    assert "admin port" not in running.err  # nobody asked there
    assert replaced.code == 0, replaced.err
    assert Path(replaced.json["set_aside"]).exists()
    assert [(entry["action"], entry["by"]) for entry in audit.json][-1] == ("restore", getpass.getuser())


async def test_a_folder_without_a_backup_of_this_centre(centre: Centre, stick: Path) -> None:
    async with centre.serving():
        pass
    (stick / "centre-2-20210730T063000Z.journal").write_bytes(b"x")
    found = await centre.run("restore", str(stick), "--replace")
    other = await centre.run("restore", str(stick / "centre-2-20210730T063000Z.journal"), "--replace")
    gone = await centre.run("restore", str(stick / "gone.journal"), "--replace")
    assert [found.code, other.code, gone.code] == [1, 1, 1]
    assert "no backup of centre-1" in found.err
    assert "cannot be restored" in other.err
    assert "No such file" in gone.err
    assert (await centre.run("status")).code == 0, "the journal is as it was"


async def test_a_folder_copied_by_hand_is_noticed(centre: Centre, elsewhere: Centre, sim: Simulator) -> None:
    async with centre.serving():
        await centre.vaccinate(people(sim)[0])
    shutil.copytree(centre.folder / "data", elsewhere.folder / "data")
    original = await centre.run("status", "--json")
    clone = await elsewhere.run("status", "--json")
    plain = await elsewhere.run("status")
    assert original.json["restored"] is None
    assert clone.json["restored"]["copied_at"] is None
    assert "made by hand" in plain.out


async def test_the_key_travels_under_its_passphrase_alone(centre: Centre, elsewhere: Centre, stick: Path) -> None:
    async with centre.serving():
        first = await with_the_key(centre, elsewhere, stick)
    again = await with_the_key_in_place(elsewhere, stick)
    over = await centre.run("key", "export", str(stick / "key.txt"), "--passphrase-file", str(stick / "passphrase"))
    (stick / "passphrase").write_text("another passphrase\n")
    wrong = await with_the_key_in_place(elsewhere, stick)
    (stick / "passphrase").write_text("short\n")
    short = await centre.run("key", "export", str(stick / "other.txt"), "--passphrase-file", str(stick / "passphrase"))
    unasked = await centre.run("key", "export", str(stick / "other.txt"))
    key_file = elsewhere.folder / "data" / "journal.key"
    assert first.code == 0, first.err
    assert key_file.read_text() == (centre.folder / "data" / "journal.key").read_text()
    assert stat.S_IMODE((stick / "key.txt").stat().st_mode) == 0o600
    assert key_file.read_text().strip() not in (stick / "key.txt").read_text()
    assert again.code == 0
    assert "as it was before" in again.err
    assert over.code == 1
    assert "is there already" in over.err
    assert wrong.code == 1
    assert "the passphrase is another one" in wrong.err
    assert short.code == 1
    assert "12 or more" in short.err
    assert unasked.code == 2
    assert not (stick / "other.txt").exists()


async def with_the_key_in_place(elsewhere: Centre, stick: Path) -> Result:
    return await elsewhere.run("key", "import", str(stick / "key.txt"), "--passphrase-file", str(stick / "passphrase"))


async def test_a_key_that_is_there_is_never_overwritten(centre: Centre, elsewhere: Centre, stick: Path) -> None:
    for each in (centre, elsewhere):
        async with each.serving():
            pass
    before = (elsewhere.folder / "data" / "journal.key").read_text()
    refused = await with_the_key(centre, elsewhere, stick)
    assert refused.code == 1
    assert "Another key is in" in refused.err
    assert (elsewhere.folder / "data" / "journal.key").read_text() == before


async def test_a_key_that_is_not_there_is_not_made(centre: Centre, stick: Path) -> None:
    refused = await centre.run("key", "export", str(stick / "key.txt"), "--passphrase-file", str(stick / "passphrase"))
    assert refused.code == 1
    assert "There is no key here" in refused.err
    assert not (stick / "key.txt").exists()
    assert not (centre.folder / "data").exists()

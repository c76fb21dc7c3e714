"""`audit list` and `audit verify`."""

from __future__ import annotations

from pathlib import Path

from store.file.connection import open_writer
from tests.cli.centre import Centre


async def two_acts(centre: Centre) -> None:
    async with centre.serving():
        assert (await centre.run("hold", "--reason", "maintenance", "--by", "asha")).code == 0
        assert (await centre.run("release", "--by", "ravi")).code == 0
        listed = await centre.run("audit", "list", "--json")
        verified = await centre.run("audit", "verify")
    assert [(entry["id"], entry["by"], entry["action"]) for entry in listed.json] == [(1, "asha", "hold"), (2, "ravi", "release")]
    assert verified.code == 0
    assert "is whole" in verified.out


def forge(journal: Path) -> None:
    key = bytes.fromhex(journal.with_name("journal.key").read_text().strip())
    db = open_writer(journal, key)
    try:
        db.execute("DROP TRIGGER audit_is_altered")
        db.execute("UPDATE audit SET done_by = 'nobody' WHERE id = 1")
        db.commit()
    finally:
        db.close()


async def test_an_altered_entry_is_named(centre: Centre) -> None:
    await two_acts(centre)
    (journal,) = centre.folder.rglob("journal.db")
    forge(journal)
    verified = await centre.run("audit", "verify")
    listed = await centre.run("audit", "list")
    assert verified.code == 1
    assert "broken at entry 1" in verified.err
    assert listed.code == 0
    assert "ravi" in listed.out

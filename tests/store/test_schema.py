from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest
import sqlcipher3

import store
from store.errors import JournalNewer
from store.file.connection import open_writer
from store.file.migrate import MIGRATIONS, migrate, version
from store.queries import SQL, Db, blocks

SEEDED = ["record_transition"]


def described(db: Db) -> dict[str, object]:
    """What is in a schema, white space and comments aside, and the rows it comes with."""
    entries = db.execute("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")
    schema: dict[str, object] = {
        f"{kind} {name}": " ".join(re.sub(r"--.*", "", sql).split()).replace("( ", "(").replace(" )", ")") for kind, name, sql in entries
    }
    return schema | {table: sorted(db.execute(f"SELECT * FROM {table}")) for table in SEEDED}


def test_the_migrations_add_up_to_the_schema(db: Db, tmp_path: Path) -> None:
    whole = sqlcipher3.connect(str(tmp_path / "whole.db"), isolation_level=None)
    whole.executescript((files("store") / "sql" / "schema.sql").read_text("utf-8"))
    try:
        assert described(db) == described(whole)
    finally:
        whole.close()


def test_migrations_are_numbered_without_a_gap() -> None:
    assert list(MIGRATIONS) == list(range(1, len(MIGRATIONS) + 1))


def test_a_migration_that_fails_leaves_nothing_and_is_tried_again(db: Db) -> None:
    number = version(db) + 1
    with pytest.raises(sqlcipher3.OperationalError):
        migrate(db, {**MIGRATIONS, number: "CREATE TABLE half (x INTEGER); CREATE TABLE nonsense;"})
    assert version(db) == number - 1
    migrate(db, {**MIGRATIONS, number: "CREATE TABLE half (x INTEGER);"})
    assert version(db) == number


def test_a_journal_of_a_newer_dosekeeper_is_refused_and_left_alone(path: Path, key: bytes) -> None:
    opened = open_writer(path, key)
    opened.execute("PRAGMA user_version = 99")
    opened.close()
    before = path.read_bytes()
    with pytest.raises(JournalNewer, match="its version is 99, this one knows up to"):
        open_writer(path, key)
    assert path.read_bytes() == before


def test_every_statement_is_used_and_every_used_one_is_there() -> None:
    source = "".join(file.read_text("utf-8") for file in Path(store.__file__).parent.rglob("*.py"))
    used = set(re.findall(r'\b(?:rows|value|run|run_many)\(\s*db,\s*"(\w+)"', source)) | {"record_by_number", "record_by_id"}
    used |= set(re.findall(r'SQL\["(\w+)"\]', source))
    assert used == set(SQL)


def test_every_statement_can_be_prepared(db: Db) -> None:
    for statement in SQL.values():
        db.execute(f"EXPLAIN {statement}", dict.fromkeys(re.findall(r":(\w+)", statement)))


def test_two_blocks_of_one_name_are_an_error() -> None:
    with pytest.raises(ValueError, match="one name"):
        blocks("-- name: a\nSELECT 1;\n-- name: a\nSELECT 2;\n")


def test_nothing_on_disk_is_in_clear(path: Path, key: bytes) -> None:
    opened = open_writer(path, key)
    opened.execute("INSERT INTO meta VALUES ('readable', x'00')")
    written = path.read_bytes() + path.with_name("journal.db-wal").read_bytes()
    opened.close()
    assert b"SQLite format" not in written
    assert b"readable" not in written

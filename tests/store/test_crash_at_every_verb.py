# ruff: noqa: ASYNC221 - nothing else waits in a test's loop
"""A kill -9 around the COMMIT of each verb: what is on disk is all of it or nothing of it."""

from __future__ import annotations

import inspect
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import store
from store.file.connection import open_writer
from store.journal import Journal
from tests.store.helpers import KEY
from tests.store.verbs import VERBS, build

ROOT = Path(store.__file__).parents[1]
DRAWS_A_TOKEN = "settle_in"  # no two runs leave the same behind: tests/store/test_copies.py
READS_AND_REST = {"open", "close", "wanted", "installation_id", "lane_hash", "topic"}


@pytest.fixture
async def scene(tmp_path: Path) -> Path:
    path = tmp_path / "scene.db"
    await build(path)
    return path


def everything(path: Path) -> dict[str, list[str]]:
    """Return all rows of all tables, as text."""
    db = open_writer(path, KEY)
    try:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_stat%'")]
        return {table: sorted(map(repr, db.execute(f"SELECT * FROM {table}"))) for table in tables}
    finally:
        db.close()


@pytest.mark.parametrize("verb", sorted(VERBS.keys() - {DRAWS_A_TOKEN}))
async def test_a_verb_that_is_killed_has_happened_or_has_not(scene: Path, tmp_path: Path, verb: str) -> None:
    whole = tmp_path / "whole.db"
    shutil.copy(scene, whole)
    journal = await Journal.open(whole, KEY)
    await VERBS[verb](journal)
    await journal.close()
    done, before = everything(whole), everything(scene)
    assert done != before, "the scene has something for this verb to do"

    for when, expected in (("before", before), ("after", done)):
        cut = tmp_path / f"{when}.db"
        shutil.copy(scene, cut)
        killed = subprocess.run([sys.executable, "-m", "tests.store.verbs", str(cut), verb, when], cwd=ROOT, timeout=30, check=False)
        assert killed.returncode == -signal.SIGKILL
        assert everything(cut) == expected, when
        journal = await Journal.open(cut, KEY)
        assert await journal.verify_audit() is None
        await journal.close()


def test_every_verb_is_here() -> None:
    """A verb writes; whatever calls the engine's `write` or `keep` is one."""
    writing = {
        name
        for name, method in inspect.getmembers(Journal, inspect.isfunction)
        if not name.startswith("_") and re.search(r"_engine\.(write|keep)\(", inspect.getsource(method))
    }
    assert writing - READS_AND_REST == set(VERBS) - {"register"}

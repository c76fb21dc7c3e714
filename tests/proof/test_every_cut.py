"""The power is cut before every write to the journal's files: what was told is there, nothing is damaged, and it opens by itself."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import pytest

import store
from store.journal import Journal
from store.queries import Db
from store.record_search import RecordFilter
from store.records import RecordState
from tests.disk.faulty_disk import compiled
from tests.proof.mode import PROOF
from tests.proof.power_cut import Image, Left, cuts, read_trace
from tests.store.helpers import KEY

ROOT = Path(store.__file__).parents[1]
EVERY, DOSES = (1, 8) if PROOF else (20, 4)
SHARES = os.cpu_count() or 1
MAKING = 30
"""So many cuts are of the very first moment, in which the file is made, and like no others."""

SOURCE = Path(__file__).with_name("traced_disk.c")

MAY_BE = {
    "kept": set(RecordState),
    "delivered": {RecordState.DELIVERED},
    "held": {RecordState.HELD, RecordState.DISCARDED},
    "decided": {RecordState.DISCARDED},
}
"""What a record may be found as, once this was told of it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one process saw of its share of the cuts; `wrong` says by name of cut and image what was not as it should be."""

    tried: int
    images: int
    wrong: list[str]


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if sys.platform != "linux" or shutil.which("gcc") is None:
        pytest.skip("the writes are traced by a preloaded library: Linux and gcc")
    folder = tmp_path_factory.mktemp("traced")
    (folder / "disk").mkdir()
    traced = {"LD_PRELOAD": str(compiled(folder, SOURCE)), "TRACED_DISK": str(folder / "disk"), "TRACE": str(folder / "trace")}
    command = [sys.executable, "-m", "tests.proof.busy_journal", str(folder / "disk/journal.db"), str(DOSES)]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **traced}, check=True, timeout=60)
    return folder / "trace"


@pytest.mark.timeout(7200 if PROOF else 400)
def test_whenever_the_power_is_cut_nothing_told_is_lost_and_nothing_is_damaged(
    trace: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with ProcessPoolExecutor(SHARES, multiprocessing.get_context("spawn")) as processes:
        seen = [*processes.map(_share, repeat(trace), repeat(tmp_path), range(SHARES))]
    assert [wrong for each in seen for wrong in each.wrong] == []
    calls = read_trace(trace)
    *_, last = cuts(calls)
    assert last.told, "something was told"
    assert {"sync", "write", "truncate", "unlink"} == {call.call for call in calls}
    record_property("cuts", sum(each.tried for each in seen))
    record_property("images reopened", sum(each.images for each in seen))
    record_property("records told kept", sum(told.startswith("kept") for told in last.told))


def _share(trace: Path, folder: Path, share: int) -> Seen:
    """Open what is left of every cut whose turn it is; all of them, also behind one that went wrong."""
    tried = images = 0
    wrong = []
    for cut in cuts(read_trace(trace)):
        making = cut.index < MAKING or (not cut.told and cut.before_sync)  # nothing is kept yet by which damage could be mended
        if (cut.index % EVERY and not making) or cut.index // EVERY % SHARES != share:
            continue
        tried += 1
        draw = random.Random(cut.index)
        for left, image in _different((left, cut.image(left, draw)) for left in Left):
            images += 1
            try:
                asyncio.run(_judged(_laid_out(image, folder / f"{cut.index}-{left.name}"), cut.told))
            except Exception as error:  # the next ones are to be tried all the same
                wrong.append(f"cut {cut.index}, {left.name}: {error!r}")
    return Seen(tried, images, wrong)


def _different(images: Iterable[tuple[Left, Image]]) -> list[tuple[Left, Image]]:
    different: list[tuple[Left, Image]] = []
    for left, image in images:
        if all(image != other for _, other in different):
            different.append((left, image))
    return different


def _laid_out(image: Image, folder: Path) -> Path:
    folder.mkdir()
    for name, content in image.items():
        (folder / name).write_bytes(content)
    return folder


async def _judged(folder: Path, told: tuple[str, ...]) -> None:
    journal = await Journal.open(folder / "journal.db", KEY)
    try:
        await journal.fold_in()  # SQLCipher's check looks past the log, at the file alone
        assert await journal._engine.read(_damage) == []
        assert await journal.verify_audit() is None
        entries = await journal.audit_entries(limit=100_000)
        records = {record.id.hex(): record.state for record in await journal.find(RecordFilter(limit=100_000))}
    finally:
        await journal.close()
    words = [each.partition(" ") for each in told]
    wrong = [(id_, word, records.get(id_)) for word, _, id_ in words if id_ and records.get(id_) not in MAY_BE[word]]
    assert wrong == []
    assert len(entries) >= sum(word in ("noted", "decided") for word, *_ in words)
    shutil.rmtree(folder)


def _damage(db: Db) -> list[object]:
    """Return all that SQLCipher (each page's HMAC) and SQLite (tables, indices, constraints, references) find wrong."""
    found = [*db.execute("PRAGMA cipher_integrity_check"), *db.execute("PRAGMA integrity_check"), *db.execute("PRAGMA foreign_key_check")]
    return [row for row in found if row != ("ok",)]

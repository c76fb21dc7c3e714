"""The damaged originals that rescues keep: not more than are of use, and not for ever."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from store.decisions import Act
from store.file.engine import size_bytes
from store.file.originals import delete_older, original, originals, thin_out
from store.file.pages import PAGE_BYTES
from store.journal import Journal
from store.rescue import rescued
from tests.store.damage import build, fold, roots, wipe
from tests.store.helpers import KEY, NOON, Closing

MINUTE = 60_000
DAY = 24 * 60 * MINUTE


def keep(path: Path, *times: int) -> None:
    """Leave originals of these times, 7 bytes each with its log."""
    for at in times:
        file = original(path, at)
        file.write_bytes(b"page")
        file.with_name(file.name + "-wal").write_bytes(b"log")
        for each in (file, file.with_name(file.name + "-wal")):
            os.utime(each, (at / 1000, at / 1000))


def there(path: Path) -> list[int]:
    return [each.at for each in originals(path)]


@pytest.mark.parametrize(
    ("times", "left"),
    [
        ([], []),
        ([0], [0]),
        ([0, MINUTE], [0, MINUTE]),
        ([0, MINUTE, 2 * MINUTE], [0, 2 * MINUTE]),
        ([0, 20 * 60 * MINUTE, 40 * 60 * MINUTE, 60 * 60 * MINUTE], [0, 60 * 60 * MINUTE]),
        ([0, 3 * DAY, 3 * DAY + MINUTE, 3 * DAY + 2 * MINUTE, 7 * DAY], [0, 3 * DAY, 3 * DAY + 2 * MINUTE, 7 * DAY]),
    ],
)
def test_of_a_disk_that_goes_on_damaging_the_first_and_the_last_are_kept(path: Path, times: list[int], left: list[int]) -> None:
    keep(path, *(NOON + each for each in times))
    assert {each.size_bytes for each in originals(path)} <= {7}
    thin_out(path)
    assert there(path) == [NOON + each for each in left]
    assert len(list(path.parent.iterdir())) == 2 * len(left)


def damaged_each_minute(path: Path, what: Callable[[int], int]) -> list[bytes]:
    """Damage four pages, one a minute, each rescued; return the damaged files. *what* says which page, of the how many-eth time."""
    damaged = []
    for minute in range(4):
        wipe(path, what(minute))
        damaged.append(path.read_bytes())
        assert rescued(path, KEY, NOON + minute * MINUTE) is not None
    return damaged


def test_each_rescue_thins_them_out_where_no_record_waits_for_what_is_in_them(path: Path) -> None:
    asyncio.run(build(path))
    fold(path)
    damaged = damaged_each_minute(path, lambda _: roots(path)["operator_hold"])
    assert there(path) == [NOON, NOON + 3 * MINUTE]
    assert [each.file.read_bytes() for each in originals(path)] == [damaged[0], damaged[-1]]


def test_none_is_thinned_out_while_a_record_waits_of_which_a_part_was_lost(path: Path) -> None:
    """What of its request is left stands in none but its own original."""
    asyncio.run(build(path))
    fold(path)
    damaged = damaged_each_minute(path, lambda minute: size_bytes(path) // PAGE_BYTES - minute)
    assert [each.file.read_bytes() for each in originals(path)] == damaged


def test_where_there_is_no_room_for_another_copy_they_are_thinned_out_all_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: shutil._ntuple_diskusage(1 << 30, 1 << 30, 2 * size_bytes(path)))
    asyncio.run(build(path))
    fold(path)
    damaged_each_minute(path, lambda minute: size_bytes(path) // PAGE_BYTES - minute)
    assert there(path) == [NOON, NOON + 2 * MINUTE, NOON + 3 * MINUTE], "each is there until the next needs the room"


def test_what_is_older_is_deleted_with_its_log_and_nothing_else_is(path: Path) -> None:
    keep(path, NOON - 1, NOON)
    own = [path, path.with_name("journal.db.damaged-mine"), path.with_name("journal.db.damaged-20210101T000000Z.gz")]
    for file in own:
        file.touch()
    assert delete_older(path, NOON) == 1
    assert there(path) == [NOON]
    assert len(list(path.parent.iterdir())) == 2 + len(own)


def test_one_that_a_computer_without_its_clock_made_is_not_taken_for_old(path: Path) -> None:
    keep(path, 1000)
    os.utime(original(path, 1000), (NOON / 1000, NOON / 1000))
    assert delete_older(path, NOON) == 0
    assert delete_older(path, NOON + 1) == 1


async def test_none_is_deleted_while_a_record_waits_of_which_a_part_was_lost(path: Path, closing: Closing) -> None:
    await build(path)
    fold(path)
    wipe(path, roots(path)["record_request"])
    rescue = rescued(path, KEY, NOON)
    assert rescue is not None
    assert rescue.held
    journal = await closing(Journal.open(path, KEY))
    far = round(datetime(2100, 1, 1, tzinfo=UTC).timestamp() * 1000)
    assert [each.file.name for each in await journal.originals()] == [rescue.kept_as]
    assert await journal.delete_originals(far) == 0
    for number in rescue.held:
        record = await journal.get(number)
        assert record is not None
        await journal.discard(record, Act("Asha Rawat (invented)", "entered by hand", word=True), NOON)
    assert await journal.delete_originals(far) == 1
    assert await journal.originals() == []

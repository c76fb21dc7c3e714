"""The two files beside the journal, the reserve and the paper; and the room that the journal itself gives back."""

from __future__ import annotations

from pathlib import Path

import pytest

from store.file.engine import size_bytes
from store.file.paper import ID_BYTES, SIZE, Paper
from store.file.reserve import Reserve, ballast_bytes
from store.file.room import Room
from store.journal import Journal
from store.records import RecordState as S
from store.records import Settlement
from tests.store.helpers import NOON, MakeRecord, kept

KIB = 1024
IDS = [bytes([number]) * ID_BYTES for number in range(1, 4)]


async def test_the_reserve_takes_room_and_gives_it_up_once(path: Path) -> None:
    reserve = Reserve(path, 512 * KIB)
    await reserve.look()
    file = path.with_name("journal.db.reserve")
    assert reserve.room is Room.AMPLE
    assert ballast_bytes(path) == file.stat().st_size == 512 * KIB
    assert file.stat().st_blocks * 512 >= 512 * KIB, "a hole takes no room"
    assert await reserve.give_up()
    assert (file.exists(), reserve.room) == (False, Room.SHORT)
    assert not await reserve.give_up()


@pytest.mark.parametrize("size", [0, 256 * KIB, 1024 * KIB])
async def test_the_reserve_becomes_what_is_configured(path: Path, size: int) -> None:
    await Reserve(path, 512 * KIB).look()
    await Reserve(path, size).look()
    assert ballast_bytes(path) == size


async def test_a_folder_that_is_gone_changes_nothing(path: Path) -> None:
    reserve = Reserve(path / "gone" / "journal.db", KIB)
    await reserve.look()
    assert reserve.room is Room.AMPLE


async def test_what_is_on_paper_is_there_at_the_next_start(path: Path) -> None:
    paper = Paper(path)
    assert await paper.open() == frozenset()
    await paper.note(IDS)
    await paper.forget(IDS[:1])
    paper.close()
    again = Paper(path)
    assert await again.open() == frozenset(IDS[1:])
    await again.forget(IDS)
    again.close()
    assert path.with_name("journal.db.paper").read_bytes() == bytes(SIZE)


async def test_who_is_on_paper_is_told_until_that_is_seen_to(journal: Journal) -> None:
    await journal._engine._engine._paper.note(IDS)
    assert journal.on_paper() == set(IDS)
    await journal.hold_told_paper(IDS[:1])
    assert journal.on_paper() == set(IDS[1:])


@pytest.mark.parametrize("content", [b"", b"\7" * 20, bytes(SIZE)])
async def test_a_paper_that_was_cut_short_is_made_whole(path: Path, content: bytes) -> None:
    path.with_name("journal.db.paper").write_bytes(content)
    paper = Paper(path)
    assert await paper.open() == (frozenset({b"\7" * ID_BYTES}) if any(content) else frozenset())
    await paper.note(IDS)
    paper.close()
    assert path.with_name("journal.db.paper").stat().st_size == SIZE


async def test_without_a_paper_the_desk_is_told_all_the_same(path: Path) -> None:
    paper = Paper(path / "gone" / "journal.db")
    assert await paper.open() == frozenset()
    await paper.note(IDS)
    paper.close()


async def test_the_room_of_what_was_purged_goes_back_to_the_disk(journal: Journal, path: Path, make: MakeRecord) -> None:
    for _ in range(300):
        number = kept(await journal.record(make(body=bytes(8 * KIB)), send=True)).number
        await journal.settle(number, 1, Settlement(S.DELIVERED, "accepted"), NOON)
    await journal.fold_in()
    before = size_bytes(path)
    while await journal.purge(NOON + 1, NOON + 1):
        pass
    while await journal.give_back():
        pass
    await journal.fold_in()
    assert size_bytes(path) < before / 5

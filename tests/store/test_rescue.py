"""What is damaged is put right or held, the original is kept, and a stop in the middle leaves one of the two whole."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import math
import os
import secrets
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from store import rescue
from store.copies import GAP
from store.decision_ledger import edit
from store.decisions import Act, Decided, Edited, NotDecided, Obstacle
from store.errors import BackupFailed, JournalDamaged, JournalNotMended, JournalUnreadable, JournalUnwritable, KeyWrong
from store.file import exchange
from store.file.connection import open_copy, open_new, open_writer
from store.file.engine import size_bytes
from store.file.folder import sync_folder
from store.file.image import looks_whole
from store.file.keepsake import _tree, keepsake
from store.file.log import FRAME_BYTES, Log
from store.file.originals import free_original, original
from store.file.pages import PAGE_BYTES, Pages
from store.file.scan import damaged_after
from store.file.sectors import Beside, read_at
from store.identity_ledger import PROVISIONAL_IDS
from store.journal import Journal
from store.queries import run, value
from store.record_ledger import record
from store.record_row import record_of
from store.records import RecordState
from store.rescue import Rescue, rescued, rescued_at_start
from tests.store.damage import AT, alter, build, contents, flip, fold, frame_at, log_of, read, roots, wipe
from tests.store.helpers import KEY, NOON, Closing, never_holds
from tests.store.verbs import a_write

SALT, PAGE, COMMIT, CHECKSUM, BODY = 8, 3, 7, 16, 24 + 2000
"""Places within a frame; a commit's size is in its last byte."""

LOG_FLIPS: dict[str, Callable[[Path], None]] = {
    **{f"header, byte {place}": lambda path, place=place: flip(log_of(path), place) for place in (0, 7, 11, 15, 16, 20, 24, 31)},  # type: ignore[misc]
    **{
        f"{name} of frame {index}": lambda path, index=index, place=place: flip(log_of(path), frame_at(path, index) + place)  # type: ignore[misc]
        for index in (0, 7, -1)
        for name, place in {"salt": SALT, "page": PAGE, "commit": COMMIT, "checksum": CHECKSUM, "body": BODY}.items()
    },
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal and its log, made once."""
    made = tmp_path_factory.mktemp("template") / "journal.db"
    asyncio.run(build(made))
    return made


@pytest.fixture
def built(path: Path, template: Path) -> Path:
    shutil.copytree(template.parent, path.parent, dirs_exist_ok=True)
    return path


@pytest.fixture
def whole(built: Path) -> dict[str, Any]:
    """The journal as it was before the damage."""
    copy = built.with_name("whole.db")
    shutil.copy(built, copy)
    shutil.copy(log_of(built), log_of(copy))
    found = read(copy)
    copy.unlink()
    return found


@pytest.mark.parametrize("damage", LOG_FLIPS.values(), ids=LOG_FLIPS)
def test_one_bit_of_the_log_costs_nothing(path: Path, whole: dict[str, Any], damage: Callable[[Path], None]) -> None:
    damage(path)
    found = rescued_at_start(path, KEY, AT)
    assert found is not None
    assert (found.held, found.closed, found.commits_lost) == ((), (), 0)
    assert read(path) == whole


def test_one_bit_of_each_page_of_the_file_costs_nothing(path: Path, whole: dict[str, Any]) -> None:
    fold(path)
    pages = path.stat().st_size // PAGE_BYTES
    for page in range(0, pages, 4):
        flip(path, page * PAGE_BYTES + (5 if page == 0 else 37 * page), page % 8)
    found = rescued(path, KEY, AT)
    assert found is not None
    assert found.bits == len(range(0, pages, 4))
    assert found.pages == 0
    assert read(path) == whole
    assert path.with_name(found.kept_as).exists()


def test_nothing_is_done_where_nothing_is_damaged(path: Path, whole: dict[str, Any]) -> None:
    assert looks_whole(path, KEY)
    before = path.read_bytes(), log_of(path).read_bytes()
    assert rescued_at_start(path, KEY, AT) is None
    assert rescued(path, KEY, AT) is None
    assert (path.read_bytes(), log_of(path).read_bytes()) == before
    assert read(path) == whole


def test_what_a_crash_cuts_off_is_no_damage(path: Path, whole: dict[str, Any]) -> None:
    last = log_of(path).read_bytes()[-FRAME_BYTES:]
    uncommitted = last[:4] + bytes(4) + last[8:]
    with log_of(path).open("ab") as file:
        file.write(uncommitted + last[:1000])
    assert rescued_at_start(path, KEY, AT) is None
    assert read(path) == whole


@pytest.mark.parametrize("same", [True, False], ids=["of the same page", "of another page"])
def test_a_commit_cut_off_between_the_head_and_the_page_of_its_last_frame_is_no_damage(
    path: Path, whole: dict[str, Any], same: bool
) -> None:
    """As a kill leaves it: SQLite writes the two one after the other, and behind the head stands what was there before."""
    log = Log.read(log_of(path))
    *earlier, last = map(log.frame, range(log.own_end()))
    stale = next(frame.body for frame in earlier if (frame.page == last.page) is same and frame.body != last.body)
    alter(log_of(path), frame_at(path, -1) + 24, lambda _: stale, PAGE_BYTES)
    assert rescued_at_start(path, KEY, AT) is None
    assert list(path.parent.glob("*.damaged-*")) == []
    now = read(path)
    assert now["record_request"] == whole["record_request"], "it made the last record `delivered`, no more"
    assert now["record"] != whole["record"]


@pytest.mark.parametrize("index", [7, -1], ids=["in the middle", "in the last commit"])
def test_two_bits_of_a_frame_lose_no_commit(path: Path, whole: dict[str, Any], index: int) -> None:
    place = frame_at(path, index)
    flip(log_of(path), place + BODY)
    flip(log_of(path), place + BODY + 9)
    found = rescued_at_start(path, KEY, AT)
    assert found is not None
    assert found.commits_lost == 0
    now = read(path)
    assert {row[0] for row in now["record"]} == {row[0] for row in whole["record"]}
    assert now["record_request"] <= whole["record_request"]
    missing = {row[0] for row in whole["record_request"] - now["record_request"]}
    assert missing <= {*found.held, *(row[0] for row in whole["record"] if row[2] == "delivered")}


def test_a_last_commit_of_which_nothing_is_whole_leaves_what_was_before_it(path: Path, whole: dict[str, Any]) -> None:
    """It made the last record `delivered`; what it touched is taken from the commit before, and looked up before it is sent."""
    log = Log.read(log_of(path))
    before = max(index for index in range(log.own_end() - 1) if log.frame(index).commit)
    for index in range(before + 1, log.own_end()):
        flip(log_of(path), frame_at(path, index) + BODY)
        flip(log_of(path), frame_at(path, index) + BODY + 9)
    found = rescued_at_start(path, KEY, AT)
    assert found is not None
    assert (found.held, found.closed, found.commits_lost) == ((), (), 0)
    now = read(path)
    assert now["record_request"] == whole["record_request"]
    (last,) = (row for row in now["record"] if row[0] == 60)
    assert (last[2], last[13]) == ("unknown", 1)


def test_a_frame_that_is_gone_is_told_and_what_may_have_been_sent_is_looked_up(path: Path, whole: dict[str, Any]) -> None:
    alter(log_of(path), frame_at(path, -1), lambda old: secrets.token_bytes(len(old)), FRAME_BYTES)
    found = rescued_at_start(path, KEY, AT)
    assert found is not None
    assert found.commits_lost == 1
    assert log_of(path.with_name(found.kept_as)).exists()
    records = read(path)["record"]
    heads = [row for row in records if row[2] in ("pending", "unknown") and row[6] == 0]
    assert heads
    assert {(row[2], row[13]) for row in heads} == {("unknown", 1)}
    db = open_writer(path, KEY)
    assert db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'record'").fetchone()[0] >= 60 + 512 - 1
    db.close()
    del whole


def test_a_last_frame_of_no_page_is_no_reason_to_open_nothing(path: Path, whole: dict[str, Any]) -> None:
    """As a power cut leaves it where the head stands across two sectors."""
    flip(log_of(path), frame_at(path, -1) + BODY)
    flip(log_of(path), frame_at(path, -1) + BODY + 9)
    alter(log_of(path), frame_at(path, -1), lambda _: bytes(4), 4)
    assert rescued_at_start(path, KEY, AT) is not None
    assert read(path)["record_request"] == whole["record_request"]


def test_a_log_that_was_folded_in_before_its_damage_is_not_read_back_into_the_file(path: Path, whole: dict[str, Any]) -> None:
    log = log_of(path).read_bytes()
    fold(path)
    log_of(path).write_bytes(log)  # as after a checkpoint, before the next write
    flip(log_of(path), frame_at(path, -1) + BODY)
    flip(log_of(path), frame_at(path, -1) + BODY + 9)
    found = rescued_at_start(path, KEY, AT)
    assert found is not None
    assert (found.pages, found.held, found.commits_lost) == (0, (), 0)
    assert read(path) == whole


def test_a_commit_that_was_cut_off_is_not_taken_for_one_that_was_folded_in(path: Path, whole: dict[str, Any]) -> None:
    """It gave room back: the file would be cut to the size that it would have had."""
    db = open_writer(path, KEY)
    db.execute("CREATE TABLE filler AS SELECT zeroblob(100000) AS room")
    db.execute("DROP TABLE filler")
    reader = open_writer(path, KEY)
    reader.execute("BEGIN")
    reader.execute("SELECT COUNT(*) FROM record").fetchone()  # the log is folded in, and goes on all the same
    db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    last_sound = Log.read(log_of(path)).own_end()
    db.execute("PRAGMA incremental_vacuum(1000)").fetchall()
    left = path.read_bytes(), log_of(path).read_bytes()
    reader.close()
    db.close()
    path.write_bytes(left[0])
    log_of(path).write_bytes(left[1])
    log = Log.read(log_of(path))
    assert 0 < log.frame(log.own_end() - 1).commit < len(left[0]) // PAGE_BYTES, "it makes the file smaller"
    for index in range(last_sound, log.own_end()):
        alter(log_of(path), frame_at(path, index) + BODY, lambda _: secrets.token_bytes(1000), 1000)
    rescued_at_start(path, KEY, AT)
    assert read(path) == whole


TABLES = [
    "record", "record_request", "record_lane", "record_answer", "fact_claim", "request_claim", "identity", "outage", "audit", "counter",
    "record_tally", "operator_hold", "record_revision", "sqlite_sequence", "delivery_delay", "meta", "record_transition", "record_head",
    "sqlite_autoindex_record_1",
]  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
def test_a_lost_root_page_of_any_table_costs_that_table_at_most(path: Path, whole: dict[str, Any], table: str) -> None:
    fold(path)
    wipe(path, roots(path)[table])
    found = rescued(path, KEY, AT)
    assert found is not None
    now = read(path)
    assert {row[0] for row in now["record"]} == set(range(1, 61)), "each number has its row"
    still_open = {row[0] for row in now["record"] if row[2] not in ("delivered", "refused", "discarded")}
    assert still_open == {row[0] for row in whole["record"] if row[2] == "pending"}
    if table == "record":
        assert set(found.held) == still_open
        assert set(found.closed) == set(range(1, 61)) - still_open
        assert {row[1] for row in now["record"]} == {row[1] for row in whole["record"]}, "addresses of records stay"
    elif table == "record_request":
        assert set(found.held) == still_open
    else:
        assert found.held == ()
    assert now["record_lane"] == whole["record_lane"]
    assert now["fact_claim"] == whole["fact_claim"]
    assert now["identity"] == whole["identity"]
    for kept in {"record_request", "request_claim", "outage"} - {table}:
        assert now[kept] == whole[kept]


def test_counters_do_not_fall_below_what_there_is(path: Path, whole: dict[str, Any]) -> None:
    fold(path)
    wipe(path, roots(path)["counter"])
    rescued(path, KEY, AT)
    db = open_writer(path, KEY)
    counters = {(name, label): total for name, label, total in db.execute("SELECT * FROM counter")}
    db.close()
    assert counters["records_recorded_total", "vaccinate"] == len(whole["record"])
    assert counters[PROVISIONAL_IDS, ""] == 1


@pytest.mark.parametrize("page", ["first", "schema", "salt"])
def test_without_its_first_pages_the_file_is_read_by_the_keepsake(path: Path, whole: dict[str, Any], page: str) -> None:
    fold(path)
    kept = sorted(number for number in rescue_keepsake(path) if number)
    if page == "salt":
        alter(path, 0, lambda old: secrets.token_bytes(len(old)), 16)
    else:
        wipe(path, 1 if page == "first" else kept[-1])
    found = rescued_at_start(path, KEY, AT) or rescued(path, KEY, AT)
    assert found is not None
    assert found.held == ()
    assert read(path) == whole


def rescue_keepsake(path: Path) -> list[int]:
    return list(keepsake(path))


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda kept: kept[:-2000] + secrets.token_bytes(2000), id="rotten"),
        pytest.param(lambda kept: kept[: 3 * len(kept) // 4], id="cut short"),
        pytest.param(lambda kept: kept[: -(4 + PAGE_BYTES)], id="without its last page"),
    ],
)
async def test_a_keepsake_that_is_not_whole_is_written_anew(path: Path, closing: Closing, harm: Callable[[bytes], bytes]) -> None:
    kept = path.with_name(path.name + ".keepsake")
    await (await closing(Journal.open(path, KEY))).close()
    good, first = await asyncio.to_thread(kept.read_bytes), await asyncio.to_thread(kept.stat)
    await (await closing(Journal.open(path, KEY))).close()
    assert (await asyncio.to_thread(kept.stat)).st_ino == first.st_ino, "a whole one is left as it is"
    await asyncio.to_thread(kept.write_bytes, harm(good))
    await (await closing(Journal.open(path, KEY))).close()
    assert await asyncio.to_thread(kept.read_bytes) == good


def pages_of_table(path: Path, root: int) -> list[int]:
    content = path.read_bytes()
    return list(_tree(root, lambda page: content[(page - 1) * PAGE_BYTES : page * PAGE_BYTES], KEY))


async def purged(path: Path) -> None:
    """Start, forget all that is delivered, give its room back, and stop."""
    journal = await Journal.open(path, KEY)
    while await journal.purge(1, 1) or await journal.give_back():
        pass
    await journal.close()


def test_the_keepsake_is_good_also_when_the_schema_has_moved_since(path: Path) -> None:
    """A migration puts a part of it to the end of a large file, and what is given back later moves that."""
    db = open_new(path, KEY, 1)
    for number in range(1, 401):
        columns = "number, id, state, route, route_group, lanes, behind, recorded_at, attempt"
        db.execute(f"INSERT INTO record ({columns}) VALUES (?, ?, 'sending', 'r', 'g', x'', 0, 0, 1)", (number, number.to_bytes(16)))
        db.execute("INSERT INTO record_request VALUES (?, 'POST', '/', x'', ?)", (number, bytes(2000)))
        db.execute("UPDATE record SET state = 'delivered', settled_at = 0 WHERE number = ?", (number,))
    db.close()
    asyncio.run(purged(path))
    at = pages_of_table(path, 1)
    assert max(page for page in rescue_keepsake(path)) > path.stat().st_size // PAGE_BYTES > max(at)
    sound, whole = path.read_bytes(), read(path)
    for page in at:
        path.write_bytes(sound)
        wipe(path, page)
        assert (rescued_at_start(path, KEY, AT) or rescued(path, KEY, AT)) is not None
        assert read(path) == whole


def test_the_keys_of_all_hashes_are_kept_also_when_their_table_has_grown_since(path: Path) -> None:
    asyncio.run(purged(path))
    root = roots(path)["meta"]
    db = open_writer(path, KEY)
    for number in range(100):
        run(db, "keep_meta", name=f"remembered {number}", value=bytes(500))
    db.close()
    at = pages_of_table(path, root)
    assert root in rescue_keepsake(path)
    assert set(at) > {root}
    whole = path.read_bytes()
    db = open_writer(path, KEY)
    hash_key = value(db, "meta", name="hash_key")
    db.close()
    for page in at:
        path.write_bytes(whole)
        wipe(path, page)
        assert rescued(path, KEY, AT) is not None
        db = open_writer(path, KEY)
        assert value(db, "meta", name="hash_key") == hash_key
        db.close()


@pytest.mark.parametrize("left", [PAGE_BYTES * 20, PAGE_BYTES * 20 + 100], ids=["at a page", "within a page"])
def test_a_file_cut_short_keeps_what_is_left(path: Path, whole: dict[str, Any], left: int) -> None:
    fold(path)
    os.truncate(path, left)
    found = rescued(path, KEY, AT)
    assert found is not None
    assert found.pages > 0
    assert {row[0] for row in read(path)["record"]} == {row[0] for row in whole["record"]}


def test_another_key_opens_nothing_and_changes_nothing(path: Path, whole: dict[str, Any]) -> None:
    flip(path, 2000)
    before = sorted((each.name, each.read_bytes()) for each in path.parent.iterdir() if each.is_file())
    with pytest.raises(KeyWrong, match="damaged in every part"):
        rescued_at_start(path, bytes(32), AT)
    assert sorted((each.name, each.read_bytes()) for each in path.parent.iterdir() if each.is_file()) == before
    del whole


def test_not_even_a_keepsake_is_a_refusal_that_keeps_the_file(path: Path, whole: dict[str, Any]) -> None:
    fold(path)
    wipe(path, roots(path)["meta"])
    path.with_name(path.name + ".keepsake").unlink()
    before = path.read_bytes()
    with pytest.raises(JournalUnreadable, match="key of its hashes"):
        rescued(path, KEY, AT)
    assert path.read_bytes() == before
    assert not list(path.parent.glob("*.salvaged*"))
    del whole


@pytest.mark.parametrize("step", range(7))
def test_a_stop_at_any_step_leaves_one_of_the_two_whole(
    path: Path, whole: dict[str, Any], step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    flip(log_of(path), frame_at(path, 7) + BODY)
    taken = 0

    def dying(act: Callable[..., Any]) -> Callable[..., Any]:
        def once(*args: Any) -> Any:
            nonlocal taken
            if taken == step:
                raise KeyboardInterrupt
            taken += 1
            return act(*args)

        return once

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", dying(Path.replace))
        patch.setattr(exchange, "sync_folder", dying(sync_folder))
        patch.setattr("os.link", dying(os.link))
        patch.setattr(rescue, "_sync", dying(rescue._sync))
        with pytest.raises(KeyboardInterrupt):
            rescued(path, KEY, AT)
    rescued_at_start(path, KEY, AT + 1000)
    assert read(path) == whole
    assert not path.with_name(path.name + ".rescued").exists()
    assert [each for each in path.parent.glob("*.damaged-*") if not each.name.endswith("-wal")]


@pytest.mark.parametrize("fails", ["the copy", "the reading", "the first sync", "the second sync"])
def test_a_rescue_that_failed_half_way_is_not_ended_later_over_what_was_recorded_since(
    path: Path, whole: dict[str, Any], fails: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    flip(log_of(path), frame_at(path, 7) + BODY)
    before = log_of(path).read_bytes()
    syncs = iter(["the first sync", "the second sync"])

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def unreadable(*_: object) -> None:
        raise JournalUnreadable(journal=path, reason="No space left on device")

    def synced(folder: Path) -> None:
        full() if next(syncs, None) == fails else sync_folder(folder)

    with monkeypatch.context() as patch:
        patch.setattr(exchange, "sync_folder", synced)
        if fails in ("the copy", "the reading"):
            patch.setattr("os.link", full)
            patch.setattr(exchange, "read_at", full if fails == "the copy" else unreadable)
        with pytest.raises(JournalUnreadable, match="No space left"):
            rescued(path, KEY, AT)
    assert log_of(path).read_bytes() == before
    assert not [*path.parent.glob("*.rescued"), *path.parent.glob("*.damaged-*")]
    assert rescued(path, KEY, AT + 1000) is not None
    assert read(path) == whole


def no_links(*_: object) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


@contextmanager
def refused(*names: str) -> Iterator[None]:
    """Let the disk fail where a file of these endings is to be renamed, and where it is to be given the journal's name."""
    replace_file = Path.replace

    def replaced(file: Path, target: Path) -> Path:
        if file.name.endswith(names) and ".damaged-" in file.name:
            raise OSError(errno.EIO, "Input/output error")
        return replace_file(file, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", replaced)
        yield


def test_a_rescue_that_is_called_off_gives_the_log_back_also_where_times_are_kept_in_steps(
    path: Path, whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As FAT keeps them, in two seconds. The last records are in the log alone."""
    set_times = os.utime

    def stepped(file: Path, times: tuple[float, float] | None = None, **how: Any) -> None:
        set_times(file, None if times is None else (times[0] // 2 * 2, times[1] // 2 * 2), **({} if times else how))

    flip(log_of(path), frame_at(path, 7) + BODY)
    before = contents_of(path.parent)
    monkeypatch.setattr("os.utime", stepped)
    monkeypatch.setattr("os.link", no_links)
    with refused(".rescued"), pytest.raises(JournalUnreadable, match="Input/output error"):
        rescued(path, KEY, AT + 1000)
    assert contents_of(path.parent) == before
    assert rescued(path, KEY, AT + 1000) is not None
    assert read(path) == whole


def test_a_rescue_that_is_in_place_has_succeeded_whatever_its_disk_says_afterwards(
    path: Path, whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a folder that does not sync nor a scratch file that stays is a reason to tell that nothing was put right."""
    flip(log_of(path), frame_at(path, 7) + BODY)
    remove = Path.unlink

    def failing(folder: Path) -> None:
        if not list(folder.glob("*.rescued")):
            raise OSError(errno.EIO, "Input/output error")
        sync_folder(folder)

    def staying(file: Path, *, missing_ok: bool = False) -> None:
        if file.name.endswith(".copied") and path.with_name(found_as).exists():
            raise OSError(errno.EIO, "Input/output error")
        remove(file, missing_ok=missing_ok)

    found_as = free_original(path, AT).name
    with monkeypatch.context() as patch:
        patch.setattr(exchange, "sync_folder", failing)
        patch.setattr(Path, "unlink", staying)
        found = rescued(path, KEY, AT)
    assert found is not None
    assert found.kept_as == found_as
    assert read(path) == whole


def test_of_two_rescues_in_one_second_both_originals_stay_each_with_its_log(path: Path, built: Path) -> None:
    del built
    flip(log_of(path), frame_at(path, 7) + BODY)
    damaged = [files(path)]
    first = rescued(path, KEY, AT)
    db = open_writer(path, KEY)
    record(db, a_write(61), send=False)
    flip(path, 15 * PAGE_BYTES + 77)
    damaged.append(files(path))
    left = contents_of(path.parent)
    db.close()
    for name in (path.name, log_of(path).name):
        path.with_name(name).write_bytes(left[name])
    second = rescued(path, KEY, AT + 1)
    assert first is not None
    assert second is not None
    assert [files(path.with_name(each.kept_as)) for each in (first, second)] == damaged


@pytest.mark.parametrize("log_taken", [False, True])
def test_a_rescue_that_an_older_version_left_half_done_is_ended(path: Path, whole: dict[str, Any], *, log_taken: bool) -> None:
    """It called the new journal `.rescued`, and kept the original's time as that file's."""
    made = path.with_name("made.db")
    shutil.copy(path, made)
    shutil.copy(log_of(path), log_of(made))
    fold(made)
    made.replace(path.with_name("journal.db.rescued"))
    os.utime(path.with_name("journal.db.rescued"), (AT / 1000, AT / 1000))
    before = files(path)
    kept = original(path, AT)
    if log_taken:
        os.link(path, kept)
        log_of(path).replace(log_of(kept))
    assert rescued_at_start(path, KEY, AT + 5000) is None
    assert files(kept) == before
    assert not list(path.parent.glob("*.rescued"))
    assert read(path) == whole


def test_a_stop_in_the_copying_of_the_original_keeps_it_whole_where_there_are_no_links(
    path: Path, whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    fold(path)
    flip(path, 15 * PAGE_BYTES + 77)
    original = path.read_bytes()
    given: list[bytes] = []

    def stopping(source: FileIO, start: int, length: int) -> bytes:
        if given:
            raise KeyboardInterrupt
        given.append(read_at(source, start, length))
        return given[0]

    monkeypatch.setattr("os.link", no_links)
    monkeypatch.setattr(exchange, "_AT_ONCE", 3 * PAGE_BYTES)
    with monkeypatch.context() as patch:
        patch.setattr(exchange, "read_at", stopping)
        with pytest.raises(KeyboardInterrupt):
            rescued(path, KEY, AT)
    assert rescued_at_start(path, KEY, AT + 1000) is None
    (kept,) = (each for each in path.parent.glob("*.damaged-*") if not each.name.endswith("-wal"))
    assert kept.read_bytes() == original
    assert read(path) == whole


@pytest.mark.parametrize("scratch", [".copied", ".before", ".salvaged"])
@pytest.mark.parametrize("lost", ["a bit", "a page"])
def test_what_a_killed_rescue_leaves_is_not_read_into_the_next(path: Path, built: Path, scratch: str, lost: str) -> None:
    del built
    left = [path.with_name(f"{path.name}{scratch}{ending}") for ending in ("", "-wal")]
    shutil.copy(path, left[0])
    shutil.copy(log_of(path), left[1])
    db = open_writer(path, KEY)
    for number in range(61, 81):
        record(db, a_write(number), send=False)
    now = contents(db)
    db.close()
    alter(path, 15 * PAGE_BYTES + 77, lambda old: bytes([old[0] ^ (4 if lost == "a bit" else 7)]))
    found = rescued(path, KEY, AT)
    assert found is not None
    assert {row[0] for row in read(path)["record"]} == {row[0] for row in now["record"]}
    if lost == "a bit":
        assert read(path) == now
    left[1].touch()
    assert rescued_at_start(path, KEY, AT) is None
    assert not any(each.exists() for each in left)


def test_a_rescue_on_a_disk_that_is_nearly_full_has_the_reserves_room(
    path: Path, whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve = path.with_name(path.name + ".reserve")
    wipe(path, roots(path)["record_answer"])
    reserve.write_bytes(bytes(4096))
    assert rescued(path, KEY, AT, in_place=False) is not None
    assert reserve.exists()
    monkeypatch.setattr("shutil.disk_usage", lambda _: shutil._ntuple_diskusage(1 << 30, 1 << 30, 2 * size_bytes(path)))
    assert rescued(path, KEY, AT) is not None
    assert not reserve.exists()
    assert read(path) == whole


def test_a_journal_made_anew_gives_room_back_and_no_number_again(path: Path) -> None:
    db = open_writer(path, KEY)
    run(db, "keep_meta", name="installation_id", value=bytes(16))
    run(db, "keep_meta", name="hash_key", value=bytes(32))
    run(db, "skip_numbers", gap=GAP)
    db.close()
    wipe(path, roots(path)["principal"])
    assert rescued(path, KEY, AT) is not None
    db = open_writer(path, KEY)
    assert db.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    assert value(db, "last_number") == GAP
    db.close()


def test_the_page_in_which_nothing_is_ever_written_is_no_damage(path: Path, whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal of more than 1 GiB would be mended without end."""
    large = path.with_name("large.db")
    shutil.copy(path, large)
    os.truncate(large, (1 << 30) + 3 * PAGE_BYTES)
    in_it = (1 << 30) // PAGE_BYTES + 1
    file = Beside(large)
    assert damaged_after(file, KEY, in_it - 3) == (0, [in_it - 2, in_it - 1, in_it + 1, in_it + 2])
    file.close()
    fold(path)
    monkeypatch.setattr("store.file.image.LOCK_PAGE", 16)
    wipe(path, 16)
    assert rescued(path, KEY, AT) is None
    del whole


async def test_what_an_idle_disk_watch_comes_upon_is_mended(path: Path, built: Path, closing: Closing) -> None:
    fold(built)
    journal = await closing(Journal.open(path, KEY))
    await _forget(journal)
    wipe(path, roots(path)["meta"])
    journal._engine._engine._writer.wrote_at = -math.inf
    await journal.look_at_disk()
    with pytest.raises(JournalDamaged):
        await journal.back_up(path.with_name("a.journal"), NOON)
    await journal._engine.mended()
    assert len(await journal.rescues()) == 1
    assert (await journal.back_up(path.with_name("a.journal"), NOON)).holds[RecordState.PENDING]


async def test_a_damaged_page_met_while_running_is_mended_and_nobody_is_answered_wrongly(
    path: Path, built: Path, closing: Closing, caplog: pytest.LogCaptureFixture
) -> None:
    fold(built)
    root = roots(path)["record_request"]
    journal = await closing(Journal.open(path, KEY))
    await _forget(journal)
    wipe(path, root)
    caplog.set_level(logging.CRITICAL)
    with pytest.raises(JournalDamaged, match="being put right"):
        await journal.get(1)
    with pytest.raises(JournalDamaged):
        await journal.record(a_write(61), send=False)
    await journal._engine.mended()
    found = await journal.get(1)
    assert found is not None
    assert (found.state, found.reason, found.body) == (RecordState.HELD, "damaged", b"")
    decision = await journal.retry(found, Act("Asha Rawat (invented)", ""), NOON)
    assert isinstance(decision, NotDecided)
    assert decision.obstacle is Obstacle.NOT_WHOLE
    figures = await journal.snapshot(NOON, never_holds)
    assert figures.quarantined == len(figures.rescues[0].held) == 40
    assert [event.__dict__["action"] for event in caplog.records] == ["rescued"]
    await journal.record(a_write(61), send=False)


async def test_a_disk_that_goes_on_damaging_is_not_mended_without_end(path: Path, built: Path, closing: Closing) -> None:
    fold(built)
    journal = await closing(Journal.open(path, KEY))
    for _ in range(2):
        await _forget(journal)
        wipe(path, (await journal._engine.read(lambda db: dict(db.execute("SELECT name, rootpage FROM sqlite_schema"))))["record_request"])
        with pytest.raises(JournalDamaged):
            await journal.get(1)
        await journal._engine.mended()
    with pytest.raises(JournalDamaged):
        await journal.get(2)
    assert len([each for each in path.parent.glob("*.damaged-*") if not each.name.endswith("-wal")]) == 1


def files(path: Path) -> tuple[bytes, bytes]:
    return path.read_bytes(), log_of(path).read_bytes()


def contents_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


async def test_what_is_damaged_in_the_log_is_not_folded_into_the_file_by_the_mending(path: Path, built: Path, closing: Closing) -> None:
    """The file has the page as it was before: found at a start, the same damage costs that page's latest change alone."""
    journal = await closing(Journal.open(path, KEY))
    alter(log_of(path), frame_at(path, 7) + BODY, lambda _: secrets.token_bytes(1000), 1000)
    before = files(path)
    await journal.mend()
    (rescue,) = await journal.rescues()
    assert files(path.with_name(rescue.kept_as)) == before
    assert (rescue.held, rescue.commits_lost) == ((), 0)
    del built


async def test_a_damaged_log_that_cannot_be_rescued_yet_is_left_for_when_it_can_be(
    path: Path, whole: dict[str, Any], closing: Closing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite would pass over the commits behind the damage, and the next commit be written over them."""
    monkeypatch.setattr("store.mending.AGAIN_AFTER_S", 0.0)
    journal = await closing(Journal.open(path, KEY))
    alter(log_of(path), frame_at(path, 7) + BODY, lambda _: secrets.token_bytes(1000), 1000)
    before = files(path)

    def full(*_: object) -> None:
        raise JournalUnreadable(journal=path, reason="there is no room")

    with monkeypatch.context() as patch:
        patch.setattr("store.mending.rescued", full)
        await journal.mend()
        assert files(path) == before
        with pytest.raises(JournalDamaged, match="is being put right"):
            await journal.record(a_write(61), send=False)
        await journal._engine.mended()
        monkeypatch.setattr("store.mending.AGAIN_AFTER_S", math.inf)
        for asked in (journal.record(a_write(61), send=False), journal.damaged_after(0)):
            with pytest.raises(JournalNotMended, match="was not put right: there is no room"):
                await asked
    monkeypatch.setattr("store.mending.AGAIN_AFTER_S", 0.0)
    await journal.mend()
    (rescue,) = await journal.rescues()
    assert rescue.commits_lost == 0
    found = await journal._engine.read(lambda db: {number for (number,) in db.execute("SELECT number FROM record")})
    assert found == {row[0] for row in whole["record"]}
    await journal.record(a_write(61), send=False)


async def test_nothing_is_recorded_into_a_journal_that_a_rescue_could_not_leave(
    path: Path, whole: dict[str, Any], closing: Closing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fails half-way, also as it is taken back: the next rescue puts the new file over what is there."""
    monkeypatch.setattr("store.mending.AGAIN_AFTER_S", 0.0)
    journal = await closing(Journal.open(path, KEY))
    alter(log_of(path), frame_at(path, 7) + BODY, lambda _: secrets.token_bytes(1000), 1000)
    with refused(".rescued", "-wal"):
        await journal.mend()
        assert not log_of(path).exists()
        with pytest.raises(JournalDamaged, match="is being put right"):
            await journal.record(a_write(61), send=False)
        await journal._engine.mended()
    await journal.mend()
    found = await journal._engine.read(lambda db: {number for (number,) in db.execute("SELECT number FROM record")})
    assert found == {row[0] for row in whole["record"]}
    assert len(await journal.rescues()) == 1
    await journal.record(a_write(61), send=False)


async def test_room_is_made_neither_during_a_mending_nor_behind_the_end(path: Path, built: Path) -> None:
    journal = await Journal.open(path, KEY)
    mending = asyncio.create_task(journal.mend())
    await asyncio.sleep(0)
    for make_room in (journal.fold_in, journal.give_back):
        with pytest.raises(JournalDamaged):
            await make_room()
    await mending
    await journal.fold_in()
    await journal.close()
    for make_room in (journal.fold_in, journal.give_back):
        with pytest.raises(JournalUnwritable):
            await make_room()
    del built


async def test_the_page_check_finds_what_nobody_reads(path: Path, built: Path, closing: Closing) -> None:
    fold(built)
    journal = await closing(Journal.open(path, KEY))
    flip(path, 15 * PAGE_BYTES + 77)
    after, damaged = await journal.damaged_after(0)
    assert (after, damaged) == (0, [16])
    await journal.mend()
    assert (await journal.damaged_after(0))[1] == []
    assert [each.bits for each in await journal.rescues()] == [1]


async def _forget(journal: Journal) -> None:
    """Drop all pages from memory."""
    engine = journal._engine._engine
    for connection in (engine._connection, engine._reader):
        await connection.execute_fetchall("PRAGMA cache_size = 0")
        await connection.execute_fetchall("PRAGMA shrink_memory")
    await asyncio.sleep(0)


def test_a_report_is_read_back_as_it_was_written() -> None:
    said = Rescue(AT, "journal.db.damaged-x", 1, 2, (3,), (4,), ("record",), 0)
    from dataclasses import asdict

    assert rescue._as_rescue(asdict(said)) == said


def test_a_page_is_repaired_only_to_what_was_written() -> None:
    pages = Pages(KEY, bytes(16))
    page = pages.sealed(7, secrets.token_bytes(PAGE_BYTES - 64))
    assert pages.whole(7, page)
    assert not pages.whole(8, page)
    for place in (0, 2000, PAGE_BYTES - 70, PAGE_BYTES - 1):
        flipped = page[:place] + bytes([page[place] ^ 16]) + page[place + 1 :]
        assert not pages.whole(7, flipped)
        assert pages.repaired(7, flipped) == page
        assert pages.repaired(7, bytes([flipped[0] ^ 1, *flipped[1:]])) is None


LONG = b"7" * 3 * PAGE_BYTES
DAMAGE: list[Callable[[bytes], bytes]] = [lambda old: bytes(len(old)), lambda old: secrets.token_bytes(len(old))]

ASKED: list[Any] = [
    pytest.param(lambda journal: journal.get(1), id="to look at"),
    pytest.param(lambda journal: journal.heads(["vaccinator"], NOON, 1), id="to send"),
    pytest.param(lambda journal: journal.begin_send(1, NOON), id="being sent"),
]


def long_request(path: Path) -> range:
    """Record a request of several pages; return the last pages of the file, all of it among them."""
    db = open_writer(path, KEY)
    for name in ("installation_id", "hash_key"):
        run(db, "keep_meta", name=name, value=bytes(32))
    before = db.execute("PRAGMA page_count").fetchone()[0]
    record(db, a_write(1, body=LONG), send=False)
    db.close()
    return range(before + 1, path.stat().st_size // PAGE_BYTES + 1)


@pytest.mark.parametrize("damage", DAMAGE, ids=["zeros", "anything"])
def test_a_request_of_which_any_page_is_lost_is_held_and_not_read_as_zeros(path: Path, damage: Callable[[bytes], bytes]) -> None:
    """SQLCipher gives out zeros for a damaged page, and takes a page of zeros for a whole one."""
    pages = long_request(path)
    assert len(pages) == 3, "its row has the beginning"
    whole = path.read_bytes()
    for page in pages:
        path.write_bytes(whole)
        alter(path, (page - 1) * PAGE_BYTES, damage, PAGE_BYTES)
        found = rescued(path, KEY, AT)
        assert found is not None
        assert (found.held, read(path)["record_request"]) == ((1,), set())


@pytest.mark.parametrize("damage", DAMAGE, ids=["zeros", "anything"])
@pytest.mark.parametrize("asked", ASKED)
async def test_a_request_of_which_the_end_is_damaged_is_never_given_out(
    path: Path, closing: Closing, damage: Callable[[bytes], bytes], asked: Callable[[Journal], Awaitable[object]]
) -> None:
    last = long_request(path)[-1]
    journal = await closing(Journal.open(path, KEY))
    alter(path, (last - 1) * PAGE_BYTES, damage, PAGE_BYTES)
    with pytest.raises(JournalDamaged):
        await asked(journal)
    await journal._engine.mended()
    found = await journal.get(1)
    assert found is not None
    assert (found.state, found.reason, found.body) == (RecordState.HELD, "damaged", b"")


def edited(path: Path) -> int:
    """Let the request say something short: what it said is a revision of it now; return the page with its end, the file's last."""
    db = open_writer(path, KEY)
    new = Edited("/", b"", b"{}", (b"1" * 16,), None, b"")
    seen = record_of(db, 1)
    assert seen is not None
    assert isinstance(edit(db, seen, new, Act("asha", "a slip"), lambda text: text.encode(), NOON), Decided)
    db.close()
    return path.stat().st_size // PAGE_BYTES


@pytest.mark.parametrize("damage", DAMAGE, ids=["zeros", "anything"])
async def test_what_a_request_said_before_its_edit_is_not_given_out_without_its_end(
    path: Path, closing: Closing, damage: Callable[[bytes], bytes]
) -> None:
    long_request(path)
    last = edited(path)
    journal = await closing(Journal.open(path, KEY))
    alter(path, (last - 1) * PAGE_BYTES, damage, PAGE_BYTES)
    with pytest.raises(BackupFailed):
        await journal.back_up(path.with_name("a.journal"), NOON)
    with pytest.raises(JournalDamaged):
        await journal.revisions(1)
    await journal._engine.mended()
    found = await journal.get(1)
    assert found is not None
    assert (found.state, found.body, await journal.revisions(1)) == (RecordState.PENDING, b"{}", [])


@pytest.mark.parametrize("damage", DAMAGE, ids=["zeros", "anything"])
async def test_no_backup_is_made_of_a_request_of_which_the_end_is_damaged(
    path: Path, closing: Closing, damage: Callable[[bytes], bytes]
) -> None:
    last = long_request(path)[-1]
    journal = await closing(Journal.open(path, KEY))
    alter(path, (last - 1) * PAGE_BYTES, damage, PAGE_BYTES)
    with pytest.raises(BackupFailed):
        await journal.back_up(path.with_name("a.journal"), NOON)
    assert not path.with_name("a.journal").exists()


async def test_zeros_that_were_copied_into_a_whole_page_are_held_too(path: Path, closing: Closing) -> None:
    """As the page's move does when room is given back, and as a backup did."""
    last = long_request(path)[-1]
    db = open_writer(path, KEY)
    alter(path, (last - 1) * PAGE_BYTES, lambda old: bytes(len(old)), PAGE_BYTES)
    copied = path.with_name("copied.db")
    with contextlib.closing(open_copy(copied, KEY)) as copy:
        db.backup(copy)
    db.close()
    copied.replace(path)
    with contextlib.closing(Beside(path)) as file:
        assert damaged_after(file, KEY, 0) == (0, [])
    journal = await closing(Journal.open(path, KEY))
    with pytest.raises(JournalDamaged):
        await journal.get(1)
    await journal._engine.mended()
    found = await journal.get(1)
    assert found is not None
    assert (found.state, found.reason, found.body) == (RecordState.HELD, "damaged", b"")
    assert [(rescue.pages, rescue.held) for rescue in await journal.rescues()] == [(0, (1,))]

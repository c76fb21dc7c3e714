"""
A copy of a damaged journal in one file: its pages as of the last commit that can be taken, with flipped bits put right.

What a checkpoint does, by hand, in our own code: SQLite would end at the first frame that does not fit, and delete the rest.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path
from typing import IO, Final

from store.errors import JournalUnreadable, KeyWrong
from store.file.connection import log_end
from store.file.keepsake import keepsake, size_told
from store.file.log import Behind, Frame, Log, Tail
from store.file.pages import LOCK_PAGE, PAGE_BYTES, SALT_BYTES, Pages, pages_of
from store.file.sectors import opened, read_at

_SAMPLES: Final = 16
"""Pages with which a key and a salt are tried."""


@dataclass(frozen=True, slots=True)
class Image:
    """The copy: numbers of pages that stayed damaged, how many bits were flipped back, and what lay behind the log's end."""

    path: Path
    damaged: tuple[int, ...]
    bits: int
    behind: Behind

    def as_it_was(self) -> bool:
        """Whether there was no damage at all."""
        return not self.damaged and not self.bits and self.behind.tail is Tail.NOTHING

    def without_rest(self) -> Image:
        """Return it as all that there is: what was left out of it is lost."""
        return replace(self, behind=replace(self.behind, tail=Tail.LOST))


def log_path(journal: Path) -> Path:
    """Return the name of a journal's write-ahead log."""
    return journal.with_name(journal.name + "-wal")


def pages_of_file(journal: Path, key: bytes) -> Pages | None:
    """Return the judge of a journal's pages; None where not one of some fits: another file's key, or the salt is lost."""
    with opened(journal) as file:
        first = [(number, _page(file, number)) for number in range(1, _SAMPLES + 1)]
    log = Log.read(log_path(journal))
    frames = ((frame.page, frame.body) for frame in map(log.frame, range(min(_SAMPLES, log.count))))
    once = [kept[:SALT_BYTES] for number, kept in keepsake(journal).items() if number == 1]
    return pages_of(key, first[0][1][:SALT_BYTES], once, [*first, *frames])


def looks_whole(journal: Path, key: bytes) -> bool:
    """
    Look at the first page and at the log's end, before anything is written: milliseconds. The other pages tell when they are read.

    Raises:
        KeyWrong: no page fits the key.
    """
    with opened(journal) as file:
        first = _page(file, 1)
    if not Pages(key, first[:SALT_BYTES]).whole(1, first) or journal.stat().st_size % PAGE_BYTES:
        return False
    log = Log.read(log_path(journal))
    return log.count == 0 or log.whole(log_end(journal, key))


def composed(journal: Path, key: bytes, target: Path, *, before_holes: bool = False) -> Image:
    """
    Write the copy to *target*; *before_holes*: as it was before the first commit of which a page is damaged.

    Raises:
        KeyWrong: no page fits the key.
        JournalUnreadable: it cannot be read at all, or the copy cannot be written.
    """
    pages = pages_of_file(journal, key)
    if pages is None:
        raise KeyWrong(journal=journal)
    log = Log.read(log_path(journal))
    end = log_end(journal, key)
    behind = log.behind(end, pages)
    if before_holes:
        behind = behind.before_holes()
    try:
        with opened(journal) as source, target.open("wb") as copy:
            taken, behind = _taken([*map(log.frame, range(end)), *behind.frames], behind, source, pages)
            size = next((frame.commit for frame in reversed(taken) if frame.commit), -(-journal.stat().st_size // PAGE_BYTES))
            first = next((frame.body for frame in reversed(taken) if frame.page == 1), None) or _page(source, 1)
            if pages.whole(1, first):
                size = max(size, size_told(first, key))  # of a file that was cut short
            # A file that holds them already may hold one whose frame was damaged since.
            latest = {} if behind.checkpointed else {frame.page: frame.body for frame in taken}
            damaged, bits = _copied(source, copy, latest, size, pages)
            copy.flush()
            os.fsync(copy.fileno())
    except OSError as error:
        raise JournalUnreadable(journal=journal, reason=f"it is damaged, and {target.name} cannot be written ({error.strerror})") from error
    return Image(target, damaged, bits + behind.bits, behind)


def _taken(frames: list[Frame], behind: Behind, source: FileIO, pages: Pages) -> tuple[list[Frame], Behind]:
    """Return the frames to take, all of them where the file holds later ones already: then a checkpoint ran before the damage."""
    if behind.tail is Tail.NOTHING:
        return frames, behind
    latest = {frame.page: frame.body for frame in [*frames, *behind.beyond]}
    there = {number for number, body in latest.items() if _page(source, number) == body}
    whole = {number for number, body in latest.items() if pages.whole(number, body)}
    size = next((frame.commit for frame in reversed([*frames, *behind.beyond]) if frame.commit), 0)
    # What has been folded in has its size too: of a commit that was cut off few pages may be whole, and those as they were before.
    if whole and whole <= there and size == _pages(source):
        return [*frames, *behind.beyond], Behind(Tail.REPAIRED, checkpointed=True)
    if any(frame.page in there and latest[frame.page] is frame.body for frame in behind.beyond):
        return [*frames, *behind.beyond], Behind(Tail.HOLED, bits=behind.bits)
    return frames, behind


def _pages(source: FileIO) -> int:
    return source.seek(0, os.SEEK_END) // PAGE_BYTES


def _page(source: FileIO, number: int) -> bytes:
    if number < 1:
        return b""  # the number of a frame whose head was cut off
    return read_at(source, (number - 1) * PAGE_BYTES, PAGE_BYTES)


def _copied(source: FileIO, copy: IO[bytes], latest: dict[int, bytes], size: int, pages: Pages) -> tuple[tuple[int, ...], int]:
    damaged, bits = [], 0
    for number in range(1, size + 1):
        page = latest[number] if number in latest else _page(source, number)
        if number != LOCK_PAGE and not pages.whole(number, page):
            right = pages.repaired(number, page)
            bits += right is not None
            if right is None:
                damaged.append(number)
            page = _not_zero(page.ljust(PAGE_BYTES, b"\0")) if right is None else right
        if number == 1 and page[:SALT_BYTES] != pages.salt:
            page, bits = pages.salt + page[SALT_BYTES:], bits + 1
        copy.write(page)
    return tuple(damaged), bits


def _not_zero(page: bytes) -> bytes:
    """SQLCipher takes a page of zeros for a whole one: a dose's last bytes would be read as zeros, and be sent."""
    return page if any(page) else b"\xff" * PAGE_BYTES

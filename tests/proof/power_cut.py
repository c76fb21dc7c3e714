"""
What a power cut leaves of a traced run (`traced_disk.c`): the files as they may be found, for a cut before any of its calls.

A disk has surely what was synced; of the rest it may have nothing, all, or any sectors of it. That a file was removed is sure once its
folder, or a new file of the name, was synced; a removal or a truncation that has not reached the disk takes along what was done to that
file after it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

SECTOR: Final = 512
TOLD: Final = "told"
FOLDER: Final = "."
UNFINISHED: Final = ".new"
SHARED_MEMORY: Final = "-shm"
"""SQLite's index of the log: made anew by whoever opens the files first, whatever is in it."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call that the traced process made."""

    call: str
    name: str
    offset: int
    size: int
    data: bytes = b""


class Left(StrEnum):
    """What is left of the writes that no sync has followed."""

    NOTHING = "nothing"
    ALL = "all"
    TORN = "all up to one, and that torn at a sector's border"
    MIXED = "any sectors"


Image = dict[str, bytes]
Content = bytearray | None
"""None: there is no such file."""


@dataclass(slots=True)
class _File:
    synced: Content = None
    since: list[Call] = field(default_factory=list)

    def follow(self, call: Call) -> None:
        self.since.append(call)
        if call.call == "sync":
            self._reached(len(self.since))

    def removed(self) -> None:
        """Have all its removals reach the disk, but nothing that was written after them."""
        self._reached(max((at for at, call in enumerate(self.since, 1) if call.call == "unlink"), default=0))

    def _reached(self, count: int) -> None:
        for call in self.since[:count]:
            self.synced = _done(self.synced, call)
        del self.since[:count]


@dataclass(frozen=True, slots=True)
class Cut:
    """A moment: the files as they then were, and what had been told. Valid until the next is asked for."""

    index: int
    files: Mapping[str, _File]
    told: tuple[str, ...]
    before_sync: bool = False
    """Whether nothing, or the last part of a commit, is left to be written before a sync."""

    def image(self, left: Left, draw: random.Random) -> Image:
        """Return the files as a cut now leaves them."""
        contents = {name: _LEFT[left](file, draw) for name, file in self.files.items()}
        return {name: bytes(content) for name, content in contents.items() if content is not None}


def read_trace(trace: Path) -> list[Call]:
    """Return what `traced_disk.c` logged."""
    calls, rest = [], memoryview(trace.read_bytes())
    while rest:
        end = bytes(rest[:4200]).index(b"\n")
        call, name, offset, size = bytes(rest[:end]).decode().split(" ")
        length = int(size) if call == "write" else 0
        calls.append(Call(call, name, int(offset), int(size), bytes(rest[end + 1 : end + 1 + length])))
        rest = rest[end + 1 + length :]
    return calls


def cuts(calls: list[Call]) -> Iterator[Cut]:
    """Hand out a cut before each call that touches a file of the journal's, and one after the last; told is all that was told by then."""
    files: dict[str, _File] = {}
    told = b""
    index = 0
    for at, call in enumerate(calls):
        if call.name == TOLD:
            told += call.data
        if call.name == TOLD or call.name.endswith(SHARED_MEMORY):
            continue
        before_sync = any(other.call == "sync" for other in calls[at : at + 2])
        yield Cut(index, files, tuple(told.decode().splitlines()), before_sync)
        index += 1
        if call.name == FOLDER:
            for file in files.values():
                file.removed()
            # A rename is not traced: what is written as `.new` and synced has its name by the time its folder is.
            for name in [name for name, file in files.items() if name.endswith(UNFINISHED) and not file.since]:
                files[name.removesuffix(UNFINISHED)] = files.pop(name)
        else:
            files.setdefault(call.name, _File()).follow(call)
    yield Cut(index, files, tuple(told.decode().splitlines()))


def _done(content: Content, call: Call) -> Content:
    if call.call == "sync":
        return content
    if call.call == "unlink":
        return None
    content = bytearray() if content is None else content
    if call.call == "truncate":
        return content[: call.size].ljust(call.size, b"\0")
    return _written(content, call.offset, call.data)


def _written(content: bytearray, offset: int, data: bytes) -> bytearray:
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data
    return content


def _begun(file: _File) -> Content:
    return None if file.synced is None else bytearray(file.synced)


def _nothing(file: _File, _: random.Random | None = None) -> Content:
    return file.synced


def _all(file: _File, _: random.Random | None = None) -> Content:
    content = _begun(file)
    for call in file.since:
        content = _done(content, call)
    return content


def _torn(file: _File, draw: random.Random) -> Content:
    content = _begun(file)
    whole = draw.randint(0, len(file.since))
    for call in file.since[:whole]:
        content = _done(content, call)
    for call in file.since[whole : whole + 1]:
        if call.call == "write":
            sectors = list(_sectors(call))
            for offset, data in sectors[: draw.randrange(len(sectors))]:
                content = _written(bytearray() if content is None else content, offset, data)
    return content


def _mixed(file: _File, draw: random.Random) -> Content:
    content = _begun(file)
    for call in file.since:
        if call.call == "write":
            for offset, data in _sectors(call):
                if draw.random() < 0.5:
                    content = _written(bytearray() if content is None else content, offset, data)
        elif draw.random() < 0.5:
            content = _done(content, call)
        else:
            break
    return content


def _sectors(call: Call) -> Iterator[tuple[int, bytes]]:
    """Cut what a call writes at the borders of the disk's sectors."""
    end = call.offset + len(call.data)
    at = call.offset
    while at < end:
        border = min(end, at - at % SECTOR + SECTOR)
        yield at, call.data[at - call.offset : border - call.offset]
        at = border


_LEFT: Final[Mapping[Left, Callable[[_File, random.Random], Content]]] = {
    Left.NOTHING: _nothing,
    Left.ALL: _all,
    Left.TORN: _torn,
    Left.MIXED: _mixed,
}

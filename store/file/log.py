"""
The write-ahead log as bytes: its frames, where SQLite stops reading them, and what lies behind that.

SQLite takes the frames whose salts are the log's and whose chained checksums fit, up to the last commit, and passes over the rest in
silence (sqlite.org/fileformat2.html §4). That is right after a crash. Where a bit was flipped, acknowledged commits are behind it.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path
from typing import Final

from store.file.pages import PAGE_BYTES, Pages, flips
from store.file.sectors import read_all

HEADER_BYTES: Final = 32
FRAME_BYTES: Final = 24 + PAGE_BYTES

_MAGIC: Final = (0x377F0682, 0x377F0683)
_EARLIER: Final = 1 << 16
"""The first salt counts up at each new generation: frames of so many before ours are leftovers."""

_DAMAGED_BITS: Final = 8
"""More bits than these in the checksum of a page that is whole are of another page, not flipped."""

Checksum = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Frame:
    """One page as it was at some commit; `commit` is the file's size in pages where the frame ends a transaction, else 0."""

    page: int
    commit: int
    salts: tuple[int, int]
    checksum: Checksum
    body: bytes


class Tail(Enum):
    """What lies behind the last commit that SQLite takes."""

    NOTHING = auto()
    """What a crash cuts off, or a failed commit left behind: nobody was told of it."""
    REPAIRED = auto()
    """Commits, whole after bits that were flipped back."""
    HOLED = auto()
    """Commits of which some pages are damaged."""
    LOST = auto()
    """Commits that cannot be taken, some of which may have been acknowledged."""


@dataclass(frozen=True, slots=True)
class Behind:
    """
    The frames to take behind SQLite's end, some of them damaged; `bits` were flipped back, `lost` commits (`beyond`) cannot be taken.

    `checkpointed`: the file itself holds all of them already. So many as `sure` of the frames are before the first damaged one's commit.
    """

    tail: Tail
    frames: tuple[Frame, ...] = ()
    bits: int = 0
    lost: int = 0
    beyond: tuple[Frame, ...] = ()
    checkpointed: bool = False
    sure: int = 0

    def before_holes(self) -> Behind:
        """Return it without the first damaged commit and all behind that, which are `lost`."""
        left_out = sum(frame.commit != 0 for frame in self.frames[self.sure :])
        return replace(self, frames=self.frames[: self.sure], lost=self.lost + left_out)


@dataclass(frozen=True, slots=True)
class _Seen:
    """
    A frame as mended; whether the chain of checksums leads to it, its page is whole, and its salts are the log's.

    `stale`: its page is one of an earlier generation, which no flipped bit makes of it.
    """

    frame: Frame
    fits: bool
    whole: bool
    own: bool
    stale: bool = False


class Log:
    """A log's bytes; made anew for each look."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.count = max(0, len(content) - HEADER_BYTES) // FRAME_BYTES
        self._big_endian, self.sound = _header(content)
        self.salts = _salts(content[16:24]) if self.count and self.sound else self._salts_of_frames()

    @classmethod
    def read(cls, path: Path) -> Log:
        """Return the log of this name; an empty one where there is none."""
        return cls(read_all(path))

    def frame(self, index: int) -> Frame:
        """Return a frame; the first is 0."""
        start = HEADER_BYTES + index * FRAME_BYTES
        page, commit, *rest = struct.unpack_from(">6I", self._content, start)
        return Frame(page, commit, (rest[0], rest[1]), (rest[2], rest[3]), self._content[start + 24 : start + FRAME_BYTES])

    def own_end(self) -> int:
        """Return the number of the last frame that has the log's salts."""
        return next((index + 1 for index in range(self.count - 1, -1, -1) if self._own(index)), 0)

    def whole(self, end: int) -> bool:
        """Whether nothing that needs a closer look lies behind *end*, where SQLite stops. 64 MiB: a few milliseconds."""
        if self.count == 0:
            return True
        if not self.sound:
            return False
        return self.own_end() <= end and not self._strange(end)

    def behind(self, end: int, pages: Pages) -> Behind:
        """Look closely at what lies behind *end*: some 0.2 ms a frame, and 0.2 s for each that is damaged."""
        own_end = self.own_end()
        if self.count == 0 or (own_end <= end and not self._strange(own_end)):
            return Behind(Tail.NOTHING)
        seen: list[_Seen] = []
        bits = int(not self.sound)
        before = self.frame(end - 1).checksum if end else _pair(self._content[24:32])
        for index in range(end, own_end):
            frame, flipped = self._mended(index, pages)
            fits, right = _fitted(frame, before, big_endian=self._big_endian)
            # Nobody knows what the first frame behind a damaged header was chained to; its page's HMAC speaks for it.
            seen.append(
                _Seen(
                    right,
                    fits or (index == 0 and not self.sound),
                    pages.whole(right.page, right.body),
                    right.salts == self.salts and right.page > 0,
                )
            )
            bits += flipped + (right != frame)
            if index < own_end - 1:
                before = right.checksum
        if seen and not seen[-1].fits and _is_stale(seen[-1].frame, before, pages, big_endian=self._big_endian):
            seen[-1] = replace(seen[-1], stale=True)
        return _judged(seen, bits, strange=self._strange(own_end))

    def _mended(self, index: int, pages: Pages) -> tuple[Frame, int]:
        """Return a frame with one flipped bit of page, its number or the salts put right, and how many bits that were."""
        frame = self.frame(index)
        bits = int(frame.salts != self.salts and _apart(frame.salts, self.salts) == 1)
        frame = replace(frame, salts=self.salts) if bits else frame
        if pages.whole(frame.page, frame.body):
            return frame, bits
        for flipped in flips(frame.page.to_bytes(4)):
            if pages.whole(number := int.from_bytes(flipped), frame.body):
                return replace(frame, page=number), bits + 1
        body = pages.repaired(frame.page, frame.body)
        return (frame, bits) if body is None else (replace(frame, body=body), bits + 1)

    def _salts_of_frames(self) -> tuple[int, int]:
        salts = Counter(self.frame(index).salts for index in range(min(3, self.count)))
        return salts.most_common(1)[0][0] if salts else (0, 0)

    def _own(self, index: int) -> bool:
        start = HEADER_BYTES + index * FRAME_BYTES + 8
        salts = _salts(self._content[start : start + 8])
        return salts == self.salts or _apart(salts, self.salts) == 1

    def _strange(self, index: int) -> bool:
        """Whether a frame is neither of this generation, nor of an earlier one, nor unwritten: something wrote over it."""
        if index >= self.count or self._own(index):
            return False
        salts = self.frame(index).salts
        return salts != (0, 0) and not 0 < (self.salts[0] - salts[0]) % (1 << 32) < _EARLIER


def _header(content: bytes) -> tuple[bool, bool]:
    """Return whether checksums are of big-endian words, and whether the header is as it was written."""
    if len(content) < HEADER_BYTES:
        return False, True
    magic = struct.unpack_from(">I", content)[0]
    big_endian = magic == _MAGIC[1]
    return big_endian, magic in _MAGIC and _summed(content[:24], (0, 0), big_endian=big_endian) == _pair(content[24:32])


def _fitted(frame: Frame, before: Checksum, *, big_endian: bool) -> tuple[bool, Frame]:
    expected = _of_frame(frame, before, big_endian=big_endian)
    if expected == frame.checksum:
        return True, frame
    if _apart(expected, frame.checksum) == 1:
        return True, replace(frame, checksum=expected)
    for bit in range(32):
        other = replace(frame, commit=frame.commit ^ (1 << bit))
        if _of_frame(other, before, big_endian=big_endian) == frame.checksum:
            return True, other
    return False, frame


def _is_stale(frame: Frame, before: Checksum, pages: Pages, *, big_endian: bool) -> bool:
    """Whether the page behind the head of the last frame is what an earlier generation wrote there: a whole one, of whichever number."""
    if pages.whole(frame.page, frame.body):
        return _apart(_of_frame(frame, before, big_endian=big_endian), frame.checksum) > _DAMAGED_BITS
    return any(pages.whole(number, frame.body) for number in range(1, frame.commit + 1))


def _judged(seen: Sequence[_Seen], bits: int, *, strange: bool) -> Behind:
    commits = [place for place, each in enumerate(seen) if each.frame.commit]
    if seen and seen[-1].stale:
        # Its head was written, the page not any more: cut off by a kill or a power cut. No sync came, and nobody was told of that commit.
        commits = commits[:-1] if commits[-1:] == [len(seen) - 1] else commits
        seen = seen[: commits[-1] + 1] if commits else ()
    if not commits:
        return Behind(Tail.LOST, lost=1) if strange else Behind(Tail.NOTHING)
    taken = seen[: commits[-1] + 1]
    frames = tuple(each.frame for each in taken)
    bad = next((place for place, each in enumerate(taken) if not (each.whole and each.fits)), None)
    if bad is None:
        lost = int(strange and len(taken) == len(seen))
        return Behind(Tail.LOST if lost else Tail.REPAIRED, frames, bits, lost)
    if bad == 0 and len(commits) == 1 and all(each.whole for each in taken) and all(each.fits for each in taken[1:]):
        return Behind(Tail.NOTHING)  # of a commit that failed: a shorter one was written over its beginning
    sure = max((place + 1 for place in commits if place < bad), default=0)
    if all(each.own for each in taken):
        # Also where it is the last commit: cut off by a power cut or acknowledged and damaged since, nobody can tell, and to take what was
        # not acknowledged harms nobody.
        return Behind(Tail.HOLED, frames, bits, sure=sure)
    # Where a frame's head is gone, nobody knows of which page an old version would be read.
    return Behind(Tail.LOST, frames[:sure], bits, sum(place >= bad for place in commits), frames[sure:])


def _of_frame(frame: Frame, before: Checksum, *, big_endian: bool) -> Checksum:
    return _summed(struct.pack(">2I", frame.page, frame.commit) + frame.body, before, big_endian=big_endian)


def _summed(content: bytes, before: Checksum, *, big_endian: bool) -> Checksum:
    one, two = before
    words = struct.unpack(f"{'>' if big_endian else '<'}{len(content) // 4}I", content)
    for first, second in zip(words[::2], words[1::2], strict=True):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return one, two


def _pair(content: bytes) -> Checksum:
    one, two = struct.unpack(">2I", content)
    return one, two


_salts = _pair


def _apart(one: tuple[int, int], other: tuple[int, int]) -> int:
    return (one[0] ^ other[0]).bit_count() + (one[1] ^ other[1]).bit_count()

"""What a disk cannot read costs a block, not the file."""

from __future__ import annotations

import errno
import os
from io import FileIO
from pathlib import Path

import pytest

from store.errors import JournalUnreadable
from store.file.sectors import Beside, read_all, read_at

BLOCK = 4096


class Failing(FileIO):
    """Fails in every read that touches one byte, wherever it begins."""

    lost = 5 * BLOCK + 17
    error = errno.EIO

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        if self.tell() <= self.lost < self.tell() + size:
            raise OSError(self.error, os.strerror(self.error))
        return super().read(size)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "file"
    made.write_bytes(os.urandom(9 * BLOCK + 100))
    return made


@pytest.mark.parametrize(("start", "length"), [(0, 20 * BLOCK), (100, 8 * BLOCK), (5 * BLOCK, BLOCK), (5 * BLOCK + 10, 20), (0, 5 * BLOCK)])
def test_one_block_is_lost_at_most(path: Path, start: int, length: int) -> None:
    whole = path.read_bytes()
    with Failing(path) as file:
        found = read_at(file, start, length)
    block = range(5 * BLOCK, 6 * BLOCK)
    expected = bytes(0xFF if place in block else byte for place, byte in enumerate(whole))[start : start + length]
    assert found == (expected if start + length > Failing.lost else whole[start : start + length])


def test_another_error_is_told_as_one_of_reading(path: Path) -> None:
    with Failing(path) as file:
        file.error = errno.EACCES
        with pytest.raises(JournalUnreadable, match="cannot be read: Permission denied"):
            read_at(file, 0, 20 * BLOCK)


def test_a_file_that_is_not_there_is_empty(path: Path) -> None:
    assert read_all(path) == path.read_bytes()
    path.unlink()
    assert read_all(path) == b""


def test_a_file_that_is_closed_is_not_read(path: Path) -> None:
    beside = Beside(path)
    with beside.opened() as file:
        assert read_at(file, 0, 20 * BLOCK) == path.read_bytes()
    beside.close()
    with pytest.raises(JournalUnreadable, match="it is closed"), beside.opened():
        pass

"""
A copy of the few pages without which nothing else can be read: the first with the salt, the schema's, and those of the table `meta`.

What is needed of them changes with a migration only: tables begin where they began, and `meta` has the same keys. Which pages say so does
change, when room is given back; so they count as what was true together, and are not compared with the journal's pages of these numbers.

They are as encrypted here as in the journal. Kept in `<journal>.keepsake`; it may be missing.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from store.file.folder import sync_folder
from store.file.log import Log
from store.file.migrate import MIGRATIONS
from store.file.pages import LOCK_PAGE, PAGE_BYTES, SALT_BYTES, Pages
from store.file.sectors import Beside, read_all, read_at

if TYPE_CHECKING:  # it takes 7 MB of memory, and is needed when the pages are kept, and in a rescue, only
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.modes import CBC

_ENTRY: Final = struct.Struct(f">I{PAGE_BYTES}s")
_IV_AT, _MAC_AT = PAGE_BYTES - 80, PAGE_BYTES - 64
_MARK: Final = 0
"""The number under which the schema's version is kept, and how many pages there are."""
_INTERIOR: Final = (2, 5)
"""Of an index, which is what a table without row numbers is made of, and of a table."""
_FIRST_HEADER: Final = 100
"""Where the b-tree of the first page begins; what is before it describes the file (sqlite.org/fileformat2.html §1.3)."""


def keepsake(journal: Path) -> Mapping[int, bytes]:
    """Return the pages that are kept, by number."""
    content = read_all(_path(journal))
    return dict(_ENTRY.iter_unpack(content[: len(content) // _ENTRY.size * _ENTRY.size]))


def keep(journal: Path, file: Beside, key: bytes, roots: tuple[int, ...]) -> None:
    """
    Keep the pages as they are now, where those that are kept are not whole, and at the first start and after a migration or a rescue.

    *roots* are tables to keep besides the schema.

    *file* is the journal's, which SQLite has open.

    Raises:
        OSError: they cannot be written, or are just being written by SQLite. The journal does without.
    """
    with file.opened() as opened:
        salt = read_at(opened, 0, SALT_BYTES)
    pages = Pages(key, salt)
    if _is_good(keepsake(journal), pages):
        return
    log = Log.read(journal.with_name(journal.name + "-wal"))
    latest = {frame.page: frame.body for frame in map(log.frame, range(log.own_end()))}

    def page(number: int) -> bytes:
        found = latest.get(number)
        if found is None:
            with file.opened() as opened:
                found = read_at(opened, (number - 1) * PAGE_BYTES, PAGE_BYTES)
        if not pages.whole(number, found):
            raise OSError(f"page {number} is not whole at this moment")
        return found

    wanted = {number: page(number) for root in (1, *roots) for number in _tree(root, page, key)}
    mark = _mark(len(wanted))
    unfinished = journal.with_name(journal.name + ".keepsake.new")
    with unfinished.open("wb") as kept:
        kept.writelines(_ENTRY.pack(number, content) for number, content in {_MARK: mark, **wanted}.items())
        kept.flush()
        os.fsync(kept.fileno())
    unfinished.replace(_path(journal))
    sync_folder(journal.parent)


def _is_good(kept: Mapping[int, bytes], pages: Pages) -> bool:
    """Whether those are all that were kept of this file and schema, each as it was written: for that it need not be decrypted."""
    entries = dict(kept)
    marked, first = entries.pop(_MARK, b""), entries.get(1, b"")
    whole = all(pages.whole(number, page) for number, page in entries.items())
    return marked == _mark(len(entries)) and first[:SALT_BYTES] == pages.salt and whole


def _mark(count: int) -> bytes:
    return struct.pack(f">{PAGE_BYTES}s", f"{max(MIGRATIONS)} {count}".encode())


def put_back(image: Path, key: bytes, kept: Mapping[int, bytes], root: int) -> bool:
    """
    Put a table that was kept into a copy of the journal that is only read; False where it was not kept. The schema's root is page 1.

    Its root goes where it was, the others to the copy's end: where they were, another table's may be by now.
    """
    with image.open("r+b") as file:
        first = file.read(PAGE_BYTES)
        pages = Pages(key, first[:SALT_BYTES])
        size = file.seek(0, os.SEEK_END) // PAGE_BYTES
        written = {1: (bytearray(_clear(1, first, key)), first)}
        places = [(root, root)]
        for number, place in places:
            page = kept.get(number, b"")
            if not pages.whole(number, page):
                return False
            clear = bytearray(_clear(number, page, key))
            written[place] = clear, page
            for pointer in _pointers(number, clear):
                size += 1 + (size + 1 == LOCK_PAGE)
                places.append((*struct.unpack_from(">I", clear, pointer), size))
                struct.pack_into(">I", clear, pointer, size)
        written[1][0][28:40] = struct.pack(">3I", size, 0, 0)  # no free pages: nothing is written into this file
        for place, (clear, page) in written.items():
            file.seek((place - 1) * PAGE_BYTES)
            file.write(_encrypted(place, clear, page, key, pages))
    return True


def size_told(first: bytes, key: bytes) -> int:
    """Return how many pages the first page says the file has."""
    (size,) = struct.unpack_from(">I", _clear(1, first, key), 28)
    return int(size)


def _tree(root: int, page: Callable[[int], bytes], key: bytes) -> Iterator[int]:
    """Yield the pages of a table's b-tree."""
    yield root
    clear = _clear(root, page(root), key)
    for pointer in _pointers(root, clear):
        yield from _tree(struct.unpack_from(">I", clear, pointer)[0], page, key)


def _pointers(number: int, clear: bytes | bytearray) -> tuple[int, ...]:
    """Return where in a page the numbers of those below it stand."""
    start = _FIRST_HEADER if number == 1 else 0
    if clear[start] not in _INTERIOR:
        return ()
    (cells,) = struct.unpack_from(">H", clear, start + 3)
    return (*struct.unpack_from(f">{cells}H", clear, start + 12), start + 8)


def _clear(number: int, page: bytes, key: bytes) -> bytes:
    start = SALT_BYTES if number == 1 else 0
    return page[:start] + _cipher(key, page).decryptor().update(page[start:_IV_AT])


def _encrypted(number: int, clear: bytearray, like: bytes, key: bytes, pages: Pages) -> bytes:
    start = SALT_BYTES if number == 1 else 0
    content = _cipher(key, like).encryptor().update(bytes(clear[start:])) + like[_IV_AT:_MAC_AT]
    return pages.sealed(number, like[:start] + content)


def _cipher(key: bytes, page: bytes) -> Cipher[CBC]:
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CBC

    return Cipher(AES(key), CBC(page[_IV_AT:_MAC_AT]))


def _path(journal: Path) -> Path:
    return journal.with_name(journal.name + ".keepsake")

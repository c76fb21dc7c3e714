"""
The pages of an encrypted file, as SQLCipher 4 lays them out: is one whole, and if not, which single bit of it was flipped?

A page is 4096 bytes: ciphertext, 16 bytes of IV, 64 bytes of HMAC-SHA512 over both and the page's number; the first page begins with the
file's salt in clear, which the HMAC's key is made of (zetetic.net/sqlcipher/design). A forged match is out of the question, so that a page
which fits after one bit was flipped back is the page as it was written.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

PAGE_BYTES: Final = 4096
SALT_BYTES: Final = 16

LOCK_PAGE: Final = (1 << 30) // PAGE_BYTES + 1
"""Where SQLite locks a file, whatever its size: in one of more than 1 GiB nothing is written there (sqlite.org/fileformat2.html §1.4)."""

REPAIRS_MAX: Final = 64
"""Pages tried to repair in one file, 10 s at most: where more are damaged, it was not single bits."""

_MAC_AT: Final = PAGE_BYTES - 64
_SALT_MASK: Final = 0x3A
_KEY_BYTES: Final = 32
_ROUNDS: Final = 2
_BLOCK_BYTES: Final = 128
"""What SHA-512 takes at a time: what is before the block with the bit is hashed once."""


class Pages:
    """Judges the pages of one file, by its key and salt."""

    def __init__(self, key: bytes, salt: bytes) -> None:
        self.salt = salt
        self._repairs_left = REPAIRS_MAX
        mac_key = hashlib.pbkdf2_hmac("sha512", key, bytes(byte ^ _SALT_MASK for byte in salt), _ROUNDS, _KEY_BYTES)
        self._mac = hmac.new(mac_key, digestmod="sha512")

    def whole(self, number: int, page: bytes) -> bool:
        """Whether *page* is, byte for byte, what was written as page *number* (from 1). About 6 µs."""
        return len(page) == PAGE_BYTES and self._digest(number, page[_start(number) : _MAC_AT]) == page[_MAC_AT:]

    def repaired(self, number: int, page: bytes) -> bytes | None:
        """Return the page as it was if one flipped bit is all that is wrong with it; None where it is not. About 0.1 s."""
        if len(page) != PAGE_BYTES or self._repairs_left == 0:
            return None
        self._repairs_left -= 1
        start, content, written = _start(number), page[_start(number) : _MAC_AT], page[_MAC_AT:]
        expected = self._digest(number, content)
        if _one_bit_apart(expected, written):
            return page[:_MAC_AT] + expected
        for before in range(0, len(content), _BLOCK_BYTES):
            head, rest = content[:before], content[before + _BLOCK_BYTES :]
            hashed = self._mac.copy()
            hashed.update(head)
            for flipped in flips(content[before : before + _BLOCK_BYTES]):
                mac = hashed.copy()
                mac.update(flipped + rest + struct.pack("<I", number))
                if mac.digest() == written:
                    return page[:start] + head + flipped + rest + written
        return None

    def sealed(self, number: int, page: bytes) -> bytes:
        """Return *page*, of which all but its HMAC is given, with that."""
        return page + self._digest(number, page[_start(number) :])

    def _digest(self, number: int, content: bytes) -> bytes:
        mac = self._mac.copy()
        mac.update(content)
        mac.update(struct.pack("<I", number))
        return mac.digest()


def pages_of(key: bytes, salt: bytes, others: Sequence[bytes], some: Iterable[tuple[int, bytes]]) -> Pages | None:
    """
    Return the judge of a file's pages, its salt put right where one bit of that was flipped.

    Args:
        key: The key as it is in the key file.
        salt: The first bytes of the file.
        others: What they were once.
        some: Numbers and pages to try it with; several, as one may be damaged.

    Returns:
        None where none of them fits: it is another file's key, or the salt is lost.
    """
    samples = list(some)
    for candidate in (salt, *others, *flips(salt)):
        pages = Pages(key, candidate)
        if any(pages.whole(number, page) for number, page in samples):
            return pages
    return None


def flips(content: bytes) -> Iterator[bytes]:
    """Yield *content* with each of its bits flipped in turn."""
    flipped = bytearray(content)
    for place in range(len(content)):
        for bit in range(8):
            flipped[place] ^= 1 << bit
            yield bytes(flipped)
            flipped[place] ^= 1 << bit


def _start(number: int) -> int:
    return SALT_BYTES if number == 1 else 0


def _one_bit_apart(one: bytes, other: bytes) -> bool:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count() == 1

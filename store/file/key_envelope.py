"""
A key under a passphrase, as text that can be printed, and typed in again.

Encrypted with AES-256-GCM under a key that scrypt makes of the passphrase: 128 MiB of memory and about half a second for each guess.
Base32 has no 0, 1 or 8; each line ends with a check of its own, so that a mistyped line is named.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import unicodedata
import zlib
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PASSPHRASE_MIN: Final = 12
"""Characters: four words, say."""

_TITLE: Final = "dosekeeper key, version 1: AES-256-GCM, scrypt N=131072 r=8 p=1"
_COST: Final = {"n": 1 << 17, "r": 8, "p": 1}  # OWASP's Password Storage Cheat Sheet, 2024
_MEMORY_MAX: Final = 256 << 20
_SALT, _NONCE, _KEY, _TAG = 16, 12, 32, 16
_LINE: Final = 20
"""Bytes in a line: 32 letters."""

_MISREAD: Final = str.maketrans("018", "OIB")
_NUMBERED: Final = re.compile(r"(\d+)[.:]?\s+([A-Za-z0-9 ]+)")


class NotOpened(Exception):
    """The text and the passphrase do not make a key; the message says what is wrong, for whoever typed it."""


def sealed(key: bytes, passphrase: str) -> str:
    """Return *key* as text that opens with *passphrase* alone. Raises ValueError where that is shorter than PASSPHRASE_MIN."""
    if len(passphrase) < PASSPHRASE_MIN:
        raise ValueError(f"a passphrase has at least {PASSPHRASE_MIN} characters")
    salt, nonce = secrets.token_bytes(_SALT), secrets.token_bytes(_NONCE)
    box = salt + nonce + AESGCM(_derived(passphrase, salt)).encrypt(nonce, key, _TITLE.encode())
    lines = [f"{number}  {_letters(number, box[at : at + _LINE])}" for number, at in enumerate(range(0, len(box), _LINE), 1)]
    return "\n".join([_TITLE, "", *lines, ""])


def opened(text: str, passphrase: str) -> bytes:
    """
    Return the key in *text*; case and spaces do not matter, and 0, 1 and 8 are read as O, I and B.

    Raises:
        NotOpened: a line is missing or mistyped, or the passphrase is another.
    """
    if not text.lstrip().startswith(_TITLE):
        raise NotOpened(f'it does not begin with "{_TITLE}"')
    box = b"".join(_bytes(number, line) for number, line in enumerate(_lines(text), 1))
    if len(box) != _SALT + _NONCE + _KEY + _TAG:
        raise NotOpened(f"it has {len(box)} bytes, not {_SALT + _NONCE + _KEY + _TAG}: a line is missing at the end, or one too many")
    salt, nonce, sealed_key = box[:_SALT], box[_SALT : _SALT + _NONCE], box[_SALT + _NONCE :]
    try:
        return AESGCM(_derived(passphrase, salt)).decrypt(nonce, sealed_key, _TITLE.encode())
    except InvalidTag:
        raise NotOpened("the passphrase is another one") from None


def _derived(passphrase: str, salt: bytes) -> bytes:
    # NFKC: a keyboard may send one letter in two ways.
    secret = unicodedata.normalize("NFKC", passphrase).encode()
    return hashlib.scrypt(secret, salt=salt, maxmem=_MEMORY_MAX, dklen=_KEY, **_COST)


def _letters(number: int, part: bytes) -> str:
    letters = base64.b32encode(part).decode().rstrip("=") + _check(number, part)
    return " ".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def _check(number: int, part: bytes) -> str:
    """Return four letters: the first twenty bits of a checksum over the line and its place."""
    return base64.b32encode(zlib.crc32(part, number).to_bytes(4))[:4].decode()


def _lines(text: str) -> list[str]:
    body = [line.strip() for line in text.strip().splitlines()[1:] if line.strip()]
    return [match[2] if (match := _NUMBERED.fullmatch(line)) else line for line in body]


def _bytes(number: int, line: str) -> bytes:
    letters = line.replace(" ", "").upper().translate(_MISREAD)
    try:
        part = base64.b32decode(letters[:-4] + "=" * (-len(letters[:-4]) % 8))
    except ValueError:
        part = b""
    if not part or letters[-4:] != _check(number, part):
        raise NotOpened(f"line {number} is not as it was printed")
    return part

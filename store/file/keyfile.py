"""The journal's key: 256 random bits, in a file that only its owner reads, or in the environment."""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from store.errors import KeyAbsent, KeyExposed, KeyInPlace, KeyMalformed, KeyMissing, KeyUnfinished, KeyUnusable
from store.file.folder import sync_folder
from store.file.owner import hand_over, make_folder

KEY_VARIABLE: Final = "DOSEKEEPER_STORE_KEY"
"""64 hex digits; goes before the key file."""

_KEY_BYTES: Final = 32
_HEX_KEY: Final = re.compile(rf"[0-9a-fA-F]{{{2 * _KEY_BYTES}}}")
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def journal_key(journal: Path, key_file: Path, environ: Mapping[str, str]) -> bytes:
    """
    Return the key of *journal*; at the first start, when there is no journal yet, make it.

    The caller holds the journal's lock: two that start at once would make two keys.

    Raises:
        KeyMissing: there is a journal but no key to it. A new key is never made for it.
        KeyMalformed: what is there is no key; KeyUnfinished where there is no journal either.
        KeyExposed: group or others may read the key file (not checked on Windows, where the folder's rights decide).
        KeyUnusable: the file can be neither read nor made.
    """
    if KEY_VARIABLE in environ:
        return _parsed(environ[KEY_VARIABLE], KEY_VARIABLE)
    try:
        if key_file.exists():
            return _read_for(journal, key_file)
        if journal.exists():
            raise KeyMissing(journal=journal, key_file=key_file)
        return _write(key_file, secrets.token_bytes(_KEY_BYTES))
    except OSError as error:
        raise KeyUnusable(key_file=key_file, reason=error.strerror or error) from error


def existing_key(key_file: Path, environ: Mapping[str, str]) -> bytes:
    """Return the key that is there; none is made. Raises as `journal_key`, and KeyAbsent where there is none."""
    if KEY_VARIABLE in environ:
        return _parsed(environ[KEY_VARIABLE], KEY_VARIABLE)
    try:
        if key_file.exists():
            return _read(key_file)
    except OSError as error:
        raise KeyUnusable(key_file=key_file, reason=error.strerror or error) from error
    raise KeyAbsent(key_file=key_file)


def put_key(key_file: Path, key: bytes) -> bool:
    """
    Put *key* in place, durably; False where it is there already.

    Raises:
        KeyInPlace: another key is there. It is never overwritten: nobody could read what it opens.
        KeyMalformed, KeyExposed, KeyUnusable: as `journal_key`.
    """
    try:
        if not key_file.exists():
            _write(key_file, key)
            return True
        if _read(key_file) == key:
            return False
    except OSError as error:
        raise KeyUnusable(key_file=key_file, reason=error.strerror or error) from error
    raise KeyInPlace(key_file=key_file)


def _parsed(text: str, source: object) -> bytes:
    if not _HEX_KEY.fullmatch(text.strip()):
        raise KeyMalformed(source=source)
    return bytes.fromhex(text.strip())


def _read_for(journal: Path, key_file: Path) -> bytes:
    try:
        return _read(key_file)
    except KeyMalformed:
        if journal.exists():
            raise
        raise KeyUnfinished(source=key_file) from None


def _read(key_file: Path) -> bytes:
    mode = stat.S_IMODE(key_file.stat().st_mode)
    if os.name != "nt" and mode & _OTHERS:
        raise KeyExposed(key_file=key_file, mode=mode)
    return _parsed(key_file.read_text("ascii", errors="replace"), key_file)


def _write(key_file: Path, key: bytes) -> bytes:
    """Put a key on disk, whole, before the journal that needs it; read it back from there."""
    make_folder(key_file.parent)
    unfinished = key_file.with_name(key_file.name + ".new")
    unfinished.unlink(missing_ok=True)  # left by a stop during an earlier first start: it opened nothing
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    hand_over(unfinished, key_file.parent)
    unfinished.replace(key_file)
    sync_folder(key_file.parent)
    sync_folder(key_file.parent.parent)  # where the folder itself was made just now
    return _read(key_file)

"""
Client keys: keys of the sidecar's own for the desks' software, of which only hashes are kept.

One round of SHA-256, no salt: a key is 256 random bits, which nobody can guess however fast the hash is. A slow hash is for what
people make up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

FIELD: Final = "Dosekeeper-Client-Key"
"""The header field in which a client sends its key. It goes no further, and is never journalled."""

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LINE: Final = re.compile(rf"({NAME.pattern})\s+sha256:([0-9a-f]{{64}})\s+(\S+)")

HEADING: Final = "# Client keys of dosekeeper: name, hash of the key, since when. Change it with: dosekeeper clients add|revoke NAME\n"


class NoKeys(ValueError):
    """The file's text is not what `written` makes; the message names the line."""


@dataclass(frozen=True, slots=True)
class ClientKey:
    """Whose a key is, its hash (hexadecimal), and since when (RFC 3339)."""

    name: str
    hash: str
    since: str


def hash_of(key: str) -> str:
    """Return what is kept of *key*."""
    return sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def parsed(text: str) -> tuple[ClientKey, ...]:
    """Return the keys of a file's *text*; raises NoKeys where a line is none."""
    keys: list[ClientKey] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise NoKeys(f"line {number} is no client key")
        keys.append(ClientKey(*match.groups()))
    return tuple(keys)


def written(keys: Iterable[ClientKey]) -> str:
    """Return the file's text for *keys*."""
    return HEADING + "".join(f"{key.name} sha256:{key.hash} {key.since}\n" for key in keys)


def by_hash(keys: Iterable[ClientKey]) -> Mapping[str, str]:
    """Return the names by hash: what a request is looked up in."""
    return {key.hash: key.name for key in keys}

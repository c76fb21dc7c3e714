"""
Replaces values inside JSON text, and nothing else of it: blanks, order of members, spelling of numbers and keys stay.

A member that stands twice is found twice: which of the two counts is the reader's choice, not ours.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from re import DOTALL
from re import compile as regex
from typing import AnyStr, Final

import orjson

Path = tuple[str | None, ...]
"""The way to a value: names of members, None for each item of a list."""

_TOKEN: Final = regex(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\],]|[^\s{}\[\],:"]++', DOTALL)
"""A text, a bracket, a comma, or a number, true, false, null. Of valid JSON it leaves out blanks and colons only."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text, number, true, false or null within JSON text: where its bytes are, and what it says (`text()` of a profile says the same)."""

    start: int
    end: int
    text: str
    number: bool


def scalars_at(paths: Collection[Path], body: bytes) -> Iterator[Scalar]:
    """Yield the texts and numbers that *body* has at *paths*, in the order in which they stand; none where it is not JSON."""
    if paths and _is_json(body):
        yield from _scan(frozenset(paths), body)


def spliced(whole: AnyStr, pieces: Iterable[tuple[int, int, AnyStr]]) -> AnyStr:
    """Return *whole* with each (start, end, new) of *pieces* in place; they are in order and do not overlap."""
    parts: list[AnyStr] = []
    at = 0
    for start, end, new in pieces:
        parts += [whole[at:start], new]
        at = end
    parts.append(whole[at:])
    return whole[:0].join(parts)


def written_like(scalar: Scalar, text: str) -> bytes:
    """Return *text* as JSON of the kind that *scalar* is; a number only where it is one digit for digit."""
    plain = text.isascii() and text.isdigit() and (text == "0" or not text.startswith("0"))
    return text.encode() if scalar.number and plain else orjson.dumps(text)


def _scan(paths: frozenset[Path], body: bytes) -> Iterator[Scalar]:
    deepest = max(map(len, paths))
    here: list[str | None] = []
    key_next = False
    for match in _TOKEN.finditer(body):
        raw = match[0]
        match raw:
            case b"{" | b"[":
                key_next = raw == b"{"
                here.append("" if key_next else None)
            case b"}" | b"]":
                here.pop()
                key_next = False
            case b",":
                key_next = here[-1] is not None
            case _ if key_next:
                here[-1] = orjson.loads(raw)
                key_next = False
            case _ if len(here) <= deepest and tuple(here) in paths and (text := _text(raw)) is not None:
                yield Scalar(match.start(), match.end(), text, number=not raw.startswith(b'"'))


def _text(raw: bytes) -> str | None:
    if raw in (b"true", b"false", b"null"):
        return None
    if raw.startswith(b'"'):
        return str(orjson.loads(raw)).strip()
    if raw.isdigit():
        return raw.decode()
    value = float(raw)
    return str(int(value)) if value.is_integer() else raw.decode()


def _is_json(body: bytes) -> bool:
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return True

"""
Changes that a person makes in the body of a record: a dotted path and a value each.

They are spliced in, so that nothing else of the body changes; where one cannot be (a list, a new member), the body is written anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from proxy.document.problems import meant
from proxy.rules.splice import scalars_at, spliced

_ABSENT: Final = object()


class Unsettable(ValueError):
    """A change that cannot be made; the text says why and what to write instead, and repeats no value of the record."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change; `old` is None too where there was no such member. Both are personal data."""

    path: str
    old: Any = field(repr=False)
    new: Any = field(repr=False)


def edited(body: bytes, settings: Iterable[str]) -> tuple[bytes, list[Change]]:
    """
    Return a body with changes made, and those that change something.

    Args:
        body: A record's: JSON.
        settings: Each `path=value`, which keeps the kind that the old value has (text, number, true or false), or `path:=JSON`, which
            may be of another kind, or new. A number in a path is the place in a list, from 0.

    Raises:
        Unsettable: one of them cannot be made.
    """
    changes: list[Change] = []
    for setting in settings:
        path, raw, written = _parsed(setting)
        holder, last = _holder(json.loads(body), path)
        old = _member(holder, last)
        new = _json(path, written) if raw else _like(old, path, written, holder)
        if type(old) is not type(new) or old != new:
            body = _with(body, path, new)
            changes.append(Change(path, None if old is _ABSENT else old, new))
    return body, changes


def _parsed(setting: str) -> tuple[str, bool, str]:
    path, equals, written = setting.partition("=")
    raw = path.endswith(":")
    path = path.removesuffix(":").strip()
    if not equals or not all(path.split(".")):
        raise Unsettable("A change is written path=value, such as center_id=563048, or path:=JSON, such as photo_id_number:=null")
    return path, raw, written


def _holder(body: object, path: str) -> tuple[Any, str]:
    """Return the object or list in which the last member of *path* stands or may be put."""
    here = body
    *before, last = path.split(".")
    for name in before:
        here = _member(here, name)
    if not isinstance(here, dict) and _member(here, last) is _ABSENT:
        raise Unsettable(f"{path}: there is no such place in the record. See what it says: dosekeeper records show NUMBER --body")
    return here, last


def _member(here: object, name: str) -> Any:  # noqa: ANN401 - any JSON
    match here:
        case dict():
            return here.get(name, _ABSENT)
        case list() if name.isdecimal() and int(name) < len(here):
            return here[int(name)]
        case _:
            return _ABSENT


def _like(old: object, path: str, written: str, holder: Any) -> object:  # noqa: ANN401 - any JSON
    match old:
        case str():
            return written
        case bool() | int() | float():
            new = _json(path, written)
            if isinstance(new, bool) is isinstance(old, bool) and isinstance(new, bool | int | float):
                return new
            raise Unsettable(f"{path}: is a {'true or false' if isinstance(old, bool) else 'number'}; to change its kind: {path}:=JSON")
        case _ if old is _ABSENT:
            raise Unsettable(f"{path}: there is no such member; {meant(path.rpartition('.')[2], holder)} A new one: {path}:=JSON")
        case _:
            raise Unsettable(f"{path}: is neither text nor number; write the whole value: {path}:=JSON")


def _json(path: str, written: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return orjson.loads(written)
    except orjson.JSONDecodeError:
        raise Unsettable(f'{path}: the new value is no JSON; a text is written in quotes: {path}:="text"') from None


def _with(body: bytes, path: str, new: object) -> bytes:
    text = orjson.dumps(new)
    if pieces := [(scalar.start, scalar.end, text) for scalar in scalars_at([tuple(path.split("."))], body)]:
        return spliced(body, pieces)
    whole = json.loads(body)  # the standard library's: it keeps whole numbers of any length
    holder, last = _holder(whole, path)
    holder[int(last) if isinstance(holder, list) else last] = new
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()

"""Own writes laid over what the upstream says: what it would answer if it had received them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from proxy.profiles.expressions import Expression
from proxy.profiles.model import Change, Overlay, Profile

TEXTS_MAX: Final = 64
"""Texts of one answer by which records are looked for; a household has six persons."""


@dataclass(frozen=True, slots=True)
class Write:
    """
    One of our records, as expressions see it.

    `request` is the request with the real ids that are known, `person` whom a registration made: the real id, else the provisional one.
    """

    number: int
    route: str
    request: Mapping[str, Any]
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Laid:
    """An answer's body with what was laid over it, and the numbers of the records that changed it."""

    body: dict[str, Any]
    numbers: tuple[int, ...]


def topics(profile: Profile, route: str, request: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the texts by which a record on *route* is found; personal data, to be kept as keyed hashes."""
    changes = (change for overlay in profile.overlays.values() for change in overlay.changes if change.record == route)
    return _texts(change.about.search({"request": request}) for change in changes)


def asked_about(overlay: Overlay, asked: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the texts of a question, the request as `request_view` shows it."""
    return _texts([overlay.about.search(asked)])


def shown_in(overlay: Overlay, body: object) -> tuple[str, ...]:
    """Return the texts of the items in an answer's *body*: whose records change them."""
    return _texts(overlay.item_about.search({"item": item}) for item in _items(overlay, body) or ())


def lay_over(overlay: Overlay, asked: Mapping[str, Any], body: object, writes: Sequence[Write]) -> Laid | None:
    """
    Return *body* as it would be if the upstream had received *writes*; None where they change nothing, or it has no list.

    Args:
        overlay: The profile's.
        asked: The question, as `request_view` shows it.
        body: Parsed JSON, left as it is.
        writes: Oldest first.
    """
    found = _items(overlay, body)
    if found is None or not isinstance(body, dict):
        return None
    items, numbers = list(found), []
    for write in writes:
        data = {"asked": asked, "request": write.request, "record": {"number": write.number, "person": write.person}}
        if any([_changed(change, items, data) for change in overlay.changes if change.record == write.route]):  # noqa: C419 - all of them
            numbers.append(write.number)
    laid = _with(body, overlay.items.split("."), items)
    told = None if overlay.count is None else _at(overlay.count, body)
    if overlay.count is not None and isinstance(told, int):
        laid = _with(laid, overlay.count.split("."), told + len(items) - len(found))
    return Laid(laid, tuple(numbers)) if numbers else None


def _changed(change: Change, items: list[Any], data: Mapping[str, Any]) -> bool:
    """Change *items* as *change* says; whether it did."""
    about = [at for at, item in enumerate(items) if isinstance(item, dict) and change.same.holds({**data, "item": item})]
    if not about:
        added = _members(change.add, data) if change.where is None or change.where.holds(data) else {}
        items.extend([added] if added else [])
        return bool(added)
    before = [items[index] for index in about]
    for index in about:
        seen = {**data, "item": items[index]}
        if change.shown is None or not change.shown.holds(seen):
            items[index] = {**items[index], **_members(change.set, seen)}
    return before != [items[index] for index in about]


def _members(expression: Expression | None, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members that an expression gives a value."""
    found = None if expression is None else expression.search(data)
    return {name: value for name, value in found.items() if value is not None} if isinstance(found, dict) else {}


def _items(overlay: Overlay, body: object) -> list[Any] | None:
    found = _at(overlay.items, body)
    return found if isinstance(found, list) else None


def _at(path: str, body: object) -> object:
    for name in path.split("."):
        body = body.get(name) if isinstance(body, dict) else None
    return body


def _with(body: dict[str, Any], path: Sequence[str], value: object) -> dict[str, Any]:
    name, *rest = path
    return {**body, name: _with(body[name], rest, value) if rest else value}


def _texts(found: Iterable[object]) -> tuple[str, ...]:
    flat = [text for each in found for text in (each if isinstance(each, list) else [each])]
    return tuple(dict.fromkeys(text for text in flat if isinstance(text, str) and text))[:TEXTS_MAX]

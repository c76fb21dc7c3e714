"""What a request says: whom it concerns, which fact it is, and with what content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from proxy.profiles.model import Route

_WHOLE: Final = range(-(2**63), 2**64)
"""Whole numbers that JSON text is read to exactly."""


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What is compared of two requests, as canonical JSON; personal data, to be kept as keyed hashes.

    `lanes` is empty where the request does not say whom it concerns, `natural_key` None where it does not say which fact it is, or
    where the route declares none.
    """

    lanes: tuple[str, ...]
    natural_key: str | None
    content: str


def facts_of(route: Route, view: Mapping[str, Any]) -> Facts:
    """
    Return what a request on *route* says.

    Args:
        route: A record route.
        view: The request as `request_view` shows it, with real ids where they are known.
    """
    assert route.lane is not None  # the profile's checks hold it for record routes
    key = None if route.natural_key is None else route.natural_key.search(view)
    content = {path: _at(view["body"], path) for path in route.content or ()}
    return Facts(_lanes(route.lane.search(view)), None if _lacks(key) else canonical(key), canonical(content))


def canonical(value: Any) -> str:  # noqa: ANN401 - any JSON
    """Return *value* as JSON text that is the same for what is equal as JSON: members in order, 1.0 as 1, no blanks."""
    return orjson.dumps(_plain(value), option=orjson.OPT_SORT_KEYS).decode()


def _lanes(found: object) -> tuple[str, ...]:
    items = found if isinstance(found, list) else [found]
    if not all(isinstance(item, str | int) and not isinstance(item, bool) and str(item).strip() for item in items):
        return ()
    return tuple(dict.fromkeys(map(str, items)))


def _lacks(key: object) -> bool:
    """Whether a part is missing, or there is none."""
    if isinstance(key, list):
        return not key or any(map(_lacks, key))
    return key is None or key == ""


def _at(body: object, path: str) -> object:
    for name in path.split("."):
        if not isinstance(body, Mapping):
            return None
        body = body.get(name)
    return body


def _plain(value: object) -> object:
    match value:
        case dict():
            return {name: _plain(member) for name, member in value.items()}
        case list():
            return [_plain(item) for item in value]
        case float() if value.is_integer() and int(value) in _WHOLE:
            return int(value)
        case _:
            return value

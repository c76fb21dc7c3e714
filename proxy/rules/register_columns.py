"""The columns of the paper register: what the profile says of a record route, in the order in which it matters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from re import compile as regex
from typing import Final

from proxy.profiles.model import Route
from proxy.rules.slots import place_of

_BODY_PATH: Final = regex(r"\bbody((?:\.[A-Za-z_]\w*)+)")


def columns_of(routes: Iterable[Route]) -> list[str]:
    """Return the dotted body paths of *routes*: whom a record concerns, what makes it this fact, its content; each once."""
    paths = (path for route in routes for path in _paths(route))
    return list(dict.fromkeys(paths))


def _paths(route: Route) -> list[str]:
    places = [place_of(slot).removeprefix("body.").removesuffix("[]") for slot in route.slots if slot.startswith("body.")]
    slots = [place for place in places if "[]" not in place]  # what lies within the items of a list is no column
    key = [] if route.natural_key is None else [path[1:] for path in _BODY_PATH.findall(route.natural_key.text)]
    return [*slots, *key, *(route.content or ())]


def cell(body: object, path: str) -> str:
    """Return what stands at *path*, as text; empty where nothing does. A list or object is what stands in it with blanks between."""
    here = body
    for name in path.split("."):
        here = here.get(name) if isinstance(here, Mapping) else None
    return _text(here)


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case list():
            return " ".join(map(_text, value))
        case dict():
            return " ".join(map(_text, value.values()))
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)

"""
The places where a request carries ids of persons, as the route declares them: read, and rewritten by splicing.

A target is raw path and query. Its path may begin with the prefix of `upstream.url`: a template's segments are counted from the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from re import Pattern, escape
from re import compile as regex
from typing import Final
from urllib.parse import quote, unquote, unquote_plus

from proxy.profiles.model import Route
from proxy.rules.splice import Path, Scalar, scalars_at, spliced, written_like

_STEP: Final = regex(r"\.([^.\[\]]+)|\[\]")

_AFTER: Final = " after "

_Piece = tuple[int, int, str, str]
"""Start and end in the target, the text that stands there, decoded, and what precedes the id in it, empty where the text is the id."""


def slots_in(route: Route, target: str, body: bytes) -> frozenset[str]:
    """Return what stands in the slots of a request, each as `text()` in a profile gives it."""
    there = [(text, after) for _, _, text, after in _in_target(route, target)]
    there += [(scalar.text, after) for scalar, after in _in_body(route, body)]
    return frozenset(id_ for text, after in there for id_ in _ids(text, after)) - {""}


def translated(route: Route, target: str, body: bytes, real_ids: Mapping[str, str]) -> tuple[str, bytes]:
    """
    Return target and body with real ids in the place of provisional ones.

    Args:
        route: Whose slots are rewritten; all else stays as it is, byte for byte.
        target: Raw path and query.
        body: As it came; where it is not JSON, it stays.
        real_ids: Real id by provisional id.
    """
    if not real_ids:
        return target, body
    in_target = [
        (start, end, quote(new, safe="/" if after else ""))
        for start, end, text, after in _in_target(route, target)
        if (new := _with_real(text, after, real_ids)) != text
    ]
    in_body = {
        scalar.start: (scalar.start, scalar.end, written_like(scalar, new))
        for scalar, after in _in_body(route, body)
        if (new := _with_real(scalar.text, after, real_ids)) != scalar.text
    }
    return spliced(target, in_target), spliced(body, (in_body[start] for start in sorted(in_body)))


def place_of(slot: str) -> str:
    """Return the place in a request that *slot* looks at: `body.subject` of `body.subject after Person/`."""
    return slot.partition(_AFTER)[0]


def _ids(text: str, after: str) -> list[str]:
    return [match[2] for match in _id_after(after).finditer(text)] if after else [text]


def _with_real(text: str, after: str, real_ids: Mapping[str, str]) -> str:
    if not after:
        return real_ids.get(text, text)
    return _id_after(after).sub(lambda match: match[1] + real_ids.get(match[2], match[2]), text)


@lru_cache(maxsize=64)
def _id_after(after: str) -> Pattern[str]:
    return regex(rf"(?<![A-Za-z0-9])({escape(after)})([A-Za-z0-9.-]+)")


def _slots(route: Route, kind: str) -> Iterator[tuple[str, str]]:
    """Yield the slots of one *kind* (`body`, `query.`, `path.`): the place without it, and what precedes the id there."""
    for slot in route.slots:
        place, _, after = slot.partition(_AFTER)
        if place.startswith(kind):
            yield place.removeprefix(kind), after


def _in_body(route: Route, body: bytes) -> Iterator[tuple[Scalar, str]]:
    paths: dict[str, set[Path]] = {}
    for place, after in _slots(route, "body"):
        paths.setdefault(after, set()).add(tuple(step[1] for step in _STEP.finditer(place)))
    for after, there in paths.items():
        yield from ((scalar, after) for scalar in scalars_at(there, body))


def _in_target(route: Route, target: str) -> Iterator[_Piece]:
    path, _, query = target.partition("?")
    yield from _in_path(route, path)
    yield from _in_query(tuple(_slots(route, "query.")), query, len(path) + 1)


def _in_path(route: Route, path: str) -> Iterator[_Piece]:
    names, template, segments = frozenset(_slots(route, "path.")), route.path.split("/"), path.split("/")
    before = len(segments) - len(template)
    at = 0
    for index, segment in enumerate(segments):
        if index >= before and (template[index - before][1:-1], "") in names:
            yield at, at + len(segment), unquote(segment).strip(), ""
        at += len(segment) + 1


def _in_query(slots: tuple[tuple[str, str], ...], query: str, at: int) -> Iterator[_Piece]:
    for part in query.split("&"):
        name, equals, value = part.partition("=")
        for place, after in slots:
            if equals and unquote_plus(name) == place:
                yield at + len(name) + 1, at + len(part), unquote_plus(value).strip(), after
        at += len(part) + 1

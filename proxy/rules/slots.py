"""
The places where a request carries ids of persons, as the route declares them: read, and rewritten by splicing.

A target is raw path and query. Its path may begin with the prefix of `upstream.url`: a template's segments are counted from the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from re import compile as regex
from typing import Final
from urllib.parse import quote, unquote, unquote_plus

from proxy.profiles.model import Route
from proxy.rules.splice import Path, scalars_at, spliced, written_like

_STEP: Final = regex(r"\.([^.\[\]]+)|\[\]")

_Piece = tuple[int, int, str]
"""Start and end in the target, and the text that stands there, decoded."""


def slots_in(route: Route, target: str, body: bytes) -> frozenset[str]:
    """Return what stands in the slots of a request, each as `text()` in a profile gives it."""
    values = {text for _, _, text in _in_target(route, target)} | {scalar.text for scalar in scalars_at(_paths(route), body)}
    return frozenset(values - {""})


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
    in_target = [(start, end, quote(real_ids[text], safe="")) for start, end, text in _in_target(route, target) if text in real_ids]
    in_body = [
        (scalar.start, scalar.end, written_like(scalar, real_ids[scalar.text]))
        for scalar in scalars_at(_paths(route), body)
        if scalar.text in real_ids
    ]
    return spliced(target, in_target), spliced(body, in_body)


def _paths(route: Route) -> frozenset[Path]:
    slots = (slot.removeprefix("body") for slot in route.slots if slot.startswith("body"))
    return frozenset(tuple(step[1] for step in _STEP.finditer(slot)) for slot in slots)


def _names(route: Route, kind: str) -> frozenset[str]:
    return frozenset(slot.removeprefix(kind) for slot in route.slots if slot.startswith(kind))


def _in_target(route: Route, target: str) -> Iterator[_Piece]:
    path, _, query = target.partition("?")
    yield from _in_path(route, path)
    yield from _in_query(_names(route, "query."), query, len(path) + 1)


def _in_path(route: Route, path: str) -> Iterator[_Piece]:
    names, template, segments = _names(route, "path."), route.path.split("/"), path.split("/")
    before = len(segments) - len(template)
    at = 0
    for index, segment in enumerate(segments):
        if index >= before and template[index - before][1:-1] in names:
            yield at, at + len(segment), unquote(segment).strip()
        at += len(segment) + 1


def _in_query(names: frozenset[str], query: str, at: int) -> Iterator[_Piece]:
    for part in query.split("&"):
        name, equals, value = part.partition("=")
        if equals and unquote_plus(name) in names:
            yield at + len(name) + 1, at + len(part), unquote_plus(value).strip()
        at += len(part) + 1

"""Which route of the profile a request is on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from proxy.profiles.model import Policy, Route
from proxy.profiles.paths import REST, is_parameter, is_template

KNOWN_MAX: Final = 256
"""Paths whose route is known; a desk's software asks by few, with what changes behind the `?`."""


@dataclass(frozen=True, slots=True)
class Match:
    """A route and the values of its path parameters, percent-decoded."""

    route: Route
    params: Mapping[str, str]


class RouteTable:
    """
    The routes of a profile, ready to be asked. Paths are raw, without the prefix of `upstream.url`.

    Segments are compared decoded: to the upstream `%76accinate` is `vaccinate`, and a dose must not slip past the journal by it
    (RFC 3986 §6.2.2.2). An encoded slash stays within its segment. One slash at the end, which no route has, is overlooked, as many
    servers do.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self._exact: dict[tuple[str, tuple[str, ...]], Route] = {}
        self._templates: dict[str, list[tuple[list[str], Route]]] = {}
        for route in routes:
            if is_template(route.path):
                self._templates.setdefault(route.method, []).append((route.path.split("/"), route))
            else:
                self._exact[route.method, _segments(route.path)] = route
        self._known = lru_cache(KNOWN_MAX)(self._match)

    def match(self, method: str, path: str) -> Match | None:
        """Return the route of *method* and *path*, or None; HEAD is looked for among the GET routes too."""
        return self._known(method, path)

    def _match(self, method: str, path: str) -> Match | None:
        return self._found(method, path) or (self._found(method, path[:-1]) if path.endswith("/") else None)

    def _found(self, method: str, path: str) -> Match | None:
        segments = _segments(path)
        if (route := self._exact.get((method, segments))) is not None:
            return Match(route, {})
        for template, route in self._templates.get(method, ()):
            if (params := _fit(template, segments)) is not None:
                return Match(route, params)
        if method == "HEAD" and (found := self._found("GET", path)) is not None and found.route.policy is not Policy.RECORD:
            return found
        return None


def _segments(path: str) -> tuple[str, ...]:
    segments = path.split("/")
    return tuple(map(unquote, segments) if "%" in path else segments)


def _fit(template: Sequence[str], segments: Sequence[str]) -> dict[str, str] | None:
    params: dict[str, str] = {}
    for index, part in enumerate(template):
        if part == REST:
            return params
        if index >= len(segments):
            return None
        if is_parameter(part):
            params[part[1:-1]] = segments[index]
        elif unquote(part) != segments[index]:
            return None
    return params if len(segments) == len(template) else None


def without_prefix(path: str, prefix: str) -> str | None:
    """Return raw *path* without the path prefix of `upstream.url`, or None when it lies outside it."""
    if not prefix:
        return path
    if path == prefix or path.startswith(prefix + "/"):
        return path[len(prefix) :] or "/"
    return None

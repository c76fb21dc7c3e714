"""
What holds between the parts of a profile: groups exist, names and paths are unambiguous, look-ups ask what can be asked.

Asked of the plain values, whatever state they are in, so that these mistakes are reported together with the model's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from proxy.document.problems import Finding, meant
from proxy.profiles.paths import covers, is_template, overlap

_Route = Mapping[str, object]


def between_parts(profile: object) -> Iterator[Finding]:
    """Yield the mistakes that no part of *profile* shows by itself."""
    if not isinstance(profile, dict):
        return
    written = profile.get("routes")
    routes: list[_Route] = [route if isinstance(route, dict) else {} for route in written] if isinstance(written, list) else []
    groups = profile.get("groups")
    yield from _unknown_groups(routes, groups if isinstance(groups, dict) else {})
    yield from _repeated_names(routes)
    yield from _unclear_paths(routes)
    yield from _look_ups_of_writes(routes)
    yield from _unknown_vouchers(routes, profile.get("credentials"))
    yield from _unknown_overlays(routes, profile.get("overlays"))
    yield from _unread_warm_up(routes, profile.get("warm_up"))
    if profile.get("provisional") is None:
        yield from _ids_without_form(routes)


def _unknown_groups(routes: Sequence[_Route], groups: Mapping[str, object]) -> Iterator[Finding]:
    for index, route in enumerate(routes):
        group = route.get("group")
        if isinstance(group, str) and groups and group not in groups:
            yield ("routes", index, "group"), f'there is no group "{group}"; {meant(group, groups)}'


def _repeated_names(routes: Sequence[_Route]) -> Iterator[Finding]:
    first: dict[object, int] = {}
    for index, route in enumerate(routes):
        name = route.get("name")
        if isinstance(name, str) and first.setdefault(name, index) != index:
            yield ("routes", index, "name"), f'"{name}" is the name of routes[{first[name]}] already'


def _unclear_paths(routes: Sequence[_Route]) -> Iterator[Finding]:
    for (earlier, one), (later, other) in combinations(enumerate(routes), 2):
        paths = one.get("path"), other.get("path")
        if one.get("method") == other.get("method") and (problem := _clash(*paths)):
            yield ("routes", later, "path"), f"{problem} routes[{earlier}] ({one.get('name')})"


def _look_ups_of_writes(routes: Sequence[_Route]) -> Iterator[Finding]:
    for index, route in enumerate(routes):
        look_up = route.get("look_up")
        path = look_up.get("path") if isinstance(look_up, dict) else None
        methods = [other.get("method") for other in routes if other.get("path") == path]
        if isinstance(path, str) and methods and "GET" not in methods:
            yield ("routes", index, "look_up", "path"), "is asked with GET, and the routes of that path are for other methods"


def _unknown_vouchers(routes: Sequence[_Route], credentials: object) -> Iterator[Finding]:
    named = credentials.get("vouched_by") if isinstance(credentials, dict) else None
    names = [str(route.get("name")) for route in routes]
    for index, name in enumerate(named if isinstance(named, list) else ()):
        if isinstance(name, str) and name not in names:
            yield ("credentials", "vouched_by", index), f'there is no route "{name}"; {meant(name, names)}'


def _unknown_overlays(routes: Sequence[_Route], overlays: object) -> Iterator[Finding]:
    known = overlays if isinstance(overlays, dict) else {}
    records = {str(route.get("name")): route for route in routes if route.get("policy") == "record"}
    for index, route in enumerate(routes):
        name = route.get("overlay")
        if isinstance(name, str) and name not in known:
            yield ("routes", index, "overlay"), f'there is no overlay "{name}"; {meant(name, known)}'
    for name, overlay in known.items():
        changes = overlay.get("changes") if isinstance(overlay, dict) else None
        for index, change in enumerate(changes if isinstance(changes, list) else ()):
            record = change.get("record") if isinstance(change, dict) else None
            if isinstance(record, str) and record not in records:
                yield ("overlays", name, "changes", index, "record"), f'there is no record route "{record}"; {meant(record, records)}'


def _unread_warm_up(routes: Sequence[_Route], warm_up: object) -> Iterator[Finding]:
    """Yield what would be asked for in quiet times and could not be remembered: a log-in is on no read route."""
    wanted = warm_up if isinstance(warm_up, dict) else {}
    reads = [route for route in routes if route.get("policy") == "read"]
    names = [str(route.get("name")) for route in reads]
    for index, name in enumerate(_listed(wanted, "refresh")):
        if isinstance(name, str) and name not in names:
            yield ("warm_up", "refresh", index), f'there is no read route "{name}"; {meant(name, names)}'
    lists = [each.get("path") if isinstance(each, dict) else None for each in _listed(wanted, "expected")]
    for key, targets in (("masters", _listed(wanted, "masters")), ("expected", lists)):
        for index, target in enumerate(targets):
            path = target.partition("?")[0] if isinstance(target, str) else None
            if path is not None and not any(isinstance(wide := route.get("path"), str) and covers(wide, path) for route in reads):
                yield ("warm_up", key, index), f'"{path}" is on no read route: its answer would not be remembered'


def _listed(part: Mapping[str, object], key: str) -> Sequence[object]:
    found = part.get(key)
    return found if isinstance(found, list) else ()


def _ids_without_form(routes: Sequence[_Route]) -> Iterator[Finding]:
    for index, route in enumerate(routes):
        if route.get("issues") is not None:
            yield ("routes", index, "issues"), "needs the form of provisional ids: give `provisional` in the profile"


def _clash(earlier: object, later: object) -> str | None:
    """Return what is wrong with *later* coming after *earlier*; a wider template after a narrower one is as it should be."""
    if not isinstance(earlier, str) or not isinstance(later, str):
        return None
    if earlier == later:
        return "is the method and path of"
    if not (is_template(earlier) and is_template(later) and overlap(earlier, later)):
        return None
    if covers(earlier, later):
        return "is never reached: every path that fits it fits the earlier"
    return None if covers(later, earlier) else "is not clear: some paths fit both it and"

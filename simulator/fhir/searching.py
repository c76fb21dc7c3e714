"""Search: the few parameters that a centre's software uses; one that is not known is refused, so that a mistyped one shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from simulator.fhir.meaning import patient_of
from simulator.fhir.outcomes import Resource, invalid
from simulator.fhir.shelf import Shelf

_RESULT: Final = frozenset({"_count", "_format", "_offset", "_sort", "_total", "_summary"})
"""Parameters that say how, not what."""


def matches(shelf: Shelf, kind: str, query: Mapping[str, str], at: int) -> Iterator[Resource]:
    """Yield the resources of *kind* that fit *query*."""
    tests = {name: _TESTS[name] if name in _TESTS else _unknown(name) for name in query if name not in _RESULT}
    for resource in shelf.all_of(kind, at):
        if all(test(resource, query[name]) for name, test in tests.items()):
            yield resource


def searchset(base: str, kind: str, found: list[Resource], query: Mapping[str, str]) -> Resource:
    """Return what was found as a Bundle, `_count` of it where *query* says so; `link` says where it goes on."""
    start, count = int(query.get("_offset", 0)), int(query.get("_count", len(found)))
    entries = [{"fullUrl": f"{base}/{kind}/{one['id']}", "resource": one, "search": {"mode": "match"}} for one in found[start:][:count]]
    following = f"{base}/{kind}?{urlencode({**query, '_offset': start + count})}"
    link = [{"relation": "next", "url": following}] if start + count < len(found) else []
    whole = {"resourceType": "Bundle", "type": "searchset", "total": len(found), "link": link, "entry": entries}
    return {name: value for name, value in whole.items() if value != []}


def _unknown(name: str) -> Callable[[Resource, str], bool]:
    raise invalid(f"there is no search parameter {name}")


def _identifier(resource: Resource, wanted: str) -> bool:
    system, bar, value = wanted.rpartition("|")
    return any(
        one.get("value") == value and (not bar or one.get("system", "") == system) for one in resource.get("identifier", []) if value
    )


def _patient(resource: Resource, wanted: str) -> bool:
    return patient_of(resource) == wanted.rpartition("/")[2]


def _actor(resource: Resource, wanted: str) -> bool:
    return any(one.get("actor", {}).get("reference") == wanted for one in resource.get("participant", []))


def _date(resource: Resource, wanted: str) -> bool:
    there = str(resource.get("start" if resource["resourceType"] == "Appointment" else "occurrenceDateTime"))
    try:
        return there.startswith(wanted) or datetime.fromisoformat(there) == datetime.fromisoformat(wanted)
    except ValueError:
        return False


def _family(resource: Resource, wanted: str) -> bool:
    return any(name.get("family", "").casefold().startswith(wanted.casefold()) for name in resource.get("name", []))


_TESTS: Final[Mapping[str, Callable[[Resource, str], bool]]] = {
    "_id": lambda resource, wanted: resource["id"] == wanted,
    "identifier": _identifier,
    "patient": _patient,
    "actor": _actor,
    "date": _date,
    "birthdate": lambda resource, wanted: resource.get("birthDate") == wanted,
    "family": _family,
}

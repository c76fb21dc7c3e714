"""Bundles: a transaction takes effect as a whole or not at all, a batch entry by entry."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

from simulator.exchange import Effect
from simulator.fhir.outcomes import Refused, Resource, invalid
from simulator.fhir.shelf import Shelf
from simulator.fhir.writing import Written, create, update


def run(shelf: Shelf, bundle: Resource, at: int) -> tuple[Resource, tuple[Effect, ...]]:
    """Do what *bundle* asks; return the response, and what was brought about."""
    kind, entries = bundle.get("type"), bundle.get("entry")
    if kind not in ("transaction", "batch") or not isinstance(entries, list):
        raise invalid("a Bundle of type transaction or batch, with entries, is taken here")
    if kind == "batch":
        return _answered("batch-response", [_alone(shelf, entry, at) for entry in entries])
    before = shelf.kept()
    try:
        return _answered("transaction-response", _together(shelf, entries, at))
    except Refused:
        shelf.restore(before)
        raise


def _together(shelf: Shelf, entries: list[Any], at: int) -> list[Written]:
    """Do all entries: those that others refer to first, then the others with the references put right."""
    written: dict[int, Written] = {}
    real: dict[str, str] = {}
    for index in sorted(range(len(entries)), key=lambda index: _type(entries[index]) != "Patient"):
        entry = _resolved(entries[index], real)
        one = written[index] = _write(shelf, entry, at)
        if (full := entry.get("fullUrl", "")).startswith("urn:uuid:"):
            real[str(UUID(full.removeprefix("urn:uuid:")))] = f"{_type(entry)}/{one.resource['id']}"
    return [written[index] for index in range(len(entries))]


def _alone(shelf: Shelf, entry: Any, at: int) -> Written | Refused:  # noqa: ANN401 - any JSON
    try:
        return _write(shelf, entry, at)
    except Refused as refused:
        return refused


def _write(shelf: Shelf, entry: Any, at: int) -> Written:  # noqa: ANN401 - any JSON
    request = entry.get("request") or {}
    method, url = request.get("method"), str(request.get("url", "")).strip("/")
    kind, _, id_ = url.partition("/")
    if method == "POST" and not id_:
        return create(shelf, kind, entry.get("resource") or {}, request.get("ifNoneExist"), at)
    if method == "PUT" and id_:
        return update(shelf, kind, id_, entry.get("resource") or {}, request.get("ifMatch"), at)
    raise invalid(f"{method} {url} cannot stand in a bundle here")


def _type(entry: Any) -> str:  # noqa: ANN401 - any JSON
    return str((entry.get("resource") or {}).get("resourceType"))


def _resolved(value: Any, real: dict[str, str]) -> Any:  # noqa: ANN401 - any JSON
    """Return *value* with the references of the bundle's own in real ones."""
    match value:
        case dict():
            return {name: member if name == "fullUrl" else _resolved(member, real) for name, member in value.items()}
        case list():
            return [_resolved(item, real) for item in value]
        case str() if value.startswith("urn:uuid:"):
            return real.get(value.removeprefix("urn:uuid:").lower(), value)
        case _:
            return value


def _answered(kind: str, written: list[Written | Refused] | list[Written]) -> tuple[Resource, tuple[Effect, ...]]:
    entries = [_entry(one) for one in written]
    effects = tuple(effect for one in written if isinstance(one, Written) for effect in one.effects)
    return {"resourceType": "Bundle", "type": kind, "entry": entries}, effects


def _entry(one: Written | Refused) -> Resource:
    if isinstance(one, Refused):
        return {"response": {"status": f"{one.status} {one.status.phrase}"}}
    status, version = HTTPStatus(one.status), one.resource["meta"]["versionId"]
    place = f"{one.resource['resourceType']}/{one.resource['id']}/_history/{version}"
    return {"resource": one.resource, "response": {"status": f"{status} {status.phrase}", "location": place, "etag": f'W/"{version}"'}}

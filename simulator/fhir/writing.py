"""Create and update, as one request or as an entry of a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl

from simulator.exchange import Effect
from simulator.fhir.meaning import check, corrected, created
from simulator.fhir.outcomes import Refused, Resource, invalid
from simulator.fhir.searching import matches
from simulator.fhir.shelf import ID, Shelf


@dataclass(frozen=True, slots=True)
class Written:
    """What a write came to: 201 made, 200 there already or changed."""

    status: HTTPStatus
    resource: Resource
    effects: tuple[Effect, ...] = ()


def create(shelf: Shelf, kind: str, resource: Resource, none_exist: str | None, at: int) -> Written:
    """Store a new resource, unless *none_exist*, the query of a conditional create, finds one; of several it is refused."""
    check(shelf, kind, resource)
    if none_exist:
        query = dict(parse_qsl(none_exist.removeprefix("?"), keep_blank_values=True))
        found = list(matches(shelf, kind, query, at))
        if len(found) > 1:
            raise Refused(HTTPStatus.PRECONDITION_FAILED, "multiple-matches", f"{len(found)} resources fit If-None-Exist")
        if found:
            return Written(HTTPStatus.OK, found[0])
    stored = shelf.put(kind, shelf.new_id(kind), resource, at)
    return Written(HTTPStatus.CREATED, stored, created(kind, stored))


def update(shelf: Shelf, kind: str, id_: str, resource: Resource, if_match: str | None, at: int) -> Written:
    """Store a version of a resource; what changes nothing makes none, and a client may make up an id that is not a number."""
    check(shelf, kind, resource)
    if resource.get("id") != id_:
        raise invalid("the resource's id is not the one in the URL")
    if not shelf.has(kind, id_):
        if id_.isdigit() or not ID.fullmatch(id_):
            raise invalid(f"{kind}/{id_}: a client's own id must not be a number")
        stored = shelf.put(kind, id_, resource, at)
        return Written(HTTPStatus.CREATED, stored, created(kind, stored))
    before = shelf.current(kind, id_)
    if if_match is not None and if_match != f'W/"{before["meta"]["versionId"]}"':
        raise Refused(HTTPStatus.PRECONDITION_FAILED, "conflict", "the resource has another version")
    if _content(before) == _content(resource):
        return Written(HTTPStatus.OK, before)
    stored = shelf.put(kind, id_, resource, at)
    return Written(HTTPStatus.OK, stored, corrected(kind, stored))


def _content(resource: Resource) -> Resource:
    """Return *resource* without what the server itself says of it."""
    meta = {name: member for name, member in (resource.get("meta") or {}).items() if name not in ("versionId", "lastUpdated")}
    return {name: member for name, member in resource.items() if name != "meta"} | ({"meta": meta} if meta else {})

"""The way from a FHIR request to its answer."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import orjson

from simulator.exchange import Call, Reply
from simulator.fhir import bundles
from simulator.fhir.capability import STATEMENT
from simulator.fhir.outcomes import Refused, Resource, invalid, not_found, reply, version_fields
from simulator.fhir.searching import matches, searchset
from simulator.fhir.shelf import Shelf
from simulator.fhir.writing import Written, create, update

BASE: Final = "/fhir"

UNAUTHENTICATED: Final = Refused(HTTPStatus.UNAUTHORIZED, "login", "a credential is missing, or is not accepted")


class Fhir:
    """The API over its shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    def answer(self, call: Call) -> Reply:
        """Do what *call* asks, at once and entirely, and return the answer."""
        try:
            return self._answer(call)
        except Refused as refused:
            return refused.reply()

    def unauthenticated(self) -> Reply:
        """Return the answer to a credential that is not accepted."""
        return UNAUTHENTICATED.reply()

    def _answer(self, call: Call) -> Reply:
        if not call.path.startswith(BASE):
            raise not_found("this path")
        where = tuple(part for part in call.path.removeprefix(BASE).split("/") if part)
        method = "GET" if call.method == "HEAD" else call.method
        if (method, where) == ("GET", ("metadata",)):
            return reply(HTTPStatus.OK, STATEMENT)
        if not self._accepts(call):
            raise UNAUTHENTICATED
        match method, where:
            case "POST", ():
                response, effects = bundles.run(self.shelf, _resource(call), call.at)
                return reply(HTTPStatus.OK, response, *effects)
            case "POST", (kind,):
                return _written(call, create(self.shelf, kind, _resource(call), call.fields.get("if-none-exist"), call.at))
            case "PUT", (kind, id_):
                return _written(call, update(self.shelf, kind, id_, _resource(call), call.fields.get("if-match"), call.at))
            case "GET", (kind, *rest):
                return self._read(call, kind, *rest)
            case _:
                raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "not-supported", "this interaction is not supported")

    def _read(self, call: Call, kind: str, *rest: str) -> Reply:
        match rest:
            case ():
                return reply(HTTPStatus.OK, searchset(_base(call), kind, list(matches(self.shelf, kind, call.query, call.at)), call.query))
            case (id_,):
                current = self.shelf.current(kind, id_)
                return reply(HTTPStatus.OK, current, fields=version_fields(current))
            case (id_, "_history", version) if version.isdigit() and self.shelf.has(kind, id_):
                versions = self.shelf.versions[kind, id_]
                if 1 <= int(version) <= len(versions):
                    return reply(HTTPStatus.OK, versions[int(version) - 1], fields=version_fields(versions[int(version) - 1]))
        raise not_found("/".join((kind, *rest)))

    def _accepts(self, call: Call) -> bool:
        bearer = call.fields.get("authorization", "").removeprefix("Bearer ")
        return bool({bearer, call.fields.get("x-api-key", "")} & self.shelf.keys)


def _resource(call: Call) -> Resource:
    try:
        resource: Any = orjson.loads(call.body)
    except orjson.JSONDecodeError:
        raise invalid("the body is not JSON") from None
    if not isinstance(resource, dict):
        raise invalid("the body is no resource")
    return resource


def _written(call: Call, written: Written) -> Reply:
    stored = written.resource
    place = f"{_base(call)}/{stored['resourceType']}/{stored['id']}/_history/{stored['meta']['versionId']}"
    minimal = "return=minimal" in call.fields.get("prefer", "")
    return reply(written.status, stored, *written.effects, fields=(("Location", place), *version_fields(stored)), body=not minimal)


def _base(call: Call) -> str:
    return f"http://{call.fields.get('host', 'localhost')}{BASE}"

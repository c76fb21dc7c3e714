"""Answers in FHIR's shape: resources with their version, and refusals as an OperationOutcome."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import orjson

from simulator.exchange import Effect, Reply

Resource = dict[str, Any]
"""A resource, as parsed JSON."""

MEDIA_TYPE: Final = "application/fhir+json; charset=utf-8"


@dataclass(slots=True)
class Refused(Exception):
    """The server's own no: an issue type of FHIR, and what was wrong."""

    status: HTTPStatus
    code: str
    diagnostics: str

    def reply(self) -> Reply:
        """Return it as an answer."""
        issue = {"severity": "error", "code": self.code, "diagnostics": self.diagnostics}
        fields = (("WWW-Authenticate", "Bearer"),) if self.status is HTTPStatus.UNAUTHORIZED else ()
        return Reply(self.status, MEDIA_TYPE, orjson.dumps({"resourceType": "OperationOutcome", "issue": [issue]}), fields)


def not_found(what: str) -> Refused:
    """Return the refusal of what is not there."""
    return Refused(HTTPStatus.NOT_FOUND, "not-found", f"{what} is not known")


def invalid(diagnostics: str) -> Refused:
    """Return the refusal of what is no resource."""
    return Refused(HTTPStatus.BAD_REQUEST, "invalid", diagnostics)


def unprocessable(diagnostics: str) -> Refused:
    """Return the refusal of what breaks a rule of the server's."""
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "business-rule", diagnostics)


def reply(status: int, resource: Resource, *effects: Effect, fields: tuple[tuple[str, str], ...] = (), body: bool = True) -> Reply:
    """Return *resource* as an answer; without *body*, its fields only (`Prefer: return=minimal`)."""
    content = orjson.dumps(resource) if body else b""
    return Reply(status, MEDIA_TYPE if body else None, content, fields, effects)


def version_fields(resource: Resource) -> tuple[tuple[str, str], ...]:
    """Return the fields that name the version of *resource*."""
    return (("ETag", f'W/"{resource["meta"]["versionId"]}"'),)

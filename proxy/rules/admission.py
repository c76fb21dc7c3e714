"""Whether a request on a record route can be kept, and under which lane: what is asked before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from proxy.rules.routes import Match
from proxy.rules.wire import Fields

LANES_MAX: Final = 64
"""Persons in one record; a request that names more is refused rather than tied to half of the district."""


@dataclass(frozen=True, slots=True)
class Admissible:
    """A request that can be kept: the persons it concerns, and the view that the profile's expressions see."""

    lanes: tuple[str, ...]
    view: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Inadmissible:
    """A request that cannot be kept, as the problem to tell the desk (`proxy.rules.problems`)."""

    code: str
    detail: str


Admission = Admissible | Inadmissible


def admit(match: Match, method: str, query: str, fields: Fields, body: bytes) -> Admission:
    """
    Decide whether a request can be kept.

    Args:
        match: The route it is on; a record route.
        method: As it came.
        query: Raw query string, without the question mark.
        fields: Header fields without credentials.
        body: The whole body.
    """
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return Inadmissible("body-not-json", f"The body is not JSON (line {error.lineno}, column {error.colno}).")
    view = request_view(match.params, method, query, fields, parsed)
    assert match.route.lane is not None  # the profile's checks hold this for record routes
    lanes = _texts(match.route.lane.search(view))
    if not lanes:
        return Inadmissible("person-missing", f"The request does not say whom it concerns: {match.route.lane} gives nothing.")
    if len(lanes) > LANES_MAX:
        return Inadmissible("too-many-persons", f"The request concerns {len(lanes)} persons; at most {LANES_MAX} are kept in one record.")
    return Admissible(lanes, view)


def request_view(params: dict[str, str], method: str, query: str, fields: Fields, body: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return what expressions over a request see: `method`, `path`, `query`, `headers` (lower-case names), `body`."""
    return {
        "method": method,
        "path": params,
        "query": dict(parse_qsl(query, keep_blank_values=True)),
        "headers": {name.lower().decode("latin-1"): value.decode("latin-1") for name, value in fields},
        "body": body,
    }


def _texts(found: Any) -> tuple[str, ...]:  # noqa: ANN401 - whatever the expression gave
    items = found if isinstance(found, list) else [found]
    if not all(isinstance(item, str | int) and not isinstance(item, bool) and str(item).strip() for item in items):
        return ()
    return tuple(dict.fromkeys(str(item) for item in items))

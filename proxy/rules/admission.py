"""Whether a request on a record route can be kept, and under which lane: what is asked before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from proxy.profiles.model import Route
from proxy.rules.facts import Facts, facts_of
from proxy.rules.routes import Match
from proxy.rules.slots import translated
from proxy.rules.wire import Fields
from proxy.texts import Text

LANES_MAX: Final = 64
"""Persons in one record; a request that names more is refused rather than tied to half of the district."""

VALUES_MAX: Final = 20_000
"""Values in a body; a megabyte has room for 500,000, and expressions would walk over them for seconds. A large FHIR bundle has 5,000."""


@dataclass(frozen=True, slots=True)
class Admissible:
    """A request that can be kept: what it says, and the view that the receipt's expressions see: the client's own words."""

    facts: Facts
    view: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Inadmissible:
    """A request that cannot be kept, as the problem to tell the desk (`proxy.rules.problems`)."""

    code: str
    detail: Text


Admission = Admissible | Inadmissible


def admit(match: Match, method: str, target: str, fields: Fields, body: bytes, real_ids: Mapping[str, str]) -> Admission:
    """
    Decide whether a request can be kept.

    Args:
        match: The route it is on; a record route.
        method: As it came.
        target: Raw path and query.
        fields: Header fields without credentials.
        body: The whole body.
        real_ids: Real id by provisional id: what it says is told by the real ones.
    """
    if body.count(b",") > VALUES_MAX:
        return Inadmissible("body-too-large", Text("A record has at most {most} values.", {"most": VALUES_MAX}))
    try:
        view = request_view(match.params, method, target.partition("?")[2], fields, orjson.loads(body))
        real = _by_real_ids(match, method, target, fields, body, real_ids) if real_ids else view
        facts = facts_of(match.route, real)
    except orjson.JSONDecodeError as error:
        return Inadmissible(
            "body-not-json", Text("The body is not JSON (line {line}, column {column}).", {"line": error.lineno, "column": error.colno})
        )
    except (orjson.JSONEncodeError, RecursionError):
        # orjson reads four times as deep as it writes, and what cannot be written cannot be compared.
        return Inadmissible("body-not-json", Text("What the body says of the fact is nested too deeply."))
    return _misfit(match.route, view, facts) or Admissible(facts, view)


def _misfit(route: Route, view: Mapping[str, Any], facts: Facts) -> Inadmissible | None:
    for refused in route.refuse_if:
        if refused.when.holds(view):
            return Inadmissible("not-taken", Text(refused.text))
    if not facts.lanes:
        return Inadmissible(
            "person-missing", Text("The request does not say whom it concerns: {lane} gives nothing.", {"lane": route.lane})
        )
    if len(facts.lanes) > LANES_MAX:
        return Inadmissible(
            "too-many-persons",
            Text("The request concerns {count} persons; at most {most} fit one record.", {"count": len(facts.lanes), "most": LANES_MAX}),
        )
    if facts.natural_key is None and route.natural_key is not None:
        return Inadmissible(
            "fact-missing", Text("The request does not say what is to be recorded: {key} lacks a part.", {"key": route.natural_key})
        )
    return None


def _by_real_ids(match: Match, method: str, target: str, fields: Fields, body: bytes, real_ids: Mapping[str, str]) -> dict[str, Any]:
    there, content = translated(match.route, target, body, real_ids)
    in_path = {name: real_ids.get(text.strip(), text) for name, text in match.params.items() if f"path.{name}" in match.route.slots}
    return request_view({**match.params, **in_path}, method, there.partition("?")[2], fields, orjson.loads(content))


def request_view(params: Mapping[str, str], method: str, query: str, fields: Fields, body: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return what expressions over a request see: `method`, `path`, `query`, `headers` (lower-case names), `body`."""
    return {
        "method": method,
        "path": params,
        "query": dict(parse_qsl(query, keep_blank_values=True)),
        "headers": {name.lower().decode("latin-1"): value.decode("latin-1") for name, value in fields},
        "body": body,
    }

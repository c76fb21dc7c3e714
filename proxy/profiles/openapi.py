"""An OpenAPI 3 or Swagger 2 description, read for what a profile has to know of it; what is odd in it is passed over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from re import ASCII, sub
from re import compile as regex
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

METHODS: Final = ("get", "head", "post", "put", "patch", "delete", "options")

_REFERENCES_MAX: Final = 20
"""References followed in a row: a description may refer to itself."""

_PARAMETER: Final = regex(r"[^/]*\{([^}/]*)\}[^/]*")


class NotOpenApi(ValueError):
    """The file is no such description; the text says why."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method and path. `body` and `answer` are the names of the members of the JSON bodies, as far as the description has them."""

    method: str
    path: str
    name: str
    words: str
    body: tuple[str, ...]
    required: frozenset[str]
    answer: tuple[str, ...]
    query: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Api:
    """What the description says of the whole; `base` is the path below which all of it lies."""

    title: str
    version: str
    base: str
    media_types: tuple[str, ...]
    credential_fields: tuple[str, ...]
    errors: tuple[str, ...]
    operations: tuple[Operation, ...]


def read(text: str) -> Api:
    """
    Return what *text*, YAML or JSON, describes.

    Raises:
        NotOpenApi: It is neither, or describes no paths.
    """
    document = _parsed(text)
    if not isinstance(document, dict) or not ({"openapi", "swagger"} & document.keys()) or not isinstance(document.get("paths"), dict):
        raise NotOpenApi("has no `openapi` or `swagger` and no `paths`: it is no OpenAPI description")
    return _Reader(document).api()


def _parsed(text: str) -> object:
    with suppress(orjson.JSONDecodeError):  # by itself: YAML reads JSON's pairs of surrogates as two characters
        return orjson.loads(text)
    try:
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise NotOpenApi(f"is neither YAML nor JSON: {getattr(error, 'problem', None) or type(error).__name__}") from None


class _Reader:
    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def api(self) -> Api:
        operations = tuple(self._operations())
        info = _mapping(self._document.get("info"))
        return Api(
            title=str(info.get("title") or "an API without a title"),
            version=str(info.get("version") or "of no version"),
            base=self._base(),
            media_types=tuple(dict.fromkeys(self._media_types())) or ("application/json",),
            credential_fields=tuple(dict.fromkeys(self._credentials())),
            errors=tuple(dict.fromkeys(self._errors())),
            operations=operations,
        )

    def _base(self) -> str:
        servers = self._document.get("servers")
        first = _mapping(servers[0] if isinstance(servers, list) and servers else None).get("url")
        return urlsplit(str(first or self._document.get("basePath") or "")).path.rstrip("/")

    def _described(self) -> Iterator[tuple[str, str, Mapping[str, Any], list[Any]]]:
        for path, item in self._document["paths"].items():
            shared = self._resolved(item)
            for method in METHODS:
                if method in shared:
                    operation = self._resolved(shared[method])
                    yield method, str(path), operation, [*_list(shared.get("parameters")), *_list(operation.get("parameters"))]

    def _operations(self) -> Iterator[Operation]:
        names: set[str] = set()
        for method, path, operation, parameters in self._described():
            known = [self._resolved(parameter) for parameter in parameters]
            schema = self._body(operation, known)
            yield Operation(
                method=method.upper(),
                path=template(path),
                name=_unique(_slug(str(operation.get("operationId") or f"{method}-{path}")), names),
                words=" ".join(str(operation.get(name) or "") for name in ("operationId", "summary", "tags")).lower() + " " + path.lower(),
                body=tuple(self._members(schema)),
                required=frozenset(map(str, _list(schema.get("required")))),
                answer=tuple(self._members(self._success(operation))),
                query=tuple(str(one.get("name")) for one in known if one.get("in") == "query"),
            )

    def _body(self, operation: Mapping[str, Any], parameters: list[Mapping[str, Any]]) -> Mapping[str, Any]:
        old = next((one.get("schema") for one in parameters if one.get("in") == "body"), None)
        return self._resolved(old) or self._schema(operation.get("requestBody"))

    def _success(self, operation: Mapping[str, Any]) -> Mapping[str, Any]:
        responses = _mapping(operation.get("responses"))
        return next((self._schema(responses[status]) for status in responses if str(status).startswith("2")), {})

    def _schema(self, part: object) -> Mapping[str, Any]:
        """Return the schema of a request body or response: that of its first media type."""
        resolved = self._resolved(part)
        contents = list(_mapping(resolved.get("content")).values())
        return self._resolved(_mapping(contents[0]).get("schema") if contents else resolved.get("schema"))

    def _members(self, schema: Mapping[str, Any]) -> list[str]:
        parts = (self._resolved(part) for part in _list(schema.get("allOf")))
        return [*(name for part in parts for name in self._members(part)), *map(str, _mapping(schema.get("properties")))]

    def _media_types(self) -> Iterator[str]:
        yield from map(str, _list(self._document.get("produces")))
        for _, _, operation, _ in self._described():
            for response in _mapping(operation.get("responses")).values():
                yield from map(str, _mapping(self._resolved(response).get("content")))

    def _credentials(self) -> Iterator[str]:
        components = _mapping(self._document.get("components"))
        schemes = _mapping(components.get("securitySchemes") or self._document.get("securityDefinitions"))
        for scheme in map(self._resolved, schemes.values()):
            if scheme.get("type") == "apiKey":
                yield str(scheme.get("name")).lower() if scheme.get("in") == "header" else "cookie"
            else:
                yield "authorization"

    def _errors(self) -> Iterator[str]:
        for _, _, operation, _ in self._described():
            for status, response in _mapping(operation.get("responses")).items():
                if str(status).startswith("4"):
                    yield from self._members(self._schema(response))

    def _resolved(self, part: object) -> Mapping[str, Any]:
        for _ in range(_REFERENCES_MAX):
            reference = _mapping(part).get("$ref")
            if not isinstance(reference, str):
                return _mapping(part)
            part = self._document if reference.startswith("#/") else None
            for step in reference.split("/")[1:]:
                part = _mapping(part).get(step.replace("~1", "/").replace("~0", "~"))
        return {}


def template(path: str) -> str:
    """Return *path* as a profile writes it: a parameter is a whole segment, and its name a word."""
    segments = (_PARAMETER.sub(lambda match: f"{{{_word(match[1])}}}", segment) for segment in path.split("/"))
    return "/" + "/".join(segments).lstrip("/")


def _word(name: str) -> str:
    word = sub(r"\W", "_", name, flags=ASCII) or "x"
    return f"x{word}" if word[0].isdigit() else word


def _slug(text: str) -> str:
    spaced = sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", text)
    return sub(r"[^a-z0-9]+", "-", spaced.lower()).strip("-") or "operation"


def _unique(name: str, taken: set[str]) -> str:
    candidates = (name if number == 1 else f"{name}-{number}" for number in count(1))
    free = next(candidate for candidate in candidates if candidate not in taken)
    taken.add(free)
    return free


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []

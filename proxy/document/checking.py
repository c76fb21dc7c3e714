"""A document held against a pydantic model; the model's complaints in plain words."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Final, TypeGuard, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from proxy.document.problems import DocumentError, Finding, KeyPath, Mistakes, meant
from proxy.document.reading import Document

M = TypeVar("M", bound=BaseModel)

_SHOWN_MAX: Final = 60

_WANTED: Final = {
    "string_type": "text",
    "path_type": "a path",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "model_type": "a mapping (key: value)",
    "dict_type": "a mapping (key: value)",
    "mapping_type": "a mapping (key: value)",
    "tuple_type": "a list",
}
_BOUNDS: Final = {"greater_than_equal": ("at least", "ge"), "less_than_equal": ("at most", "le"), "greater_than": ("more than", "gt")}
_PLAIN: Final = {"missing": "must be given", "string_too_short": "must not be empty"}


class Section(BaseModel):
    """Base of every model a document is held against: unchangeable, and no key but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def validated(document: Document, model: type[M], context: Mapping[str, object] | None = None, findings: Iterable[Finding] = ()) -> M:
    """
    Return *document* as a *model*.

    Args:
        document: What was written.
        model: What it has to be.
        context: Passed to the model's validators.
        findings: Mistakes that were found in the document otherwise.

    Raises:
        DocumentError: all of the mistakes together, the document's own too.
    """
    found = list(findings)
    result = None
    try:
        result = model.model_validate(document.value, context=dict(context or {}))
    except ValidationError as error:
        found += _explained(error, model, document.value)
    told = {problem.key for problem in document.problems}  # what could not be read cannot be right either: once is enough
    problems = [problem for path, words in found if (problem := document.problem(path, words)).key not in told]
    if result is None or problems or document.problems:
        raise DocumentError([*document.problems, *problems])
    return result


def _explained(error: ValidationError, model: type[BaseModel], value: object) -> Iterator[Finding]:
    for details in error.errors(include_url=False):
        path = tuple(step for step in details["loc"] if step != "[key]")  # pydantic's mark for a mapping's key
        cause = details.get("ctx", {}).get("error")
        if isinstance(cause, Mistakes):
            yield from ((path + inner, words) for inner, words in cause.findings)
        elif details["type"] == "extra_forbidden":
            parent = path[:-1]
            yield path, f"no such key; {meant(str(path[-1]), _keys_at(model, parent), taken=_value_at(value, parent))}"
        else:
            yield path, _words(details)


def _words(details: ErrorDetails) -> str:
    kind, given, context = details["type"], details["input"], details.get("ctx", {})
    if kind in _WANTED:
        return f"must be {_WANTED[kind]}, not {_shown(given)}"
    if kind in _BOUNDS:
        words, name = _BOUNDS[kind]
        return f"must be {words} {context[name]:g}, not {_shown(given)}"
    if kind in ("enum", "literal_error"):
        choices = re.findall(r"'([^']*)'", context["expected"])
        return f"must be one of {', '.join(choices)}, not {_shown(given)}"
    if kind == "value_error":
        return str(context["error"])
    return _PLAIN.get(kind, details["msg"])


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"


def _value_at(value: Any, path: KeyPath) -> Any:  # noqa: ANN401 - whatever was written there
    for step in path:
        value = value[step]
    return value


def _keys_at(model: type[BaseModel], path: KeyPath) -> tuple[str, ...]:
    """Return the keys that *model* has at *path*."""
    here: object = model
    for step in path:
        here = _bare(_inside(here, step))
    return tuple(here.model_fields) if _is_model(here) else ()


def _inside(annotation: object, step: str | int) -> object:
    if _is_model(annotation):
        return annotation.model_fields[str(step)].annotation
    arguments = get_args(annotation)
    return arguments[0] if get_origin(annotation) is tuple else arguments[-1]


def _bare(annotation: object) -> object:
    """Strip `Annotated` and `| None`."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return _bare(next(option for option in get_args(annotation) if option is not types.NoneType))
    return annotation


def _is_model(annotation: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)

"""Values from the environment: `DOSEKEEPER_SECTION__KEY`, one variable for each key of a model, and no other."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, get_args, get_origin

from pydantic import BaseModel

from proxy.document.problems import DocumentError, Place, Problem, meant
from proxy.document.reading import Document, parse_document

PREFIX: Final = "DOSEKEEPER_"
READ_ELSEWHERE: Final = frozenset({"DOSEKEEPER_CONFIG", "DOSEKEEPER_STORE_KEY"})
"""Variables that are no keys: the path of the configuration, the key of the journal."""


@dataclass(frozen=True, slots=True)
class _Key:
    path: tuple[str, ...]
    annotation: object

    @property
    def variable(self) -> str:
        return PREFIX + "__".join(self.path).upper()

    def value_of(self, text: str) -> object:
        """Read *text*: where null is allowed nothing and `null` are null, for a mapping or a list it is YAML, all else is text."""
        options = get_args(self.annotation)
        if types.NoneType in options and text in ("", "null"):
            return None
        wanted = (get_origin(self.annotation), *(options if types.NoneType in options else ()))
        if any(isinstance(option, type) and issubclass(option, Mapping | BaseModel | tuple) for option in wanted):
            return parse_document(self.variable, text).value
        return text


def overridden(document: Document, model: type[BaseModel], environ: Mapping[str, str]) -> Document:
    """Lay the variables of *environ* over *document*; what is wrong with the variables is among its problems."""
    keys = {key.variable: key for key in _keys(model, ())}
    value, places, problems = document.value, dict(document.places), list(document.problems)
    for name in sorted(name for name in environ if name.startswith(PREFIX) and name not in READ_ELSEWHERE):
        if name not in keys:
            problems.append(Problem(Place(name), "", f"no such setting; {meant(name, keys)}"))
            continue
        key = keys[name]
        try:
            value = _replaced(value, key.path, key.value_of(environ[name]))
        except DocumentError as error:
            problems.extend(Problem(Place(name), problem.key, problem.message) for problem in error.problems)
        places[key.path] = Place(name)
    return Document(value, places, tuple(problems))


def _keys(model: type[BaseModel], path: tuple[str, ...]) -> Iterator[_Key]:
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _keys(annotation, (*path, name))
        else:
            yield _Key((*path, name), annotation)


def _replaced(value: object, path: tuple[str, ...], new: object) -> object:
    """Return *value* with *new* at *path*; what is no mapping stays, to be reported when it meets the model."""
    if not path:
        return new
    members = {} if value is None else value
    if not isinstance(members, dict):
        return value
    return members | {path[0]: _replaced(members.get(path[0]), path[1:], new)}

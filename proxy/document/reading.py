"""
YAML text to plain values, with the line of each.

YAML 1.2, so `NO` and `12:04` are text; JSON is YAML. Aliases, merge keys and tags are refused: what a line says is on that line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from proxy.document.problems import DocumentError, KeyPath, Place, Problem, dotted

_TAG: Final = "tag:yaml.org,2002:"
_TEXT_TAGS: Final = frozenset({f"{_TAG}str", f"{_TAG}timestamp"})
_TAGS: Final = _TEXT_TAGS | {_TAG + name for name in ("int", "float", "bool", "null", "map", "seq")}


@dataclass(frozen=True, slots=True)
class Document:
    """What was written, as plain values; where each of them stands; and what was wrong with the writing."""

    value: Any
    places: Mapping[KeyPath, Place] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def problem(self, path: KeyPath, message: str) -> Problem:
        """Return a problem with what stands at *path*, or with the nearest thing around it that is there."""
        around = (path[:length] for length in range(len(path), -1, -1))
        place = next((self.places[known] for known in around if known in self.places), Place())
        return Problem(place, dotted(path), message)


def read_document(path: Path, absent: str) -> Document:
    """
    Read the YAML file at *path*.

    Args:
        path: The file; shown in messages as it is given.
        absent: What to tell the reader to do when there is no such file.

    Raises:
        DocumentError: the file cannot be read, is not UTF-8 or is not YAML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        message = f"no such file; {absent}"
    except UnicodeDecodeError:
        message = "is not UTF-8 text; save it as UTF-8"
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
    else:
        return parse_document(str(path), text)
    raise DocumentError([Problem(Place(str(path)), "", message)])


def parse_document(source: str, text: str) -> Document:
    """
    Read *text* as YAML; *source* names it in messages.

    What is YAML and yet not taken (a key given twice, an alias, a tag) is among the document's problems, so that it is reported
    together with what the model has to say.

    Raises:
        DocumentError: it is not YAML.
    """
    yaml = YAML(typ="safe", pure=True)
    try:
        root = yaml.compose(text)
    except YAMLError as error:
        raise DocumentError([_syntax_problem(source, text, error)]) from None
    walk = _Walk(source, yaml)
    value = {} if root is None else walk.value_of(root, ())
    return Document(value, {(): Place(source, 1)} | walk.places, tuple(walk.problems))


def _syntax_problem(source: str, text: str, error: YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None)
    if mark is None:  # the reader's own error, which has a position and no mark
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        return Problem(Place(source, line), "", "a control character, which YAML does not allow; take it out")
    said = getattr(error, "problem", None) or str(error)
    words = "a tab where YAML wants spaces; indent with spaces" if r"'\t'" in said else f"is not YAML: {said}"
    return Problem(Place(source, mark.line + 1), "", words)


@dataclass(slots=True)
class _Walk:
    """One walk over the nodes of a document: plain values out, places and problems noted on the way."""

    source: str
    yaml: YAML
    places: dict[KeyPath, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)

    def value_of(self, node: Node, path: KeyPath) -> object:
        if id(node) in self.seen:
            # The node stands where its anchor is; the alias stands at its key.
            self.problems.append(Problem(self.places[path], dotted(path), "an alias (*name) is not taken; write the value out"))
            return None
        self.seen.add(id(node))
        if node.tag not in _TAGS:
            self._refuse(node, path, f"the tag {node.tag} is not taken; leave it out")
            return None
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self._member(item, item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, object]:
        members: dict[str, object] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self._refuse(key, path, "a key must be a plain word")
            elif key.value in members:
                inner = (*path, key.value)
                self._refuse(key, inner, f"given twice; first on line {self.places[inner].line}")
            else:
                members[key.value] = self._member(key, value, (*path, key.value))
        return members

    def _member(self, at: Node, value: Node, path: KeyPath) -> object:
        self.places[path] = Place(self.source, at.start_mark.line + 1)
        return self.value_of(value, path)

    def _scalar(self, node: Node, path: KeyPath) -> object:
        if node.tag in _TEXT_TAGS:
            return node.value
        try:
            return self.yaml.constructor.construct_object(node)
        except (YAMLError, ValueError):
            self._refuse(node, path, f'"{node.value}" is not what its tag says')
            return None

    def _refuse(self, node: Node, path: KeyPath, message: str) -> None:
        self.problems.append(Problem(Place(self.source, node.start_mark.line + 1), dotted(path), message))

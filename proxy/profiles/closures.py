"""
JMESPath expressions as Python functions: what is asked of every record is not walked node by node.

jmespath looks up the kind of each node, and the kinds of each function's arguments, every time it is asked; a profile's expressions do
not change. What is not made a function here (projections, slices, references) jmespath goes on to walk, within the whole. Both find
the same: a test asks both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from jmespath.visitor import Options, TreeInterpreter

from proxy.profiles.functions import OwnFunctions

Node = Mapping[str, Any]
"""A node of what jmespath parsed."""

Ask = Callable[[Any], Any]
"""Asked of some data, returns what is found in it. Raises what jmespath raises on data that are not what the expression expects."""

_FUNCTIONS: Final = OwnFunctions()
_WALKER: Final = TreeInterpreter(Options(custom_functions=_FUNCTIONS))
_ONE_OF_ANY_KIND: Final[tuple[dict[str, list[str]]]] = ({"types": []},)
"""The signature of a function whose argument needs no check."""


def closure(node: Node) -> Ask:
    """Return *node* as a function."""
    make = _MAKERS.get(node["type"])
    return _walked(node) if make is None else make(node)


def _walked(node: Any) -> Ask:  # noqa: ANN401 - jmespath's own name for it is private
    return partial(_WALKER.visit, node)


def _field(node: Node) -> Ask:
    name, otherwise = node["value"], _walked(node)

    def ask(data: Any) -> Any:  # noqa: ANN401 - any JSON
        return data.get(name) if isinstance(data, dict) else otherwise(data)

    return ask


def _literal(node: Node) -> Ask:
    value = node["value"]
    return lambda _: value


def _current(_: Node) -> Ask:
    return lambda data: data


def _chain(node: Node) -> Ask:
    first, *rest = _children(node)
    if not rest:
        return first

    def ask(data: Any) -> Any:  # noqa: ANN401 - any JSON
        found = first(data)
        for then in rest:
            found = then(found)
        return found

    return ask


def _list(node: Node) -> Ask:
    parts = _children(node)
    return lambda data: None if data is None else [part(data) for part in parts]


def _dict(node: Node) -> Ask:
    members = [(child["value"], closure(child["children"][0])) for child in node["children"]]
    return lambda data: None if data is None else {name: part(data) for name, part in members}


def _and(node: Node) -> Ask:
    left, right = _children(node)
    return lambda data: right(data) if _true(found := left(data)) else found


def _or(node: Node) -> Ask:
    left, right = _children(node)
    return lambda data: found if _true(found := left(data)) else right(data)


def _comparison(node: Node) -> Ask:
    compare = TreeInterpreter.COMPARATOR_FUNC[node["value"]]
    left, right = _children(node)
    if node["value"] == "eq":
        return lambda data: _equal(left(data), right(data))
    if node["value"] == "ne":
        return lambda data: not _equal(left(data), right(data))

    def ask(data: Any) -> Any:  # noqa: ANN401 - any JSON
        one, other = left(data), right(data)
        return compare(one, other) if _ordered(one) and _ordered(other) else None

    return ask


def _call(node: Node) -> Ask:
    name, arguments = node["value"], _children(node)
    spec = OwnFunctions.FUNCTION_TABLE.get(name)
    if spec is not None and spec["signature"] == _ONE_OF_ANY_KIND and len(arguments) == 1:
        function, argument = partial(spec["function"], _FUNCTIONS), arguments[0]
        return lambda data: function(argument(data))
    return lambda data: _FUNCTIONS.call_function(name, [argument(data) for argument in arguments])


_MAKERS: Final[Mapping[str, Callable[[Node], Ask]]] = {
    "field": _field,
    "literal": _literal,
    "current": _current,
    "identity": _current,
    "subexpression": _chain,
    "index_expression": _chain,
    "pipe": _chain,
    "multi_select_list": _list,
    "multi_select_dict": _dict,
    "and_expression": _and,
    "or_expression": _or,
    "comparator": _comparison,
    "function_expression": _call,
}


def _children(node: Node) -> list[Ask]:
    return [closure(child) for child in node["children"]]


def _true(found: object) -> bool:
    """To JMESPath null, false and empty text, lists and mappings are false, and 0 is true."""
    return bool(found) or (found == 0 and found is not False)


def _equal(one: object, other: object) -> bool:
    """To JMESPath, unlike Python, 1 is not true and 0 not false."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _ordered(found: object) -> bool:
    return isinstance(found, int | float | str) and not isinstance(found, bool)

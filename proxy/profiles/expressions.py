"""
JMESPath expressions in profiles: compiled and checked once, asked often.

Checked when the profile is read: the syntax, the names and arities of functions, and that an expression starts from a name it will
be given. JMESPath itself would let a misspelt `bdoy.dose` be null for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import jmespath
from jmespath.exceptions import EmptyExpressionError, IncompleteExpressionError, JMESPathError, LexerError, ParseError
from jmespath.parser import ParsedResult
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from proxy.document.problems import meant
from proxy.profiles.closures import Node, closure
from proxy.profiles.functions import OwnFunctions

_CHAINS: Final = frozenset({"subexpression", "index_expression", "projection", "filter_projection", "value_projection", "pipe"})
"""Nodes whose first child looks at the data, and the others at what the first one found."""


class Expression:
    """One expression. Equal to another of the same text."""

    __slots__ = ("_ask", "roots", "text")

    roots: frozenset[str]
    """The names at which it starts to look at the data."""

    def __init__(self, text: str) -> None:
        """Compile *text*; raises ValueError, in plain words, when it is no expression."""
        self.text = text
        parsed = _compiled(text).parsed
        for problem in _misuses(parsed):
            raise ValueError(problem)
        self.roots = frozenset(_roots(parsed))
        self._ask = closure(parsed)

    def search(self, data: object) -> Any:  # noqa: ANN401 - any JSON value
        """Return what the expression finds in *data*; None where it finds nothing or where the data are not what it expects."""
        try:
            return self._ask(data)
        except Exception:  # the data are a stranger's, and on odd ones jmespath raises TypeError, ValueError and others
            return None

    def holds(self, data: object) -> bool:
        """Whether it finds something true: to JMESPath null, false and empty text, lists and mappings are false, and 0 is true."""
        found = self.search(data)
        return bool(found) or (found == 0 and found is not False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Tell pydantic that it is written as text."""

        def read(value: object, read_text: Callable[[object], str]) -> Expression:
            return value if isinstance(value, cls) else cls(read_text(value))

        return core_schema.no_info_wrap_validator_function(read, core_schema.str_schema(), serialization=core_schema.to_string_ser_schema())


def over(*names: str) -> Callable[[Expression], Expression]:
    """Return a validator that wants an expression to start from no other names than these."""

    def validate(expression: Expression) -> Expression:
        for root in sorted(expression.roots - set(names)):
            message = f'"{root}" is not there to be asked; {meant(root, names)}'
            raise ValueError(message)
        return expression

    return validate


def _compiled(text: str) -> ParsedResult:
    try:
        return jmespath.compile(text)
    except EmptyExpressionError:
        problem = "must not be empty"
    except IncompleteExpressionError:
        problem = "is no JMESPath expression: it ends too early"
    except LexerError as error:
        problem = f"is no JMESPath expression: {error.message} (column {error.lex_position + 1})"
    except ParseError as error:
        problem = f'is no JMESPath expression: "{error.token_value}" cannot stand at column {error.lex_position + 1}'
    except JMESPathError as error:
        problem = f"is no JMESPath expression: {error}"
    raise ValueError(problem)


def _misuses(node: Node) -> Iterator[str]:
    """Yield what is wrong with the function calls in *node*."""
    if node["type"] == "function_expression":
        yield from _misuse(node["value"], len(node["children"]))
    if node["type"] in _CHAINS and _children(node)[0]["type"] == "not_expression":
        yield "! binds tighter than what follows: write !(a.b) for what !a.b looks like"
    for child in _children(node):
        yield from _misuses(child)


def _misuse(name: str, given: int) -> Iterator[str]:
    known = OwnFunctions.FUNCTION_TABLE
    if name not in known:
        yield f'there is no function "{name}"; {meant(name, known)}'
        return
    signature = known[name]["signature"]
    variadic = bool(signature) and bool(signature[-1].get("variadic"))
    if given < len(signature) or (given > len(signature) and not variadic):
        yield f"{name}() takes {'at least ' if variadic else ''}{len(signature)} argument(s), not {given}"


def _roots(node: Node) -> Iterator[str]:
    """Yield the names that *node* looks up in the data themselves, not in something found there."""
    match node["type"]:
        case "field":
            yield node["value"]
        case "expref":  # is asked of the items of another argument
            return
        case kind:
            children = _children(node)
            for child in children[:1] if kind in _CHAINS else children:
                yield from _roots(child)


def _children(node: Node) -> list[Node]:
    return [child for child in node["children"] if isinstance(child, Mapping)]  # a slice has numbers for children

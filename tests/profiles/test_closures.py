"""What an expression finds as a function is what jmespath finds: asked both, of expressions and data that nobody thought of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jmespath
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jmespath.visitor import Options

from proxy.profiles.closures import closure
from proxy.profiles.functions import OwnFunctions

NAMES = ["a", "b", "c"]
SCALARS = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, 1.0, 1.5, "", "a", " 1 ", "2021-06-23", "Patient/4711"])
DATA = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3), max_leaves=12
)

PATHS = st.lists(st.sampled_from([*NAMES, "a[0]", "b[-1]", "c[]", "a[*]", "b[?a]", "c[0:2]"]), min_size=1, max_size=3).map(".".join)
LITERALS = st.sampled_from(["`null`", "`true`", "`false`", "`0`", "`1`", "`1.5`", "''", "'a'", "`[]`", "`{}`", '`{"a": 1}`'])


def composed(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    one = [
        "text({})",
        "day({})",
        "last4({})",
        "normalise({})",
        "type({})",
        "length({})",
        "sort({})",
        "url_encoded({})",
        "[{}]",
        "{{a: {}}}",
    ]
    one += [
        "!({})",
        "({}).a",
        "({}) | b",
        "({})[0]",
        "map(&text(@), {})",
        "segment_after({}, 'Patient')",
        "date({}, 'YYYY-MM-DD')",
        "({})[*].a",
    ]
    two = ["({}) && ({})", "({}) || ({})", "[{}, {}]", "{{a: {}, b: {}}}", "contains({}, {})", "join({}, {})", "max_by({}, &({}))"]
    two += [f"({{}}) {sign} ({{}})" for sign in ("==", "!=", "<", "<=", ">", ">=")]
    ones = st.builds(str.format, st.sampled_from(one), inner)
    return ones | st.builds(str.format, st.sampled_from(two), inner, inner)


EXPRESSIONS = st.recursive(PATHS | LITERALS | st.just("@"), composed, max_leaves=6)


def told(ask: Any) -> tuple[str, object]:
    """What is found, told apart as JSON does (1 is not true), or the kind of the error."""
    try:
        found = ask()
    except Exception as error:
        return "raised", type(error)
    return "found", repr(found)


def agree(text: str, data: object) -> None:
    parsed = jmespath.compile(text)
    walked = told(lambda: parsed.search(data, options=Options(custom_functions=OwnFunctions())))
    ask = closure(parsed.parsed)
    assert told(lambda: ask(data)) == walked


@given(EXPRESSIONS, DATA)
@example("a && b", {"a": 0, "b": 1})
@example("a || b", {"a": [], "b": 1})
@example("a < b", {"a": True, "b": 1})
@example("a == b", {"a": True, "b": 1})
@example("a.b", ["a"])
@example("[a, b]", None)
@example("{a: b}", None)
@example("text(a, b)", {})
def test_both_find_the_same(text: str, data: object) -> None:
    agree(text, data)


@pytest.mark.parametrize("data", [{"body": {"beneficiary_reference_id": 1, "dose": "1"}}, {"body": []}, {"body": None}, {}, None])
def test_both_find_the_same_for_every_expression_that_is_shipped(data: object) -> None:
    from proxy.profiles.load import load_profile

    for name in ("cowin-vaccinator", "fhir-r4"):
        for route in load_profile(name, Path()).routes:
            for expression in (route.lane, route.natural_key, route.receipt and route.receipt.body):
                if expression:
                    agree(expression.text, data)

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.profiles.expressions import Expression
from proxy.profiles.model import Route
from proxy.rules.facts import canonical, facts_of

ROUTE = Route.model_validate(
    {
        "name": "dose",
        "method": "POST",
        "path": "/doses",
        "policy": "record",
        "group": "main",
        "lane": "body.persons || text(body.person)",
        "natural_key": "[text(body.person), text(body.dose)]",
        "content": ["batch", "facility.name", "extra"],
    }
)
BODY = {"person": "48448366834980", "dose": 1, "batch": "4121Z012", "facility": {"name": "Rudrapur", "beds": 4}, "time": "10:12"}

members = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


def view(body: object) -> dict[str, Any]:
    return {"method": "POST", "path": {}, "query": {}, "headers": {}, "body": body}


def test_a_dose() -> None:
    facts = facts_of(ROUTE, view(BODY))
    assert facts.lanes == ("48448366834980",)
    assert facts.natural_key == '["48448366834980","1"]'
    assert facts.content == '{"batch":"4121Z012","extra":null,"facility.name":"Rudrapur"}'


def test_what_is_not_content_does_not_count_and_what_is_does() -> None:
    content = facts_of(ROUTE, view(BODY)).content
    assert facts_of(ROUTE, view(BODY | {"time": "12:10", "facility": {"beds": 5, "name": "Rudrapur"}})).content == content
    for other in ({"batch": "4121Z013"}, {"batch": None}, {"facility": "Rudrapur"}, {"extra": 0}):
        assert facts_of(ROUTE, view(BODY | other)).content != content


@pytest.mark.parametrize("body", [{}, None, [], {"person": "x"}, {"dose": 1}, {"person": "", "dose": 1}, {"person": {"id": 1}, "dose": 1}])
def test_a_key_that_lacks_a_part_is_none(body: object) -> None:
    assert facts_of(ROUTE, view(body)).natural_key is None


@pytest.mark.parametrize(
    ("key", "found"), [("body.a", None), ("[body.b, [body.a]]", None), ("`[]`", None), ("body.b", '"x"'), ("[`0`, `false`]", "[0,false]")]
)
def test_a_key_of_another_shape(key: str, found: str | None) -> None:
    route = ROUTE.model_copy(update={"natural_key": Expression(key)})
    assert facts_of(route, view({"b": "x"})).natural_key == found


@pytest.mark.parametrize(
    ("persons", "lanes"),
    [(["a", "b", "a"], ("a", "b")), ([7, "7"], ("7",)), (["a", " "], ()), (["a", True], ()), ([["a"]], ()), ({"x": 1}, ())],
)
def test_lanes(persons: object, lanes: tuple[str, ...]) -> None:
    assert facts_of(ROUTE, view({"persons": persons})).lanes == lanes


def shuffled(value: Any) -> Any:
    """The same JSON written otherwise: members the other way round, whole numbers with a fraction."""
    match value:
        case dict():
            return {name: shuffled(value[name]) for name in reversed(value)}
        case list():
            return [shuffled(item) for item in value]
        case int() if not isinstance(value, bool):
            return float(value)
        case _:
            return value


@given(members)
def test_what_is_equal_as_json_is_written_alike(value: Any) -> None:
    assert canonical(value) == canonical(shuffled(value))
    assert orjson.loads(canonical(value)) == orjson.loads(json.dumps(value))


@given(members, members)
def test_what_is_not_equal_is_not(one: Any, other: Any) -> None:
    def told_apart(value: Any) -> Any:  # Python takes true for 1
        if isinstance(value, bool):
            return ("truth", value)
        if isinstance(value, list):
            return [told_apart(item) for item in value]
        return {name: told_apart(member) for name, member in value.items()} if isinstance(value, dict) else value

    assert (canonical(one) == canonical(other)) == (told_apart(one) == told_apart(other))


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (0, -0.0), (10**17, 1e17), ({"a": 1, "b": 2}, {"b": 2.0, "a": 1}), ([[1.0]], [[1]])])
def test_equal(one: object, other: object) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"), [(1, "1"), (1, True), (0, None), (0, False), ([1, 2], [2, 1]), (1e300, 1e301), ({"a": None}, {})]
)
def test_not_equal(one: object, other: object) -> None:
    assert canonical(one) != canonical(other)

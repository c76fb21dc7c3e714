"""Expressions: compiled and checked once, asked often, never a surprise."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.profiles.expressions import Expression, over

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def found(text: str, data: object = None) -> Any:
    return Expression(text).search(data)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (48448366834980, "48448366834980"),
        ("48448366834980", "48448366834980"),
        (48448366834980.0, "48448366834980"),
        (" 48448366834980 ", "48448366834980"),
        (1.5, "1.5"),
        (True, None),
        ({"a": 4844}, None),
        ([4844], None),
        ("ला", "ला"),
        ("", None),
        ("  ", None),
        (None, None),
    ],
)
def test_text_is_the_same_however_it_was_written(written: object, text: str | None) -> None:
    assert found("text(a)", {"a": written}) == text


@given(st.integers())
def test_an_id_is_the_same_as_number_and_as_text(number: int) -> None:
    assert found("text(a)", {"a": number}) == found("text(a)", {"a": str(number)})


@pytest.mark.parametrize(
    ("number", "last"),
    [("********4821", "4821"), ("1234-5678-4821", "4821"), ("abcde1234f", "234F"), ("21", "21"), ("4821 ", "4821"), ("", "")],
)
def test_last4(number: str, last: str) -> None:
    assert found("last4(a)", {"a": number}) == last


@pytest.mark.parametrize("name", ["Lakshmi Nair", "  lakshmi\tNAIR ", "LAKSHMI\u00a0\u00a0NAIR"])
def test_normalise(name: str) -> None:
    assert found("normalise(a)", {"a": name}) == "lakshmi nair"


@given(st.text())
def test_normalise_twice_is_normalise_once_and_composition_does_not_matter(name: str) -> None:
    once = found("normalise(a)", {"a": name})
    assert found("normalise(a)", {"a": once}) == once
    assert found("normalise(a)", {"a": unicodedata.normalize("NFD", name)}) == once


@pytest.mark.parametrize(
    ("written", "layout", "iso"),
    [
        ("23-06-2021", "DD-MM-YYYY", "2021-06-23"),
        ("2021/06/23", "YYYY/MM/DD", "2021-06-23"),
        (" 23-06-2021 ", "DD-MM-YYYY", "2021-06-23"),
        ("31-02-2021", "DD-MM-YYYY", None),
        ("2021-06-23", "DD-MM-YYYY", None),
        ("23%06", "DD%MM", "1900-06-23"),
        ("", "DD-MM-YYYY", None),
    ],
)
def test_date(written: str, layout: str, iso: str | None) -> None:
    assert found(f"date(a, '{layout}')", {"a": written}) == iso


@pytest.mark.parametrize(
    "text",
    ["last4(a)", "normalise(b)", "date(c, 'DD')", "join('|', [text(b)])", "a[::0]", "max_by(c, &x)", "sort(c)", "map(&text(@), b)"],
)
def test_data_that_do_not_fit_give_none(text: str) -> None:
    assert found(text, {"a": 5, "b": None, "c": [1, "x", {}]}) is None


@given(JSON)
def test_no_data_make_an_expression_raise(data: object) -> None:
    for text in ("last4(a)", "sort_by(@, &a)", "sum(@)", "a[?b > `1`] | [0]", "keys(@)", "to_number(a)", "text(@)", "join(',', @)"):
        found(text, data)


@pytest.mark.parametrize(
    ("value", "true"),
    [(None, False), (False, False), ("", False), ([], False), ({}, False), (0, True), (0.0, True), (True, True), ("x", True), ([0], True)],
)
def test_what_holds_is_what_is_true_to_jmespath(value: object, *, true: bool) -> None:
    assert Expression("a").holds({"a": value}) is true


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "must not be empty"),
        ("text(a", "is no JMESPath expression: it ends too early"),
        ("a b", 'is no JMESPath expression: "b" cannot stand at column 3'),
        ("a = b", "is no JMESPath expression: Unknown token '=' (column 3)"),
        ("txet(a)", 'there is no function "txet"; did you mean "text"?'),
        ("[normalize(a)]", 'there is no function "normalize"; did you mean "normalise"?'),
        ("a[?last4(@, 'x')]", "last4() takes 1 argument(s), not 2"),
        ("date(a)", "date() takes 2 argument(s), not 1"),
        ("merge()", "merge() takes at least 1 argument(s), not 0"),
    ],
)
def test_what_is_no_expression(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)) as caught:
        Expression(text)
    assert str(caught.value) == complaint


@pytest.mark.parametrize(
    ("text", "roots"),
    [
        ("text(body.id)", {"body"}),
        ("[body.a, join('', [path.b, `1`])]", {"body", "path"}),
        ("{x: body.a[0].b[1:2].c, y: !query}", {"body", "query"}),
        ("map(&text(id), body.list)", {"body"}),
        ("body.list[?state == 'x'].id | [0]", {"body"}),
        ("body.*.id || headers.id && method", {"body", "headers", "method"}),
        ("status >= `200` && type(body) == 'object'", {"status", "body"}),
        ("@", set()),
    ],
)
def test_where_an_expression_starts(text: str, roots: set[str]) -> None:
    assert Expression(text).roots == roots


def test_an_expression_over_other_names_is_refused() -> None:
    check = over("method", "path", "body")
    assert check(Expression("body.x")) == Expression("body.x")
    with pytest.raises(ValueError, match=r'^"bdoy" is not there to be asked; did you mean "body"\?$'):
        check(Expression("bdoy.x"))


def test_expressions_of_one_text_are_equal() -> None:
    assert Expression("a") == Expression("a")
    assert Expression("a") != Expression("b")
    assert len({Expression("a"), Expression("a")}) == 1
    assert str(Expression("a.b")) == "a.b"


@pytest.mark.parametrize(
    ("reference", "id_"),
    [
        ("Patient/4711", "4711"),
        (" Patient/4711 ", "4711"),
        ("https://host/fhir/Patient/4711/_history/1", "4711"),
        ("https://host/fhir/Patient/4711?x=Patient/7", "4711"),
        ("Patient/", None),
        ("Patient", None),
        ("urn:uuid:61ebe359", None),
        ("OutPatient/4711", None),
        (None, None),
        (4711, None),
    ],
)
def test_segment_after(reference: object, id_: str | None) -> None:
    assert found("segment_after(a, 'Patient')", {"a": reference}) == id_


@pytest.mark.parametrize(("value", "encoded"), [("a|b c/é", "a%7Cb%20c%2F%C3%A9"), ("", ""), (None, None), (7, None)])
def test_url_encoded(value: object, encoded: str | None) -> None:
    assert found("url_encoded(a)", {"a": value}) == encoded


@pytest.mark.parametrize(
    ("value", "iso"),
    [("2026-11-23T10:12:00+05:30", "2026-11-23"), ("2026-11-23", "2026-11-23"), ("2026-11", None), ("23-11-2026", None), (None, None)],
)
def test_day(value: object, iso: str | None) -> None:
    assert found("day(a)", {"a": value}) == iso


@pytest.mark.parametrize("text", ["!a.b", "a && !b.c", "x[?!a.b]"])
def test_a_not_that_would_bind_otherwise_than_it_looks_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="binds tighter"):
        Expression(text)
    assert Expression("!(a.b)").search({"a": {}}) is True

"""Pages of another origin: who may, who may not, and what they are told."""

from __future__ import annotations

import pytest

from proxy.rules.cross_origin import EXPOSED, METHODS, preflight, shared_with

DESK = "https://desk.example.in"
OURS = frozenset({DESK, "http://localhost:3000"})


@pytest.mark.parametrize(
    ("method", "origin", "asked"),
    [
        ("POST", DESK, "POST"),
        ("OPTIONS", DESK, None),
        ("OPTIONS", None, "POST"),
        ("OPTIONS", "https://desk.example.in.evil.example", "POST"),
        ("OPTIONS", "https://desk.example.in:443", "POST"),
        ("OPTIONS", "http://desk.example.in", "POST"),
        ("OPTIONS", "HTTPS://desk.example.in", "POST"),
        ("OPTIONS", "null", "POST"),
        ("OPTIONS", "*", "POST"),
        ("OPTIONS", "", "POST"),
    ],
)
def test_no_preflight_of_ours(method: str, origin: str | None, asked: str | None) -> None:
    assert preflight(method, origin, asked, "", OURS) is None


def test_a_preflight_of_ours_allows_the_fields_that_are_asked_for() -> None:
    allowed = preflight("OPTIONS", DESK, "PUT", "content-type, x-api-key,dosekeeper-override", OURS) or {}
    assert allowed["Access-Control-Allow-Headers"] == "content-type, x-api-key,dosekeeper-override"
    assert allowed["Access-Control-Allow-Methods"] == METHODS


@pytest.mark.parametrize("fields", ["", "a b", "a\r\nSet-Cookie: b", "a, ,b", "a,", "é"])
def test_what_is_no_list_of_names_is_not_repeated(fields: str) -> None:
    assert "Access-Control-Allow-Headers" not in (preflight("OPTIONS", DESK, "PUT", fields, OURS) or {})


@pytest.mark.parametrize("origin", [None, "https://elsewhere.example", "null", "*"])
def test_to_no_other_origin_is_anything_allowed(origin: str | None) -> None:
    assert shared_with(origin, OURS, None, None) == {"Vary": "Origin"}
    assert shared_with(origin, OURS, None, "Accept") == {"Vary": "Accept, Origin"}


@pytest.mark.parametrize("origin", [None, DESK])
def test_where_nobody_is_named_nothing_is_added(origin: str | None) -> None:
    assert shared_with(origin, frozenset(), None, None) == {}


def test_who_is_named_sees_our_fields_beside_those_that_the_server_shows() -> None:
    shown = shared_with(DESK, OURS, "X-Total", None)
    assert shown["Access-Control-Allow-Origin"] == DESK
    assert shown["Access-Control-Expose-Headers"] == f"X-Total, {EXPOSED}"

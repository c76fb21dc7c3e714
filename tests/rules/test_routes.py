"""Which route a request is on."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.profiles.load import load_profile
from proxy.profiles.model import Policy, Route
from proxy.rules.routes import RouteTable, without_prefix

COWIN: Final = RouteTable(load_profile("cowin-vaccinator", Path()).routes)

VACCINATE: Final = "/v2/vaccinator/beneficiaries/vaccinate"


def named(table: RouteTable, method: str, path: str) -> str | None:
    found = table.match(method, path)
    return None if found is None else found.route.name


def route(name: str, path: str, method: str = "GET", policy: Policy = Policy.PASS) -> Route:
    return Route.model_validate({"name": name, "path": path, "method": method, "policy": policy, "group": "all"})


FOUND: Final = [
    ("POST", VACCINATE, "vaccinate"),
    ("POST", "/v2/vaccinator/beneficiaries/new", "register"),
    ("POST", "/v2/vaccinator/onspots/schedule", "schedule-onspot"),
    ("POST", "/v2/auth/public/generateOTP", "log-in"),
    ("POST", "/v2/auth/", "log-in"),
    ("POST", "/v2/auth", "log-in"),
    ("GET", "/v2/admin/location/districts/5", "districts"),
    ("GET", "/v2/appointment/sessions/public/findByPin", "sessions"),
    # to the upstream these are the same
    ("POST", "/v2/vaccinator/beneficiaries/%76accinate", "vaccinate"),
    ("POST", "/v2/%61uth/confirmOTP", "log-in"),
    ("POST", VACCINATE + "/", "vaccinate"),
    ("GET", "/v2/admin/location/districts/5/", "districts"),
    # these are not
    ("POST", VACCINATE + "//", None),
    ("POST", VACCINATE.upper(), None),
    ("POST", "/v2/vaccinator/beneficiaries%2Fvaccinate", None),
    ("POST", "//v2/vaccinator/beneficiaries/vaccinate", None),
    ("post", VACCINATE, None),
    ("PUT", VACCINATE, None),
    ("GET", VACCINATE, None),
    ("POST", "/v2/authentic", None),
    ("GET", "/v2/admin/location/districts", None),
    ("GET", "/v2/admin/location/districts/5/6", None),
    ("GET", "/", None),
    ("GET", "", None),
    ("OPTIONS", "*", None),
    # a GET route serves HEAD; a record route serves what it says and no more
    ("HEAD", "/v2/registration/beneficiary/genders", "genders"),
    ("HEAD", "/v2/admin/location/districts/5", "districts"),
    ("HEAD", VACCINATE, None),
    ("OPTIONS", VACCINATE, None),
]


@pytest.mark.parametrize(("method", "path", "name"), FOUND)
def test_the_route_of_a_request(method: str, path: str, name: str | None) -> None:
    assert named(COWIN, method, path) == name


def test_a_path_without_parameters_comes_before_any_template_and_the_first_template_before_the_next() -> None:
    table = RouteTable([route("narrow", "/a/{x}"), route("wide", "/a/**"), route("exact", "/a/b")])
    assert named(table, "GET", "/a/b") == "exact"
    assert named(table, "GET", "/a/c") == "narrow"
    assert named(table, "GET", "/a/c/d") == "wide"


def test_a_head_route_of_its_own_comes_before_the_get_route() -> None:
    table = RouteTable([route("get", "/a"), route("head", "/{any}", method="HEAD")])
    assert named(table, "HEAD", "/a") == "head"


def test_what_is_denied_is_denied_to_head_and_however_it_is_written() -> None:
    table = RouteTable([route("delete-all", "/admin/wipe", policy=Policy.DENY)])
    for method, path in (("GET", "/admin/wipe"), ("HEAD", "/admin/wipe"), ("GET", "/%61dmin/wip%65")):
        found = table.match(method, path)
        assert found is not None
        assert found.route.policy is Policy.DENY


def test_a_template_may_hold_an_encoded_slash_or_brace() -> None:
    table = RouteTable([route("slash", "/a%2fb/{x}"), route("brace", "/%7Bx%7D/c/**")])
    assert named(table, "GET", "/a%2Fb/1") == "slash"
    assert named(table, "GET", "/a/b/1") is None
    assert named(table, "GET", "/%7bx%7d/c") == "brace"
    assert named(table, "GET", "/anything/c") is None


@pytest.mark.parametrize(
    ("segment", "value"), [("5", "5"), ("a%2Fb", "a/b"), ("%E0%A4%95", "क"), ("a+b", "a+b"), ("%", "%"), ("%zz", "%zz"), ("", "")]
)
def test_a_parameter_is_decoded_once_and_an_encoded_slash_stays_in_it(segment: str, value: str) -> None:
    found = COWIN.match("GET", f"/v2/admin/location/districts/{segment}")
    assert found is not None
    assert found.params == {"state_id": value}


@given(st.text(max_size=12), st.text(max_size=12))
def test_every_value_survives_its_way_into_a_path_and_out_again(one: str, other: str) -> None:
    table = RouteTable([route("both", "/of/{one}/and/{other}")])
    found = table.match("GET", f"/of/{quote(one, safe='')}/and/{quote(other, safe='')}")
    assert found is not None
    assert found.params == {"one": one, "other": other}


@given(st.lists(st.text("ab%2F.;*{}", max_size=5), max_size=5))
def test_the_rest_is_from_no_segment_to_many(segments: list[str]) -> None:
    path = "/".join(["/v2/auth", *segments])
    assert named(COWIN, "POST", path) == "log-in"


@given(st.integers(0, len(VACCINATE) - 1), st.booleans())
def test_no_spelling_of_its_path_takes_a_dose_past_the_journal(index: int, lower: bool) -> None:
    character = VACCINATE[index]
    encoded = f"%{ord(character):02x}" if lower else f"%{ord(character):02X}"
    spelt = VACCINATE[:index] + encoded + VACCINATE[index + 1 :]
    assert named(COWIN, "POST", spelt) == (None if character == "/" else "vaccinate")


@given(st.text("/%ab{}*.", max_size=20), st.sampled_from(["GET", "HEAD", "POST", "*", ""]))
def test_no_path_is_an_error(path: str, method: str) -> None:
    COWIN.match(method, path)


PREFIXES: Final = [
    ("/api/v2/x", "/api", "/v2/x"),
    ("/api", "/api", "/"),
    ("/api/", "/api", "/"),
    ("/api//x", "/api", "//x"),
    ("/apiary/v2/x", "/api", None),
    ("/v2/x", "/api", None),
    ("/API/v2/x", "/api", None),
    ("/", "/api", None),
    ("*", "/api", None),
    ("/divoc/api/v1", "/divoc/api", "/v1"),
    ("/v2/x", "", "/v2/x"),
    ("/", "", "/"),
]


@pytest.mark.parametrize(("path", "prefix", "inner"), PREFIXES)
def test_the_path_of_the_upstreams_address_is_taken_off(path: str, prefix: str, inner: str | None) -> None:
    assert without_prefix(path, prefix) == inner


@given(st.text("/ab%", max_size=10).map("/".__add__), st.sampled_from(["", "/api", "/divoc/api"]))
def test_what_lies_inside_keeps_every_byte_of_its_path(path: str, prefix: str) -> None:
    assert without_prefix(prefix + path, prefix) == path

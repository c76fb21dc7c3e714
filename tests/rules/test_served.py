"""What is not served at all. The wire's own table is in tests/traffic/raw_requests.py."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.rules.served import origin_form, refusal, seen_otherwise

FORMS = [
    ("/a?b=c", "/a?b=c"),
    ("http://e/a?b", "/a?b"),
    ("HTTPS://e:1/a", "/a"),
    ("http://u:p@[::1]/a", "/a"),
    ("http://e", "/"),
    ("http://e?a=/b", "/?a=/b"),
    ("http://e#/a", "/#/a"),
    ("ftp://e/a", "ftp://e/a"),
    ("*", "*"),
    ("", ""),
]


@pytest.mark.parametrize(("target", "form"), FORMS)
def test_the_host_of_a_target_is_ignored(target: str, form: str) -> None:
    assert origin_form(target) == form


@pytest.mark.parametrize(
    "path", ["/a/%2E", "/a/.;x", "/%252E%252e/a", "/a\\b", "/a%5cb", "/a%255Cb", "/a%0Ab", "/a%00", "/a%7F", "//a", "/a//b"]
)
def test_a_path_that_a_server_may_see_otherwise(path: str) -> None:
    assert seen_otherwise(path)


@pytest.mark.parametrize("path", ["/", "/a/", "/a.b/..c/d..", "/a/...", "/%E0%A4%95", "/a%2Fb", "/a;b/c", "/a%2F%2Fb", "/%", "/a%20b"])
def test_a_path_that_all_servers_see_alike(path: str) -> None:
    assert not seen_otherwise(path)


@given(st.text(st.characters(exclude_characters="/\\.", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20))
def test_whatever_a_segment_says_it_is_served_when_it_is_encoded(segment: str) -> None:
    encoded = quote(segment, safe="")
    assert "%" in segment or refusal("GET", (1, 1), f"/a/{encoded}?{encoded}", ((b"Host", b"d"),)) is None


@pytest.mark.parametrize("host", [b"a b", b"a/b", b"u@a", b"a:b", b"[::1", b"a\\b", b'"a"', b"a,b\x80"])
def test_a_host_that_is_none(host: bytes) -> None:
    assert refusal("GET", (1, 1), "/", ((b"hOST", host),)) == "request-malformed"


@pytest.mark.parametrize("host", [b"", b"a", b"a:", b"a.b-c:80", b"[2001:db8::1]:80", b"a%20b"])
def test_a_host_that_is_one(host: bytes) -> None:
    assert refusal("GET", (1, 1), "/", ((b"Host", host),)) is None

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.rules.idempotency import KEY_MAX, Malformed, fingerprint, parse_key

UUID = "8e03978e-40d5-43dd-bc93-6894a57f9324"  # the draft's example


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (f'"{UUID}"', UUID),
        (f'  "{UUID}" ', UUID),
        (f'"{UUID}";v=1;x', UUID),
        ('"clkyoesmbgybucifusbbtdsbohtyuuwz"', "clkyoesmbgybucifusbbtdsbohtyuuwz"),
        ('"a b, c; d"', "a b, c; d"),
        (r'"say \"a\" \\"', 'say "a" \\'),
        ('"' + "k" * KEY_MAX + '"', "k" * KEY_MAX),
        (UUID, UUID),
        ("KG5LxwFBepaKHyUD", "KG5LxwFBepaKHyUD"),
        ("urn:uuid:8e03978e", "urn:uuid:8e03978e"),
        ("dGVzdA==", "dGVzdA=="),
        ("42", "42"),
    ],
)
def test_a_key(value: str, key: str) -> None:
    assert parse_key([value.encode()]) == key


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b'""',
        b'"open',
        b'open"',
        b'"a" "b"',
        b'"a", "b"',
        b"a b",
        b"a, b",
        b"a;x=1",
        b'("a")',
        b":YWJj:",
        b'%"a"',
        b'"a\\n"',
        b'"a\tb"',
        '"schlüssel"'.encode(),
        '"schlüssel"'.encode("latin-1"),
        b"\xff",
        b'"a";X=1',
        b"k" * (KEY_MAX + 1),
        b'"' + b"k" * (KEY_MAX + 1) + b'"',
    ],
)
def test_no_key(value: bytes) -> None:
    assert isinstance(parse_key([value]), Malformed)


def test_two_fields_are_no_key() -> None:
    assert isinstance(parse_key([b'"a"', b'"a"']), Malformed)


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=KEY_MAX))
def test_every_printable_text_can_be_a_key(key: str) -> None:
    quoted = key.replace("\\", "\\\\").replace('"', '\\"')
    assert parse_key([f'"{quoted}"'.encode()]) == key


@given(st.binary())
def test_any_field_is_borne(value: bytes) -> None:
    found = parse_key([value])
    assert isinstance(found, Malformed) or 1 <= len(found) <= KEY_MAX


def test_a_fingerprint_tells_requests_apart() -> None:
    requests = [("POST", "/a", b"x"), ("PUT", "/a", b"x"), ("POST", "/ax", b""), ("POST", "/a?x", b""), ("POST", "/a", b"\nx")]
    prints = [fingerprint(*request) for request in requests]
    assert len(set(prints)) == len(requests)
    assert prints == [fingerprint(*request) for request in requests]
    assert {len(value) for value in prints} == {16}
    assert fingerprint("POST", "/\udcff", b"") != fingerprint("POST", "/", b"")

"""Which header fields go on, and that the journal gives back the bytes it was given."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.rules.fields import (
    HOP_BY_HOP,
    NEVER_FORWARDED,
    answer_fields,
    forwardable,
    from_block,
    overlaid,
    readable_codings,
    split_credentials,
    to_block,
    with_key,
    with_length,
    with_missing,
)
from proxy.rules.wire import Fields, first

TOKEN: Final = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""What a field's name may be made of (RFC 9110 §5.6.2)."""

KNOWN: Final = [b"Content-Length", b"content-type", b"Host", b"X-Api-Key", b"Accept-Encoding", b"X-Forwarded-For", b"Dosekeeper-Override"]


def of(characters: bytes, *, min_size: int = 0, max_size: int = 12) -> st.SearchStrategy[bytes]:
    return st.lists(st.sampled_from(list(characters)), min_size=min_size, max_size=max_size).map(bytes)


names: Final = st.one_of(of(TOKEN, min_size=1), st.sampled_from(KNOWN), st.sampled_from(sorted(HOP_BY_HOP)))
values: Final = of(bytes(set(range(256)) - set(b"\0\r\n"))).map(lambda value: value.strip(b" \t"))
"""Visible text, blanks, tabs and bytes above ASCII, none of them a line break (RFC 9110 §5.5)."""

fields: Final = st.lists(st.tuples(names, values), max_size=8).map(tuple)


def lower(some: Fields) -> set[bytes]:
    return {name.lower() for name, _ in some}


# The journal's form ---------------------------------------------------------------------------------------------------------------


def test_the_block_is_what_stood_on_the_wire() -> None:
    assert to_block(((b"Content-Type", b"application/json"), (b"x-centre", b""))) == b"Content-Type: application/json\r\nx-centre: \r\n"
    assert to_block(()) == b""
    assert from_block(b"") == ()


@given(fields)
def test_the_journal_gives_back_the_fields_it_was_given(some: Fields) -> None:
    assert from_block(to_block(some)) == some


# What goes on ---------------------------------------------------------------------------------------------------------------------

REQUEST: Final = [
    (b"Accept-Language", True),
    (b"aCCept", True),
    (b"Content-Length", True),
    (b"X-Request-ID", True),
    (b"Authorization", True),
    (b"Connection", False),
    (b"Keep-Alive", False),
    (b"Transfer-Encoding", False),
    (b"TE", False),
    (b"Trailer", False),
    (b"Upgrade", False),
    (b"Proxy-Authenticate", False),
    (b"Proxy-Authorization", False),
    (b"Proxy-Connection", False),
    (b"Host", False),
    (b"Expect", False),
    (b"Forwarded", False),
    (b"X-Real-IP", False),
    (b"X-Forwarded-For", False),
    (b"x-forwarded-proto", False),
    (b"Dosekeeper-Override", False),
]


@pytest.mark.parametrize(("name", "goes_on"), REQUEST)
def test_which_fields_of_a_request_go_on(name: bytes, goes_on: bool) -> None:
    field = (name, b"value")
    assert forwardable([field]) == ((field,) if goes_on else ())


@pytest.mark.parametrize(
    ("name", "goes_on"), [(b"Set-Cookie", True), (b"Server", True), (b"Trailer", False), (b"transfer-encoding", False)]
)
def test_which_fields_of_an_answer_go_on(name: bytes, goes_on: bool) -> None:
    field = (name, b"value")
    assert answer_fields([field]) == ((field,) if goes_on else ())


CONTROLS: Final = [
    (b"a\x01b", b"a b"),
    (b"a\x00b\x7fc\x1fd\x08e\x0af\x0dg", b"a b c d e f g"),
    (b"a\tb", b"a\tb"),
    (b"\x80\xff ~!", b"\x80\xff ~!"),
]


@pytest.mark.parametrize(("came", "goes_on"), CONTROLS)
def test_a_control_character_of_an_answer_becomes_a_blank_and_nothing_else_changes(came: bytes, goes_on: bytes) -> None:
    assert answer_fields([(b"X-Odd", came)]) == ((b"X-Odd", goes_on),)
    assert forwardable([(b"X-Odd", came)]) == ((b"X-Odd", came),), "a request's go on as they came"


@given(st.lists(st.tuples(names, st.binary(max_size=12)), max_size=8).map(tuple))
def test_no_value_of_an_answer_has_a_control_character_and_all_keep_their_length(some: Fields) -> None:
    kept = answer_fields(some)
    assert not set(b"".join(value for _, value in kept)) & (set(range(32)) - {9} | {127})
    named = {token.strip().lower() for name, value in some if name.lower() == b"connection" for token in value.split(b",")}
    gone = HOP_BY_HOP | (named - {b"content-length", b"content-type"})
    assert [(name, len(value)) for name, value in kept] == [(name, len(value)) for name, value in some if name.lower() not in gone]


NAMED: Final = [
    (b"close", b"X-Hop", True),
    (b"X-Hop", b"X-Hop", False),
    (b"keep-alive , x-HOP", b"X-Hop", False),
    (b",,\tx-hop\t,", b"X-Hop", False),
    (b"x-hop-2", b"X-Hop", True),
    (b"Content-Length", b"Content-Length", True),
    (b"close, CONTENT-LENGTH", b"content-length", True),
    (b"content-type", b"Content-Type", True),
]


@pytest.mark.parametrize(("connection", "name", "goes_on"), NAMED)
def test_a_field_named_in_connection_stays_here_unless_the_body_hangs_on_it(connection: bytes, name: bytes, goes_on: bool) -> None:
    sent = ((name, b"7"), (b"Connection", connection))
    assert forwardable(sent) == answer_fields(sent) == (sent[:1] if goes_on else ())


@given(fields, fields)
def test_what_goes_on_is_in_its_own_order_and_case_and_nothing_speaks_of_a_connection(some: Fields, more: Fields) -> None:
    named = tuple((b"Connection", name) for name in lower(more))
    kept = forwardable(some + named)
    assert kept == tuple(field for field in some if field in kept)
    assert not lower(kept) & NEVER_FORWARDED
    assert not lower(kept) & (lower(more) - {b"content-length", b"content-type"})
    assert not [name for name in lower(kept) if name.startswith((b"x-forwarded-", b"dosekeeper-"))]
    assert [field for field in kept if field[0].lower() == b"content-length"] == [f for f in some if f[0].lower() == b"content-length"]


@given(fields)
def test_to_forward_twice_changes_nothing_more(some: Fields) -> None:
    assert forwardable(forwardable(some)) == forwardable(some)
    assert answer_fields(answer_fields(some)) == answer_fields(some)


# Credentials ----------------------------------------------------------------------------------------------------------------------


@given(fields, st.sets(names.map(bytes.lower)))
def test_a_credential_is_never_among_the_rest(some: Fields, credentials: set[bytes]) -> None:
    rest, found = split_credentials(some, credentials)
    assert not lower(rest) & credentials
    assert lower(found) <= credentials
    assert sorted(rest + found) == sorted(some)


@given(fields, fields)
def test_what_is_laid_over_takes_the_place_of_its_namesakes(some: Fields, by: Fields) -> None:
    result = overlaid(some, by)
    assert result[len(result) - len(by) :] == by
    assert result[: len(result) - len(by)] == tuple(field for field in some if field[0].lower() not in lower(by))


def test_the_sidecars_own_key_replaces_the_clients_however_it_is_written() -> None:
    theirs = ((b"X-API-Key", b"desk"), (b"Accept", b"*/*"), (b"x-api-key", b"desk 2"))
    assert overlaid(theirs, ((b"x-api-key", b"centre"),)) == ((b"Accept", b"*/*"), (b"x-api-key", b"centre"))


# Codings --------------------------------------------------------------------------------------------------------------------------

CODINGS: Final = [
    (b"gzip, deflate, br, zstd", b"gzip, deflate"),
    (b"gzip", b"gzip"),
    (b"gzip, identity;q=0.1, br", b"gzip, identity;q=0.1"),
    (b"GZIP;q=0.5, br;q=1.0", b"GZIP;q=0.5"),
    (b"gzip ; q=0, br", b"gzip ; q=0"),
    (b"br", b"identity"),
    (b"*", b"identity"),
    (b"br;q=1.0, *;q=0.1", b"identity"),
    (b"identity", b"identity"),
    (b"", b"identity"),
    (b"\xff, gzip", b"gzip"),
]


@pytest.mark.parametrize(("asked", "sent"), CODINGS)
def test_only_codings_are_asked_for_in_which_a_verdict_can_be_read(asked: bytes, sent: bytes) -> None:
    assert readable_codings(((b"Accept", b"br"), (b"ACCEPT-Encoding", asked))) == ((b"Accept", b"br"), (b"ACCEPT-Encoding", sent))


@given(fields)
def test_no_coding_is_asked_for_that_nobody_asked_for(some: Fields) -> None:
    assert [name for name, _ in readable_codings(some)] == [name for name, _ in some]


# Length ---------------------------------------------------------------------------------------------------------------------------


def test_the_length_is_that_of_the_body_that_goes_up() -> None:
    came = ((b"Accept", b"7"), (b"content-LENGTH", b"7"), (b"X-Content-Length", b"7"), (b"Content-Length", b"7"))
    assert with_length(came, 1048576) == (
        (b"Accept", b"7"),
        (b"content-LENGTH", b"1048576"),
        (b"X-Content-Length", b"7"),
        (b"Content-Length", b"1048576"),
    )
    assert with_length(came, 0)[1] == (b"content-LENGTH", b"0")


def test_where_no_length_is_said_none_is_added() -> None:
    assert with_length(((b"Transfer-Encoding", b"chunked"),), 7) == ((b"Transfer-Encoding", b"chunked"),)
    assert with_length((), 7) == ()


@given(fields, st.integers(0, 2**31))
def test_nothing_but_the_length_changes(some: Fields, length: int) -> None:
    made = with_length(some, length)
    assert [name for name, _ in made] == [name for name, _ in some]
    for (name, value), (_, before) in zip(made, some, strict=True):
        assert value == (b"%d" % length if name.lower() == b"content-length" else before)


# One field ------------------------------------------------------------------------------------------------------------------------


def test_the_first_of_a_name_counts_and_its_case_does_not() -> None:
    some = ((b"retry-AFTER", b" 5\t"), (b"Retry-After", b"9"))
    assert first(some, b"retry-after") == "5"
    assert first(some, b"location") is None


def test_a_correction_has_a_key_of_its_own_where_the_request_had_one() -> None:
    fields = ((b"Host", b"a"), (b"idempotency-KEY", b'"old"'))
    assert with_key(fields, "new") == ((b"Host", b"a"), (b"idempotency-KEY", b'"new"'))
    assert with_key(fields[:1], "new") == fields[:1]


def test_a_declared_field_is_added_where_the_client_sent_none() -> None:
    came = ((b"If-None-Exist", b"own"),)
    assert with_missing(came, [("if-none-exist", "ours"), ("X-More", "é")]) == (*came, (b"X-More", b"\xe9"))

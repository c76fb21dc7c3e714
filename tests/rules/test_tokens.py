"""What tokens, token endpoints and client keys say."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey

from proxy.rules.client_keys import ClientKey, NoKeys, by_hash, hash_of, parsed, written
from proxy.rules.token_life import LIFE_MAX_S, LIFE_S, NoToken, Token, again_in_s, renewed_in_s, token_of
from proxy.rules.tokens import claims_of, ends_at, signed_part, token_in
from proxy.rules.wire import Answer, Failure, FailureKind

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def a_token(claims: object) -> str:
    return f"e30.{urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.c2ln"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"Bearer a.b.c", "a.b.c"),
        (b"bearer  a.b.c", "a.b.c"),
        (b"a.b.c", "a.b.c"),
        (b"Basic YTpi", None),
        (b"Bearer opaque", None),
        (b"Bearer a.b.c.d.e", None),
        (b"", None),
        (b"Bearer " + b"a" * 17_000 + b".b.c", None),
    ],
)
def test_where_a_token_is(value: bytes, expected: str | None) -> None:
    assert token_in(((b"AUTHORIZATION", value),), "authorization") == expected


def test_what_it_claims_and_when_it_ends() -> None:
    claims = claims_of(a_token({"sub": "asha", "exp": 1_627_626_600}))
    assert claims["sub"] == "asha"
    assert ends_at(claims) == 1_627_626_600_000


@pytest.mark.parametrize("exp", [None, "soon", True, -1, 1e300, float("inf"), [1]])
def test_an_end_that_is_none(exp: object) -> None:
    assert ends_at({"exp": exp}) is None


@given(st.text() | st.builds(lambda *parts: ".".join(parts), st.text(), st.text(), st.text()))
def test_whatever_is_no_token_claims_nothing(text: str) -> None:
    token = token_in(((b"authorization", text.encode()),), "authorization")
    assert isinstance(claims_of(token), dict)


def said(status: int, body: object, kind: bytes = b"application/json") -> Answer:
    return Answer(status, "", ((b"Content-Type", kind),), body if isinstance(body, bytes) else json.dumps(body).encode())


GIVEN = {"access_token": "abc", "token_type": "Bearer", "expires_in": 900}


@pytest.mark.parametrize(
    ("body", "life_s"),
    [
        (GIVEN, 900),
        (GIVEN | {"expires_in": "900"}, 900),
        (GIVEN | {"expires_in": None}, LIFE_S),
        (GIVEN | {"expires_in": -1}, LIFE_S),
        (GIVEN | {"expires_in": True}, LIFE_S),
        (GIVEN | {"expires_in": 10**12}, LIFE_MAX_S),
    ],
)
def test_a_token_and_its_life(body: object, life_s: float) -> None:
    assert token_of(said(200, body)) == Token("abc", life_s)
    assert "abc" not in repr(token_of(said(200, body)))


@pytest.mark.parametrize(
    ("exchange", "why"),
    [
        (Failure(FailureKind.TIMEOUT, sent=True), "the token endpoint gave no answer (timeout)"),
        (said(401, {"error": "invalid_client"}), "the token endpoint said no: invalid_client"),
        (said(400, {"error": "secret s3cret"}), "the token endpoint said no: HTTP 400"),
        (said(503, b"<html>"), "the token endpoint said no: HTTP 503"),
        (said(200, b"<html>"), "the token endpoint's answer holds no token"),
        (said(200, []), "the token endpoint's answer holds no token"),
        (said(200, GIVEN | {"access_token": "two words"}), "the token endpoint's answer holds no token"),
        (said(200, GIVEN | {"access_token": "a\r\nX: y"}), "the token endpoint's answer holds no token"),
        (said(200, GIVEN | {"token_type": "mac"}), "the token endpoint gave a token that is no Bearer token"),
    ],
)
def test_no_token_and_why(exchange: Answer | Failure, why: str) -> None:
    assert token_of(exchange) == NoToken(why)


@given(st.floats(1, LIFE_MAX_S), st.floats(0, 1, exclude_max=True), st.integers(1, 10_000))
def test_a_token_is_renewed_while_it_lives_and_an_endpoint_in_trouble_is_left_alone(life_s: float, draw: float, failures: int) -> None:
    assert 0.7 * life_s <= renewed_in_s(life_s, draw) <= 0.8 * life_s
    assert 0.5 <= again_in_s(failures, draw) <= 60


def test_a_token_whose_signature_was_written_otherwise_is_the_same() -> None:
    key = ECKey.generate_key("P-256")
    token = jwt.encode({"alg": "ES256"}, {"sub": "asha"}, key)
    head, _, signature = token.rpartition(".")
    raw = urlsafe_b64decode(signature + "==")
    negated = (P256_ORDER - int.from_bytes(raw[32:])).to_bytes(32)
    twin = f"{head}.{urlsafe_b64encode(raw[:32] + negated).decode().rstrip('=')}"
    assert twin != token
    assert jwt.decode(twin, key, ["ES256"]).claims == {"sub": "asha"}, "good as well"
    assert signed_part(twin) == signed_part(token) != signed_part(jwt.encode({"alg": "ES256"}, {"sub": "ravi"}, key))


KEYS = (ClientKey("desk-1", hash_of("one"), "2026-11-25T09:00:00+00:00"), ClientKey("desk-2", hash_of("two"), "2026-11-25T09:01:00+00:00"))


def test_a_file_of_client_keys_is_read_as_it_was_written() -> None:
    assert parsed(written(KEYS)) == KEYS
    assert parsed("") == ()
    assert by_hash(KEYS) == {hash_of("one"): "desk-1", hash_of("two"): "desk-2"}


@pytest.mark.parametrize(
    "line", ["desk-1", "desk-1 md5:aa now", "desk 1 sha256:" + "a" * 64 + " now", "desk-1 sha256:" + "a" * 63 + " now"]
)
def test_a_line_that_is_no_key_is_named(line: str) -> None:
    with pytest.raises(NoKeys, match="line 2 is no client key"):
        parsed(f"# a heading\n{line}\n")

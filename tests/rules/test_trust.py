"""Who is trusted while the server cannot vouch for anybody (DESIGN §8), and where a request comes from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.rules.log_in import NEAR_MS, PATIENCE_MS, needs_log_in
from proxy.rules.loopback import Seat, seat
from proxy.rules.trust import Ground, Rules, Shown, ground, may_use_own

OWN = Rules(trust_for_s=43_200, loopback_trusted=True, own_credential=True)
THEIRS = Rules(trust_for_s=43_200, loopback_trusted=True, own_credential=False)
KEYS_ONLY = Rules(trust_for_s=43_200, loopback_trusted=False, own_credential=True)
HERE, FORWARDED, ELSEWHERE = Seat

GROUNDS = [
    (Shown(), OWN, None),
    (Shown(accepted_s=0), THEIRS, Ground.ACCEPTED),
    (Shown(accepted_s=43_200), THEIRS, Ground.ACCEPTED),
    (Shown(accepted_s=43_201), THEIRS, None),
    (Shown(signed_over_s=-900), THEIRS, Ground.SIGNED),
    (Shown(signed_over_s=43_200), THEIRS, Ground.SIGNED),
    (Shown(signed_over_s=43_201), THEIRS, None),
    (Shown(client_key=True), THEIRS, Ground.CLIENT_KEY),
    (Shown(client_key=True), KEYS_ONLY, Ground.CLIENT_KEY),
    (Shown(same_key=True), KEYS_ONLY, Ground.SAME_KEY),
    (Shown(same_key=True), THEIRS, None),
    (Shown(seat=HERE), OWN, Ground.LOOPBACK),
    (Shown(seat=HERE), THEIRS, None),
    (Shown(seat=HERE), KEYS_ONLY, None),
    (Shown(seat=FORWARDED), OWN, None),
    (Shown(seat=ELSEWHERE), OWN, None),
]


@pytest.mark.parametrize(("shown", "rules", "expected"), GROUNDS)
def test_why_somebody_is_trusted(shown: Shown, rules: Rules, expected: Ground | None) -> None:
    assert ground(shown, rules) is expected


@pytest.mark.parametrize(
    ("shown", "rules", "expected"),
    [
        (Shown(), THEIRS, True),
        (Shown(), OWN, False),
        (Shown(seat=HERE), KEYS_ONLY, True),
        (Shown(seat=FORWARDED), OWN, True),
        (Shown(client_key=True), OWN, True),
    ],
)
def test_who_may_use_the_sidecars_own_credential(shown: Shown, rules: Rules, expected: bool) -> None:
    assert may_use_own(ground(shown, rules), shown, rules) is expected


HOST = (b"Host", b"127.0.0.1:8480")
FORM = (b"Content-Type", b"text/plain;charset=UTF-8")
JSON = (b"Content-Type", b"application/json")
NAMED = frozenset({"https://desk.example"})


@pytest.mark.parametrize(
    ("peer", "fields", "expected"),
    [
        ("127.0.0.1", (HOST,), HERE),
        ("127.8.9.1", ((b"host", b"localhost"),), HERE),
        ("::1", ((b"Host", b"[::1]:8480"),), HERE),
        ("127.0.0.1", ((b"Host", b"desk:8480"),), HERE),
        ("192.168.4.7", (HOST,), ELSEWHERE),
        ("", (HOST,), ELSEWHERE),
        ("127.0.0.1", (HOST, (b"Forwarded", b"for=192.0.2.43")), FORWARDED),
        ("127.0.0.1", (HOST, (b"X-Forwarded-For", b"127.0.0.1")), FORWARDED),
        ("127.0.0.1", (HOST, (b"x-forwarded-proto", b"https")), FORWARDED),
        ("127.0.0.1", (HOST, (b"X-Real-IP", b"192.0.2.43")), FORWARDED),
        ("127.0.0.1", (HOST, (b"Via", b"1.1 squid")), FORWARDED),
        ("127.0.0.1", ((b"Host", b"evil.example:8480"),), ELSEWHERE),
        ("127.0.0.1", ((b"Host", b"127.0.0.1.evil.example"),), ELSEWHERE),
        ("127.0.0.1", ((b"Host", b"[::1"),), ELSEWHERE),
        ("127.0.0.1", (), HERE),  # HTTP/1.0; a browser always names a host
        ("127.0.0.1", ((b"Host", b""),), HERE),
        ("127.0.0.1", (HOST, FORM, (b"Origin", b"https://evil.example")), ELSEWHERE),
        ("127.0.0.1", (HOST, FORM, (b"Origin", b"null")), ELSEWHERE),
        ("127.0.0.1", (HOST, FORM, (b"Origin", b"http://127.0.0.1:3000")), HERE),
        ("127.0.0.1", (HOST, FORM), HERE),
        ("127.0.0.1", (HOST, FORM, (b"Origin", b"https://desk.example")), HERE),
        ("127.0.0.1", (HOST, JSON, (b"Origin", b"https://desk.example")), HERE),
        ("10.0.0.1", (HOST, JSON, (b"Origin", b"https://desk.example")), ELSEWHERE),
        ("127.0.0.1", (HOST, JSON, (b"Origin", b"https://desk.example:8443")), ELSEWHERE),
        ("127.0.0.1", (HOST, JSON, (b"Origin", b"https://evil.example")), ELSEWHERE),
        ("127.0.0.1", (HOST, (b"Origin", b"https://evil.example")), ELSEWHERE),
        ("127.0.0.1", (HOST, (b"Origin", b"chrome-extension://abcdef")), ELSEWHERE),
        ("127.0.0.1", (HOST, (b"Origin", b"")), ELSEWHERE),
        ("127.0.0.1", (HOST, (b"Origin", b"http://tablet:3000")), HERE),
        ("127.0.0.1", (HOST, (b"Origin", b"https://evil.example"), (b"Access-Control-Request-Method", b"POST")), HERE),
        ("127.0.0.1", (HOST, (b"Sec-Fetch-Site", b"cross-site"), (b"Sec-Fetch-Mode", b"no-cors")), ELSEWHERE),
        ("127.0.0.1", (HOST, (b"Sec-Fetch-Site", b"cross-site"), (b"Sec-Fetch-Mode", b"navigate")), HERE),
        ("127.0.0.1", (HOST, (b"Sec-Fetch-Site", b"same-site"), (b"Sec-Fetch-Mode", b"cors")), HERE),
    ],
)
def test_where_a_request_comes_from(peer: str, fields: tuple[tuple[bytes, bytes], ...], expected: Seat) -> None:
    assert seat(peer, fields, NAMED) is expected


@given(st.text(), st.lists(st.tuples(st.binary(), st.binary())))
def test_nothing_odd_is_here(peer: str, fields: list[tuple[bytes, bytes]]) -> None:
    assert seat(peer, tuple(fields), NAMED) in Seat


NOW = 1_627_626_600_000


@pytest.mark.parametrize(
    ("since", "deadline", "expected"),
    [
        (NOW, None, False),
        (NOW - PATIENCE_MS + 1, None, False),
        (NOW - PATIENCE_MS, None, True),
        (None, None, False),
        (None, NOW + NEAR_MS, False),
        (None, NOW + NEAR_MS - 1, True),
        (NOW, NOW - 1, True),
    ],
)
def test_when_a_log_in_is_needed(since: int | None, deadline: int | None, expected: bool) -> None:
    assert needs_log_in(since, deadline, NOW) is expected

"""The table 'Outcomes of a send' of DESIGN §4, row by row, with the bodies that CoWIN and what stands before it really send."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.profiles.expressions import Expression
from proxy.profiles.load import load_profile
from proxy.profiles.model import Answers
from proxy.rules.outcome import DECODED_MAX, Outcome, OutcomeKind, classify, classify_head, media_type, retry_after_s, view_of
from proxy.rules.wire import Answer, Exchange, Failure, FailureKind

K = OutcomeKind
NOW: Final = datetime(2021, 7, 30, 9, 34, tzinfo=UTC)
COWIN: Final = load_profile("cowin-vaccinator", Path())
ROUTES: Final = {route.name: route for route in COWIN.routes}

JSON: Final = (b"Content-Type", b"application/json; charset=utf-8")
PLAIN: Final = (b"Content-Type", b"text/plain; charset=utf-8")
HTML: Final = (b"Content-Type", b"text/html")
GZIP: Final = (b"Content-Encoding", b"gzip")
X_GZIP: Final = (b"Content-Encoding", b"X-GZIP")
DEFLATE: Final = (b"Content-Encoding", b"deflate")
BROTLI: Final = (b"Content-Encoding", b"br")

WAF: Final = b"<HTML><HEAD><TITLE>ERROR: The request could not be satisfied</TITLE></HEAD><BODY><H1>403 ERROR</H1></BODY></HTML>"
NGINX: Final = b"<html>\r\n<head><title>405 Not Allowed</title></head>\r\n<body><hr><center>nginx</center></body>\r\n</html>"
PORTAL: Final = b"<!DOCTYPE html><html><body><h1>Wi-Fi log-in</h1><input name='voucher'></body></html>"
BAD_CENTRE: Final = b'{"errorCode":"APPOIN0006","error":"Could not find any center for provided centerid"}'
BOOKED: Final = b'{"errorCode":"APPOIN0022","error":"Beneficiary already has an existing booking for this dose"}'
REGISTERED: Final = b'{"beneficiary_reference_id":"48448366834980"}'
REGISTERED_V1: Final = b'{"beneficiary_reference_id":48448366834980}'
GATEWAY: Final = b'{"message":"Endpoint request timed out"}'


def answered(status: int, body: bytes = b"", *fields: tuple[bytes, bytes]) -> Answer:
    return Answer(status, "", fields, body)


def judged(exchange: Exchange, route: str = "vaccinate", answers: Answers | None = None) -> Outcome:
    return classify(exchange, answers or COWIN.answers_of(ROUTES[route]), "errorCode", NOW)


@dataclass(frozen=True)
class Row:
    """What came, and what it means."""

    what: str
    exchange: Exchange
    kind: OutcomeKind
    cause: str
    maybe: bool
    code: str | None = None
    route: str = "vaccinate"
    retry_after_s: float | None = None


CERTAIN: Final = frozenset({K.REFUSED, K.ALREADY_RECORDED, K.NOT_SENT, K.THROTTLED, K.AUTH})
"""Rows after which the upstream surely did not take this send."""

MAYBE, NOT = True, False
"""Whether the upstream may have taken the record."""

UNLIKE: Final = b'{"beneficiary":"48448366834980"}'

ROWS: Final = [
    # accepted: 2xx of the profile's shape
    Row("a dose", answered(200, b'{"status":"ok"}', JSON), K.ACCEPTED, "http_200", MAYBE),
    Row("a dose, 201", answered(201, b"[]", JSON), K.ACCEPTED, "http_201", MAYBE),
    Row("a registration", answered(200, REGISTERED, JSON), K.ACCEPTED, "http_200", MAYBE, route="register"),
    Row("v1's number", answered(200, REGISTERED_V1, JSON), K.ACCEPTED, "http_200", MAYBE, route="register"),
    Row("gzip", answered(200, gzip.compress(REGISTERED), JSON, GZIP), K.ACCEPTED, "http_200", MAYBE, route="register"),
    Row("x-gzip", answered(200, gzip.compress(REGISTERED), JSON, X_GZIP), K.ACCEPTED, "http_200", MAYBE, route="register"),
    Row("deflate", answered(200, zlib.compress(REGISTERED), JSON, DEFLATE), K.ACCEPTED, "http_200", MAYBE, route="register"),
    Row("bare deflate", answered(200, zlib.compress(REGISTERED)[2:-4], JSON, DEFLATE), K.ACCEPTED, "http_200", MAYBE, route="register"),
    Row("with a byte order mark", answered(200, b"\xef\xbb\xbf" + REGISTERED, JSON), K.ACCEPTED, "http_200", MAYBE, route="register"),
    # refused: 4xx whose body is the upstream's own error format
    Row("a bad centre", answered(400, BAD_CENTRE, JSON), K.REFUSED, "http_400", NOT, code="APPOIN0006"),
    Row("gzip", answered(400, gzip.compress(BAD_CENTRE), JSON, GZIP), K.REFUSED, "http_400", NOT, code="APPOIN0006"),
    Row("with a Location", answered(400, BAD_CENTRE, JSON, (b"Location", b"/")), K.REFUSED, "http_400", NOT, code="APPOIN0006"),
    Row("full", answered(409, b'{"errorCode":"APPOIN0040","error":"Full"}', JSON), K.REFUSED, "http_409", NOT, code="APPOIN0040"),
    Row("a booking, where none is meant", answered(400, BOOKED, JSON), K.REFUSED, "http_400", NOT, code="APPOIN0022"),
    # already recorded: what the profile says means so
    Row("a booking", answered(400, BOOKED, JSON), K.ALREADY_RECORDED, "http_400", NOT, "APPOIN0022", route="schedule-onspot"),
    # not sent: no connection
    Row("no name", Failure(FailureKind.DNS, sent=False), K.NOT_SENT, "dns", NOT),
    Row("refused", Failure(FailureKind.REFUSED, sent=False), K.NOT_SENT, "refused", NOT),
    Row("no route", Failure(FailureKind.CONNECT, sent=False), K.NOT_SENT, "connect", NOT),
    Row("bad certificate", Failure(FailureKind.TLS, sent=False), K.NOT_SENT, "tls", NOT),
    # throttled: 429, WAF page
    Row("too many", answered(429, b"", (b"Retry-After", b"30")), K.THROTTLED, "throttled", NOT, retry_after_s=30),
    Row("too many, a page", answered(429, WAF, HTML), K.THROTTLED, "throttled", NOT),
    Row("the firewall", answered(403, WAF, HTML), K.THROTTLED, "waf", NOT),
    Row("the firewall, shouting", answered(403, WAF, (b"CONTENT-TYPE", b"Text/HTML;charset=iso-8859-1")), K.THROTTLED, "waf", NOT),
    # unavailable: any 503
    Row("a balancer's", answered(503, PORTAL, HTML, (b"Retry-After", b"120")), K.UNAVAILABLE, "http_503", MAYBE, retry_after_s=120),
    Row("none known as CoWIN's own", answered(503, BAD_CENTRE, JSON), K.UNAVAILABLE, "http_503", MAYBE, code="APPOIN0006"),
    # auth: 401/403 in the upstream's format
    Row("CoWIN's plain 401", answered(401, b"Unauthenticated access!", PLAIN), K.AUTH, "http_401", NOT),
    Row("gzip", answered(401, gzip.compress(b"Unauthenticated access!"), PLAIN, GZIP), K.AUTH, "http_401", NOT),
    Row("in the error format", answered(401, b'{"errorCode":"USRAUT0023","error":"-"}', JSON), K.AUTH, "http_401", NOT, "USRAUT0023"),
    # impostor: HTML, redirect, wrong content type, captive-portal 200
    Row("a portal", answered(200, PORTAL, HTML), K.IMPOSTOR, "portal", MAYBE),
    Row("a strict portal", answered(200, PORTAL, (b"Content-Type", b"application/xhtml+xml")), K.IMPOSTOR, "portal", MAYBE),
    Row("nginx", answered(405, NGINX, HTML), K.IMPOSTOR, "portal", MAYBE),
    Row("sent elsewhere", answered(302, b"", (b"Location", b"https://wifi.example/login")), K.IMPOSTOR, "redirect", MAYBE),
    Row("a stranger's 401", answered(401, b"Authorization Required", PLAIN), K.IMPOSTOR, "content_type", MAYBE),
    Row("plain text", answered(200, b"OK", PLAIN), K.IMPOSTOR, "content_type", MAYBE),
    Row("no type", answered(200, REGISTERED), K.IMPOSTOR, "content_type", MAYBE),
    # unknown: anything in no row
    Row("no answer", Failure(FailureKind.TIMEOUT, sent=True), K.UNKNOWN, "timeout", MAYBE),
    Row("reset", Failure(FailureKind.RESET, sent=True), K.UNKNOWN, "reset", MAYBE),
    Row("cut off", Failure(FailureKind.TRUNCATED, sent=True), K.UNKNOWN, "truncated", MAYBE),
    Row("no HTTP", Failure(FailureKind.PROTOCOL, sent=True), K.UNKNOWN, "protocol", MAYBE),
    Row("CoWIN's plain 500", answered(500, b"Internal Server Error", PLAIN), K.UNKNOWN, "http_500", MAYBE),
    Row("500 in its own format", answered(500, BAD_CENTRE, JSON), K.UNKNOWN, "http_500", MAYBE, code="APPOIN0006"),
    Row("502", answered(502, PORTAL, HTML), K.UNKNOWN, "http_502", MAYBE),
    Row("the gateway's 504", answered(504, GATEWAY, JSON), K.UNKNOWN, "http_504", MAYBE),
    Row("a gateway's 4xx", answered(403, b'{"message":"Forbidden"}', JSON), K.UNKNOWN, "http_403_unexpected", MAYBE),
    Row("2xx of another shape", answered(200, UNLIKE, JSON), K.UNKNOWN, "http_200_unexpected", MAYBE, route="register"),
    Row("cut JSON", answered(200, REGISTERED[:-1], JSON), K.UNKNOWN, "http_200_unexpected", MAYBE, route="register"),
    Row("cut gzip", answered(200, gzip.compress(REGISTERED)[:-4], JSON, GZIP), K.UNKNOWN, "http_200_unexpected", MAYBE, route="register"),
    Row("damaged gzip", answered(200, b"\x1f\x8b" + REGISTERED, JSON, GZIP), K.UNKNOWN, "http_200_unexpected", MAYBE),
    Row("a coding we do not read", answered(200, b"\x0b\x02\x80{}", JSON, BROTLI), K.UNKNOWN, "http_200_unexpected", MAYBE),
    Row("204", answered(204), K.UNKNOWN, "http_204_unexpected", MAYBE),
    Row("empty 200", answered(200, b"", JSON), K.UNKNOWN, "http_200_unexpected", MAYBE),
    Row("empty 400", answered(400), K.UNKNOWN, "http_400_unexpected", MAYBE),
    Row("304", answered(304), K.UNKNOWN, "http_304_unexpected", MAYBE),
    Row("half an error", answered(400, b'{"errorCode":"APPOIN0006"}', JSON), K.UNKNOWN, "http_400_unexpected", MAYBE, code="APPOIN0006"),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.kind}: {row.what}")
def test_what_a_send_came_to(row: Row) -> None:
    assert judged(row.exchange, row.route) == Outcome(row.kind, row.cause, row.maybe, row.code, row.retry_after_s)


OWN_503: Final = Answers(
    accepted=Expression("body.ok"),
    own_error=Expression("body.error"),
    auth=Expression("body.error == 'token'"),
    unavailable=Expression("body.error == 'maintenance'"),
    already_recorded=Expression("status == `409` && body.error == 'E1030'"),
)
"""A server that says more of itself than CoWIN does, and whose profile forgot to ask for the status."""

SAID_BY_PROFILE: Final = [
    (answered(503, b'{"error":"maintenance"}', JSON), K.UNAVAILABLE, False),
    (answered(503, b'{"error":"maintenance"}', PLAIN), K.UNAVAILABLE, False),
    (answered(503, b'{"error":"overload"}', JSON), K.UNAVAILABLE, True),
    (answered(403, b'{"error":"token"}', JSON), K.AUTH, False),
    (answered(401, b'{"error":"anything"}', JSON), K.AUTH, False),
    (answered(403, b'{"error":"not in your district"}', JSON), K.REFUSED, False),
    (answered(409, b'{"error":"E1030"}', JSON), K.ALREADY_RECORDED, False),
    (answered(409, b'{"error":"E1064"}', JSON), K.REFUSED, False),
    (answered(200, b'{"ok":true}', JSON), K.ACCEPTED, True),
    (answered(404, b'{"ok":true}', JSON), K.UNKNOWN, True),
    (answered(300, b'{"ok":true}', JSON), K.UNKNOWN, True),
    (answered(500, b'{"ok":true}', JSON), K.UNKNOWN, True),
]


@pytest.mark.parametrize(("answer", "kind", "maybe"), SAID_BY_PROFILE)
def test_what_a_profile_says_of_its_own_upstream(answer: Answer, kind: OutcomeKind, maybe: bool) -> None:
    outcome = judged(answer, answers=OWN_503)
    assert (outcome.kind, outcome.maybe_applied) == (kind, maybe)


CODES: Final = [
    ("APPOIN0006", "APPOIN0006"),
    ("USRAUT0014", "USRAUT0014"),
    ("GERR001", "GERR001"),
    ("E1030", "E1030"),
    ("MISSING_FIELDS", "MISSING_FIELDS"),
    ("Lakshmi", None),
    ("LAKSHMI", None),
    ("Lakshmi Nair", None),
    ("Lakshmi-Nair", None),
    ("लक्ष्मी", None),
    ("9000000001", None),
    ("M9000000001", None),
    ("48448366834980", None),
    ("APPOIN0006\n", None),
    ("A1" * 21, None),
    ("", None),
    (422, None),
    (None, None),
    (["APPOIN0006"], None),
    ({"code": "APPOIN0006"}, None),
]


@pytest.mark.parametrize(("given_code", "kept"), CODES)
def test_a_code_that_could_be_a_name_or_a_number_of_a_person_is_not_kept(given_code: object, kept: str | None) -> None:
    body = json.dumps({"errorCode": given_code, "error": "No"}).encode()
    assert judged(answered(400, body, JSON)).code == kept


def test_an_error_code_nested_without_end_is_no_code() -> None:
    body = b'{"error":"No","errorCode":' + b"[" * 1000 + b"]" * 1000 + b"}"
    assert judged(answered(400, body, JSON)).code is None


RETRY_AFTER: Final = [
    (b"120", 120.0),
    (b" 120 ", 120.0),
    (b"0", 0.0),
    (b"0000000000120", 120.0),
    (b"9999999999", 3600.0),
    (b"9" * 6000, 3600.0),
    (b"Fri, 30 Jul 2021 09:36:00 GMT", 120.0),
    (b"Fri, 30 Jul 2021 15:06:00 +0530", 120.0),
    (b"Fri, 30 Jul 2021 09:36:00 -0000", 120.0),
    (b"Friday, 30-Jul-21 09:36:00 GMT", 120.0),
    (b"Fri, 30 Jul 2021 09:33:00 GMT", 0.0),
    (b"Sat, 30 Jul 2022 09:34:00 GMT", 3600.0),
    (b"", None),
    (b"-5", None),
    (b"1.5", None),
    (b"soon", None),
    (b"\xb2", None),
    (b"Fri, 30 Jul 2021 99:99:99 GMT", None),
    (b"Fri, 30 Jul 2021 09:36:00 +99999999999999999999", None),
]


@pytest.mark.parametrize(("value", "expected_s"), RETRY_AFTER)
def test_retry_after_in_seconds_as_a_date_and_as_neither(value: bytes, expected_s: float | None) -> None:
    assert judged(answered(429, b"", (b"retry-after", value))).retry_after_s == expected_s


@pytest.mark.parametrize("off", [timedelta(0), timedelta(1), timedelta(-2)])
def test_a_retry_after_that_is_a_date_is_meant_by_the_servers_clock(off: timedelta) -> None:
    said = ((b"Retry-After", b"Fri, 30 Jul 2021 09:36:00 GMT"), (b"Date", b"Fri, 30 Jul 2021 09:35:00 GMT"))
    assert retry_after_s(answered(503, b"", *said), NOW + off) == 60


def test_without_retry_after_the_upstream_has_no_wish() -> None:
    assert retry_after_s(answered(503), NOW) is None


@given(st.binary(max_size=60).filter(lambda value: b"\n" not in value), st.timedeltas(timedelta(-3000), timedelta(3000)))
def test_no_retry_after_is_an_error(value: bytes, since: timedelta) -> None:
    wait_s = retry_after_s(answered(429, b"", (b"Retry-After", value)), NOW + since)
    assert wait_s is None or 0 <= wait_s <= 3600


@pytest.mark.parametrize("fields", [(JSON, GZIP), (JSON, DEFLATE)])
def test_a_decompression_bomb_is_not_unpacked(fields: tuple[tuple[bytes, bytes], ...]) -> None:
    packed = (gzip.compress if GZIP in fields else zlib.compress)(b" " * (DECODED_MAX + 1) + b"{}")
    assert len(packed) < DECODED_MAX / 100
    assert view_of(answered(200, packed, *fields))["text"] == ""
    assert judged(answered(200, packed, *fields)).kind is K.UNKNOWN


def test_a_bomb_takes_no_more_memory_than_its_bound() -> None:
    bomb = gzip.compress(b"\0" * (8 * DECODED_MAX), compresslevel=1)
    tracemalloc.start()
    try:
        judged(answered(200, bomb, JSON, GZIP))
        assert tracemalloc.get_traced_memory()[1] < 3 * DECODED_MAX
    finally:
        tracemalloc.stop()


def test_what_an_expression_sees_of_an_answer() -> None:
    view = view_of(answered(400, BAD_CENTRE, JSON, (b"X-Request-ID", b"7\xe9")))
    assert view == {
        "status": 400,
        "headers": {"content-type": "application/json; charset=utf-8", "x-request-id": "7é"},
        "body": json.loads(BAD_CENTRE),
        "text": BAD_CENTRE.decode(),
    }


@pytest.mark.parametrize(
    ("value", "expected"), [(b"Text/HTML ; charset=x", "text/html"), (b"", ""), (b"application/json", "application/json")]
)
def test_the_media_type(value: bytes, expected: str) -> None:
    assert media_type(answered(200, b"", (b"content-type", value))) == expected


HEADS: Final = [
    # status, content type, kind and cause on a route the profile describes, on one it does not
    (200, "application/json", (K.ACCEPTED, "http_200"), (K.ACCEPTED, "http_200")),
    (204, "", (K.ACCEPTED, "http_204"), (K.ACCEPTED, "http_204")),
    (304, "", (K.ACCEPTED, "http_304"), (K.ACCEPTED, "http_304")),
    (302, "", (K.IMPOSTOR, "redirect"), (K.ACCEPTED, "http_302")),
    (307, "text/html", (K.IMPOSTOR, "portal"), (K.ACCEPTED, "http_307")),
    (200, "text/html; charset=utf-8", (K.IMPOSTOR, "portal"), (K.ACCEPTED, "http_200")),
    (405, "text/html", (K.IMPOSTOR, "portal"), (K.REFUSED, "http_405")),
    (400, "application/json", (K.REFUSED, "http_400"), (K.REFUSED, "http_400")),
    (401, "text/plain", (K.AUTH, "http_401"), (K.AUTH, "http_401")),
    (403, "application/json", (K.AUTH, "http_403"), (K.AUTH, "http_403")),
    (403, "text/html", (K.THROTTLED, "waf"), (K.AUTH, "http_403")),
    (429, "application/json", (K.THROTTLED, "throttled"), (K.THROTTLED, "throttled")),
    (500, "text/plain", (K.UNKNOWN, "http_500"), (K.UNKNOWN, "http_500")),
    (503, "text/html", (K.UNAVAILABLE, "http_503"), (K.UNAVAILABLE, "http_503")),
    (504, "application/json", (K.UNKNOWN, "http_504"), (K.UNKNOWN, "http_504")),
]


@pytest.mark.parametrize(("status", "content_type", "on_a_route", "elsewhere"), HEADS)
def test_what_the_head_of_a_passing_answer_says(
    status: int, content_type: str, on_a_route: tuple[OutcomeKind, str], elsewhere: tuple[OutcomeKind, str]
) -> None:
    for described, expected in ((True, on_a_route), (False, elsewhere)):
        outcome = classify_head(status, content_type, described=described)
        assert (outcome.kind, outcome.cause) == expected
        assert outcome.maybe_applied == (outcome.kind not in CERTAIN)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_every_redirect_is_an_impostors(status: int) -> None:
    assert classify_head(status, "", described=True).cause == "redirect"
    assert judged(answered(status, b"", (b"location", b"https://wifi.example/login"))).cause == "redirect"


def test_the_kinds_are_the_labels_of_sends_total() -> None:
    assert {kind.value for kind in OutcomeKind} == {
        "accepted",
        "refused",
        "already_recorded",
        "not_sent",
        "throttled",
        "unavailable",
        "auth",
        "impostor",
        "unknown",
    }


# By property ---------------------------------------------------------------------------------------------------------------------

field_names: Final = st.sampled_from([b"Content-Type", b"content-encoding", b"Location", b"Retry-After", b"X-Other"])
field_values: Final = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([b"application/json", b"text/html", b"text/plain", b"gzip", b"deflate", b"br", b"identity", b"120"]),
)
json_values: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["errorCode", "error", "x"]), inner, max_size=3),
    max_leaves=6,
)
bodies: Final = st.one_of(
    st.binary(max_size=60),
    json_values.map(lambda value: json.dumps(value).encode()),
    json_values.map(lambda value: gzip.compress(json.dumps(value).encode())),
    st.sampled_from([WAF, PORTAL, BAD_CENTRE, BOOKED, REGISTERED, b"Unauthenticated access!"]),
)
strange_answers: Final = st.builds(
    Answer, st.integers(100, 599), st.just(""), st.lists(st.tuples(field_names, field_values), max_size=4).map(tuple), bodies
)
failures: Final = st.builds(Failure, st.sampled_from(FailureKind), st.booleans())


@given(strange_answers | failures, st.sampled_from(sorted(ROUTES)))
def test_every_exchange_has_an_outcome_and_only_what_proves_it_is_certain(exchange: Exchange, route: str) -> None:
    outcome = judged(exchange, route)
    assert outcome.maybe_applied == (outcome.kind not in CERTAIN), "CoWIN has no 503 of its own"
    assert outcome.retry_after_s is None or 0 <= outcome.retry_after_s <= 3600


@given(strange_answers, st.sampled_from(sorted(ROUTES)))
def test_a_verdict_is_only_what_the_server_itself_can_have_said(answer: Answer, route: str) -> None:
    kind = judged(answer, route).kind
    if kind is K.ACCEPTED:
        assert 200 <= answer.status < 300
    if kind is K.REFUSED:
        assert 400 <= answer.status < 500
        assert answer.status not in (401, 429)
    if kind in (K.ACCEPTED, K.REFUSED, K.ALREADY_RECORDED) and answer.body:
        assert media_type(answer) in COWIN.answers_of(ROUTES[route]).content_types


@given(bodies, st.integers(500, 599))
def test_no_answer_of_a_broken_server_is_a_verdict(body: bytes, status: int) -> None:
    assert judged(answered(status, body, JSON)).kind in (K.UNKNOWN, K.UNAVAILABLE)


@given(st.text(max_size=40), json_values)
def test_nothing_of_the_servers_text_is_kept_but_a_code(error: str, code: object) -> None:
    outcome = judged(answered(400, json.dumps({"errorCode": code, "error": error}).encode(), JSON))
    assert outcome.cause in ("http_400", "http_400_unexpected")
    assert outcome.code is None or outcome.code == code

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.rules.said import SAID_MAX, of_answer, of_failure, of_head
from proxy.rules.wire import Answer, Failure, FailureKind


@pytest.mark.parametrize(
    ("status", "reason", "said"),
    [
        (503, "Service Unavailable", "503 Service Unavailable"),
        (503, "Service Temporarily Unavailable", "503 Service Temporarily Unavailable"),
        (504, "Gateway Time-out", "504 Gateway Time-out"),
        (503, "Backend fetch failed", "503 Backend fetch failed"),
        (500, "", "500"),
        (400, "Lakshmi Nair is dead", "400"),
        (400, "48448366834980", "400"),
        (503, "Service Unavailable for Lakshmi", "503"),
    ],
)
def test_of_a_reason_only_a_servers_usual_words_are_kept(status: int, reason: str, said: str) -> None:
    assert of_head(status, reason) == said


def test_an_answer_is_told_with_its_code_and_where_it_sends_us_and_nothing_else() -> None:
    fields = ((b"Location", b"https://portal.example:8443/log-in?name=Lakshmi%20Nair"), (b"X-Name", b"Lakshmi"))
    assert of_answer(Answer(302, "Found", fields, b"Lakshmi"), "APPOIN0006") == "302 Found APPOIN0006 to portal.example"
    assert of_answer(Answer(503, "", (), b""), "RAWAT_ASHA") == "503"
    for host, said in (("10.113.205.131", " to 10.113.205.131"), ("u98765-43210.portal.example", "")):
        assert of_answer(Answer(302, "Found", ((b"location", f"http://{host}/".encode()),), b""), None) == f"302 Found{said}", host
    assert of_answer(Answer(302, "Found", ((b"location", b"/log-in"),), b""), None) == "302 Found"
    assert of_answer(Answer(302, "Found", ((b"location", b"http://[bad/"),), b""), None) == "302 Found"


@given(st.integers(100, 999), st.text(max_size=400), st.binary(max_size=400))
def test_it_is_bounded_whatever_comes(status: int, reason: str, location: bytes) -> None:
    assert len(of_answer(Answer(status, reason, ((b"location", location),), b""), None)) <= SAID_MAX


@pytest.mark.parametrize("kind", FailureKind)
def test_no_answer_is_told_in_our_words(kind: FailureKind) -> None:
    assert of_failure(Failure(kind, sent=True))

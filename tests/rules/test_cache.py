"""What may be remembered, and what it says of itself: RFC 9111, 9110, 9211. On real sockets: tests/traffic/test_reads.py."""

from __future__ import annotations

from random import Random
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.profiles.model import Policy, Route
from proxy.rules.cache import (
    Cause,
    Stored,
    cache_status,
    directives,
    fresh_for_s,
    initial_age_s,
    may_be_remembered,
    question,
    variant,
    vary,
)
from proxy.rules.stamps import Stamp
from proxy.rules.wire import Answer

DATE = (b"Date", b"Fri, 30 Jul 2021 10:00:00 GMT")
NOON = Stamp(1_627_626_600_000, "boot", 100.0)


def with_fields(*fields: tuple[bytes, bytes]) -> Answer:
    return Answer(200, "OK", fields, b"{}")


@pytest.mark.parametrize(
    ("fields", "fresh_s"),
    [
        ([], 0),
        ([(b"Cache-Control", b"max-age=60")], 60),
        ([(b"Cache-Control", b'max-age="60"')], 60),
        ([(b"cache-control", b"public"), (b"Cache-Control", b"MAX-AGE=5, max-age=7")], 5),
        ([(b"Cache-Control", b"max-age=soon")], 0),
        ([(b"Cache-Control", b"max-age=" + b"9" * 5000)], 2**31),
        ([DATE, (b"Expires", b"Fri, 30 Jul 2021 10:05:00 GMT")], 300),
        ([DATE, (b"Expires", b"Fri, 30 Jul 2021 09:55:00 GMT")], 0),
        ([DATE, (b"Expires", b"0")], 0),
        ([DATE, (b"Expires", b"Fri, 30 Jul 2021 10:05:00 GMT"), (b"Cache-Control", b"max-age=1")], 1),
    ],
)
def test_how_long_the_upstream_calls_it_fresh(fields: list[tuple[bytes, bytes]], fresh_s: int) -> None:
    assert fresh_for_s(with_fields(*fields)) == fresh_s


def test_its_age_is_what_the_caches_behind_us_say_and_what_passed_since() -> None:
    answer = with_fields((b"Age", b"30"))
    stored = Stored(answer, NOON, initial_age_s(answer))
    assert stored.age_s(Stamp(NOON.wall, "boot", 107.5)) == 37.5
    assert stored.age_s(Stamp(NOON.wall + 60_000, "another boot", 3.0)) == 90, "over a reboot the wall clock tells"
    assert stored.age_s(Stamp(NOON.wall - 60_000, "another boot", 3.0)) == 30, "never younger than it came"


@pytest.mark.parametrize(
    ("cause", "status", "said"),
    [
        (Cause.OUTAGE, None, "dosekeeper; hit; ttl=50; detail=outage"),
        (Cause.LATE, None, "dosekeeper; fwd=stale; ttl=50; detail=late"),
        (Cause.FAILED, 502, "dosekeeper; fwd=stale; fwd-status=502; ttl=50; detail=failed"),
    ],
)
def test_where_it_came_from(cause: Cause, status: int | None, said: str) -> None:
    stored = Stored(with_fields((b"Cache-Control", b"max-age=60")), NOON, 0)
    assert cache_status(stored, Stamp(NOON.wall, "boot", 110.0), cause, status) == said


@given(st.lists(st.tuples(st.sampled_from("abc"), st.text(max_size=3)), max_size=6), st.randoms())
def test_a_question_is_the_same_in_any_order_of_its_parameters(pairs: list[tuple[str, str]], draw: Random) -> None:
    names = sorted({name for name, _ in pairs}, key=lambda _: draw.random())
    shuffled = [pair for name in names for pair in pairs if pair[0] == name]
    assert question("/p", urlencode(pairs), {}, "w") == question("/p", urlencode(shuffled), {}, "w")


def test_a_question_is_whose_it_is_too() -> None:
    asked = [question("/p", "a=1", {"x": value}, whose) for value in ("1", None) for whose in ("asha", "ravi", "")]
    assert len(set(asked)) == len(asked)


def test_what_it_varies_by() -> None:
    assert vary(with_fields((b"Vary", b"Accept, accept-language"), (b"vary", b"ACCEPT"))) == ("accept", "accept-language")
    assert vary(with_fields((b"Vary", b"Accept, *"))) is None
    assert variant(((b"Accept", b"a"), (b"ACCEPT", b"b")), ["accept"]) == variant(((b"accept", b"a,b"),), ["accept"])
    assert variant((), ["accept"]) != variant(((b"Accept", b"a"),), ["accept"])


@given(st.binary(max_size=60))
def test_whatever_stands_in_cache_control_is_read_in_good_time(value: bytes) -> None:
    assert isinstance(directives(((b"Cache-Control", value * 100),)), dict)


@pytest.mark.parametrize(
    ("wish", "own", "shared"),
    [(b"max-age=1", True, True), (b"private", True, False), (b"s-maxage=9", True, False), (b"proxy-revalidate", True, False)],
)
def test_some_wishes_are_of_concern_on_shared_routes_only(wish: bytes, own: bool, shared: bool) -> None:
    answer = with_fields((b"Cache-Control", wish))
    route = Route(name="find", method="GET", path="/find", policy=Policy.READ, group="main")
    assert may_be_remembered(route, (), answer) is own
    assert may_be_remembered(route.model_copy(update={"shared": "centre"}), (), answer) is shared


@given(st.text("ab=&%24+._-~ é", max_size=12))
@example("a+b=a")
@example("a=a+b")
@example("a=%61")
@example("a=")
@example("a")
def test_the_short_way_to_a_question_is_no_other_question(query: str) -> None:
    """Answers are found again by it after an update too."""
    pairs = sorted(parse_qsl(query, keep_blank_values=True), key=lambda pair: pair[0])
    assert question("/p", query, {}, "w") == f"/p\0{urlencode(pairs)}\0\0w"

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pytest

from proxy.profiles.expressions import Expression
from proxy.profiles.load import load_profile
from proxy.profiles.model import Expected
from proxy.rules.pace import SPARE_EVERY_S, Bucket, full, take_live, take_spare
from proxy.rules.warm_up import (
    IN_VAIN_S,
    LIST_EVERY_S,
    LOOK_UPS_MAX,
    NEXT_DAY_WITHIN_S,
    QUIET_S,
    Coverage,
    Kind,
    Page,
    Want,
    coverage,
    days,
    in_turn,
    list_of,
    may_ask,
    page,
)
from proxy.rules.wire import Answer

DAY_S = 86_400.0
COWIN_PER_MINUTE = 20.0


def want(kind: Kind = Kind.EXPECTED, age_s: float | None = None, tried_s: float | None = None) -> Want:
    return Want(kind, age_s, DAY_S, tried_s)


def expected(**more: str) -> Expected:
    words = {"entries": Expression("body.entries"), "look_ups": Expression("entry.ask"), "next": Expression("body.next")}
    return Expected(path="/day", query={name: Expression(text) for name, text in more.items()}, **words)


def a_list(**body: object) -> Answer:
    return Answer(200, "OK", ((b"Content-Type", b"application/json"),), orjson.dumps(body))


class TestInTurn:
    @pytest.mark.parametrize(
        ("one", "due"),
        [
            (want(), True),
            (want(age_s=0), False),
            (want(age_s=DAY_S / 2 - 1), False),
            (want(age_s=DAY_S / 2), True),
            (want(Kind.LIST, LIST_EVERY_S - 1), False),
            (want(Kind.LIST, LIST_EVERY_S), True),
            (want(tried_s=IN_VAIN_S - 1), False),
            (want(tried_s=IN_VAIN_S), True),
            (want(age_s=DAY_S / 2, tried_s=IN_VAIN_S - 1), False),
            (want(Kind.LIST, LIST_EVERY_S, tried_s=LIST_EVERY_S), True),
        ],
    )
    def test_what_is_due(self, one: Want, due: bool) -> None:
        assert in_turn([one]) == ([0] if due else [])

    def test_masters_then_lists_then_who_is_expected_then_what_was_read_and_what_is_missing_before_what_grows_old(self) -> None:
        wants = [want(Kind.READ), want(age_s=DAY_S * 0.6), want(age_s=DAY_S * 0.7), want(), want(Kind.LIST), want(Kind.MASTER), want()]
        assert in_turn(wants) == [5, 4, 3, 6, 2, 1, 0]


@pytest.mark.parametrize("missing", ["credential", "idle_s", "backlog", None])
def test_it_is_asked_only_with_a_credential_in_a_quiet_time_and_with_nothing_to_send(missing: str | None) -> None:
    idle_s = QUIET_S - (0.1 if missing == "idle_s" else 0)
    asks = may_ask(credential=missing != "credential", idle_s=idle_s, backlog=missing == "backlog")
    assert asks is (missing is None)


def test_a_person_is_found_when_all_that_is_looked_up_of_them_is_there() -> None:
    assert coverage([[True, True], [True, False], [], [True]]) == Coverage(persons=4, found=2)


def test_tomorrow_is_that_of_the_centre() -> None:
    midnight_in_india = 1_627_583_400_000  # 30 July 2021, 00:00 there
    noon = midnight_in_india + 12 * 3_600_000
    assert days(noon, ZoneInfo("Asia/Kolkata"), "c") == (date(2021, 7, 30), date(2021, 7, 31))
    assert days(midnight_in_india - 1, ZoneInfo("Asia/Kolkata"), "c") == (date(2021, 7, 29), date(2021, 7, 30))


def test_not_all_centres_ask_for_the_new_day_at_midnight() -> None:
    midnight_in_india, today = 1_627_583_400_000, date(2021, 7, 30)
    centres = [f"centre-{number}" for number in range(100)]

    def asking(after_s: float) -> int:
        wanted = [days(midnight_in_india + round(after_s * 1000), ZoneInfo("Asia/Kolkata"), centre) for centre in centres]
        assert {each[0] for each in wanted} == {today}
        return sum(each == (today, today + timedelta(days=1)) for each in wanted)

    assert asking(60) <= 10
    assert 30 <= asking(NEXT_DAY_WITHIN_S / 2) <= 70
    assert asking(NEXT_DAY_WITHIN_S) == len(centres)


def test_a_list_is_asked_for_in_the_servers_own_way_of_writing_days() -> None:
    day = date(2021, 7, 3)
    assert list_of(expected(), day, "c 1") == "/day"
    assert list_of(expected(on="day", at="centre"), day, "c 1") == "/day?on=2021-07-03&at=c%201"
    assert list_of(expected(on="join('-', [dd, mm, yyyy])"), day, "c 1") == "/day?on=03-07-2021"
    assert list_of(expected(on="`null`"), day, "c 1") is None


def test_what_is_looked_up_is_a_path_and_a_list_goes_on_where_it_says() -> None:
    asks = ["/a", ["/b", "/c", "/b"], "https://elsewhere/", 7, None, [], [f"/{number}" for number in range(LOOK_UPS_MAX + 1)]]
    said = page(expected(), a_list(entries=[{"ask": ask} for ask in asks], next="https://host/fhir/day?from=2"), "/fhir")
    assert said.persons[:2] == (("/a",), ("/b", "/c"))
    assert [len(person) for person in said.persons[2:]] == [LOOK_UPS_MAX]
    assert said.following == "/day?from=2"


@pytest.mark.parametrize("url", ["https://host/other?from=2", "day", 7, "", None])
def test_a_list_goes_on_nowhere_else(url: object) -> None:
    assert page(expected(), a_list(entries="none", next=url), "/fhir") == Page((), None)


def test_the_shipped_list_is_this_centres_alone() -> None:
    wanted = load_profile("fhir-r4", Path()).warm_up
    assert wanted is not None
    asks = [list_of(each, date(2021, 7, 3), "c 1") for each in wanted.expected]
    assert asks == ["/Appointment?actor=Location%2Fc%201&date=2021-07-03&_count=100"]


@pytest.mark.parametrize("name", ["cowin-vaccinator", "fhir-r4"])
def test_the_shipped_profiles_ask_for_nothing_that_only_a_person_may(name: str) -> None:
    wanted = load_profile(name, Path()).warm_up
    assert wanted is not None
    assert [target for target in wanted.masters if "auth" in target or "otp" in target.lower()] == []


class TestSpare:
    def test_a_quarter_of_the_rate_at_most(self) -> None:
        bucket, now, last, calls = full(COWIN_PER_MINUTE, 0), 0.0, -1e9, 0
        while now < 600:
            bucket, wait_s = take_spare(bucket, now, now - last)
            if wait_s == 0:
                last, calls = now, calls + 1
            now += wait_s or 0.001
        assert 49 <= calls <= 51, "of the 200 that ten minutes have"

    def test_only_what_the_desks_leave_over(self) -> None:
        bucket, now, spared = full(COWIN_PER_MINUTE, 0), 0.0, 0
        for _ in range(200):  # a desk's call every three seconds is all that the server bears
            bucket, now = take_live(bucket, now), now + 2.9
            bucket, wait_s = take_spare(bucket, now, 1e9)
            spared += wait_s == 0
        assert spared == 0
        assert take_spare(bucket, now + 60, 1e9)[1] == 0

    def test_one_a_second_where_the_server_bears_any_number(self) -> None:
        bucket: Bucket = full(None, 0)
        assert take_spare(bucket, 0, SPARE_EVERY_S) == (bucket, 0)
        assert take_spare(bucket, 0, SPARE_EVERY_S / 4) == (bucket, SPARE_EVERY_S * 0.75)

"""What the demo plans, shows and draws: who comes, the live view, the table, the page."""

from __future__ import annotations

import copy
import io
import re
from collections import Counter
from dataclasses import replace
from datetime import date
from random import Random
from typing import Any

import pytest

from simulator.demo.crowd import crowds
from simulator.demo.day_report import of_the_day
from simulator.demo.evidence import Applied, Evidence, Received, Span
from simulator.demo.history import Clock
from simulator.demo.page import page
from simulator.demo.plan import MISREAD_S, REFUSED_BATCH, Plan
from simulator.demo.report import report
from simulator.demo.rows import ROWS
from simulator.demo.screen import Row, Screen, View
from simulator.demo.seen import Seen
from simulator.demo.table import table
from simulator.desks import Coming, Entered, Entry, InVain
from simulator.people import population
from tests.system.markup import Read

DAY = 1_627_600_000_000
OPENED_AT = 1_000_000
PLAN = Plan(seconds=48, centres=2, one_in=10)
"""A second of it is ten minutes of the day."""


def at(seconds: float) -> int:
    return OPENED_AT + round(seconds * 1000)


def centre(number: int, *, judged: bool) -> Evidence:
    """Return a centre at which one dose is given before the outage (11:00), one in it (13:00)."""
    entries = [
        Entered(Entry(number + place, f"who-{number + place}", 1), f"r{place}", at(second), at(second), False)
        for place, second in ((1, 12), (2, 24))
    ]
    down = Span(at(18.4), at(36))
    return Evidence(
        came=3,
        served=2,
        entered=entries,
        meant={one.entry.number: one.entry.who for one in entries},
        double_taps=0,
        in_vain=[] if judged else [InVain(at(20), "status 503")] * 7,
        put_right=0,
        longest_wait_s=0.5 if judged else 17.6,
        received=[Received(b"", at(second), None, False) for second in (12, 36.1, 36.2, 37.3)],
        applied=[Applied(one.entry.who, 1, at(37), one.entry.number) for one in entries],
        states={one.record: "delivered" for one in entries},
        down=down,
        troubles=[down],
        measured=[down] if judged else [],
        dead=Span(at(27), at(28)) if judged and number else None,
    )


def played(**changed: object) -> dict[str, Any]:
    """Return the result file of a small day; *changed* are members of all figures with dosekeeper."""
    kept, without = (
        Seen(OPENED_AT, centres, [effect for one in centres for effect in one.applied])
        for centres in ([centre(number, judged=judged) for number in (0, 100)] for judged in (True, False))
    )
    result = report(PLAN, kept, without)
    result["with"]["all"].update(changed)
    return result


def register(count: int) -> list[dict[str, Any]]:
    people = population(count, Random(1), date(2021, 7, 30))
    return [{"id": person.id, "doses": {str(number): {"day": dose.day} for number, dose in person.doses.items()}} for person in people]


def crowd(plan: Plan) -> list[list[Coming]]:
    return list(crowds(plan, register(plan.people), DAY))


def test_the_same_seed_brings_the_same_people_at_the_same_times() -> None:
    assert crowd(Plan(60)) == crowd(Plan(60))
    assert crowd(Plan(60)) != crowd(Plan(60, seed=2))


def test_the_crowd_is_that_of_the_day() -> None:
    plan = Plan(60)
    queues = crowd(plan)
    dues = [coming.due for queue in queues for coming in queue]
    assert len(queues[0]) == 800
    assert len(queues) == 9
    assert sum(due.walk_in is not None for due in dues) / len(dues) == pytest.approx(0.77, abs=0.02)
    assert 0.15 < sum(due.doses[-1] == 2 for due in dues) / len(dues) < 0.3
    assert 0.05 < sum(due.vaccine == "COVAXIN" for due in dues) / len(dues) < 0.15
    assert len({due.who for due in dues}) == len(dues), "nobody comes twice"
    assert {due.center_id for due in dues} == {centre.number for centre in plan.district}
    for queue in queues:
        assert [coming.at_s for coming in queue] == sorted(coming.at_s for coming in queue)
        assert queue[0].at_s == 0
        assert queue[-1].at_s < plan.seconds


def test_one_vial_is_misread_while_the_server_is_down() -> None:
    plan = Plan(60)
    misread = [(place, one) for place, queue in enumerate(crowd(plan)) for one in queue if one.due.batch == REFUSED_BATCH]
    ((place, one),) = misread
    assert place == 0
    assert one.due.walk_in is not None
    assert plan.after_opening_s(MISREAD_S) <= one.at_s < plan.after_opening_s(14 * 3600)


def test_the_result_file_has_the_day_in_steps_of_ten_minutes() -> None:
    result = played()
    (first, second), server = result["with"]["centres"], result["with"]["server"]
    assert [minute for minute, count in enumerate(first["history"]["given"]) if count] == [12, 24]
    assert Counter(dict(enumerate(first["history"]["taken_on"])))[37] == 2
    assert first["history"]["measured"] == [[724.0, 900.0]]
    assert (first["history"]["dead"], second["history"]["dead"]) == (None, [810.0, 820.0])
    assert (server["down"], server["most_in_a_second"], server["step_s"]) == ([724.0, 900.0], 2, 1.0)
    assert result["broken"] == []


def test_a_guarantee_that_one_centre_breaks_is_broken() -> None:
    centres = [centre(0, judged=True), replace(centre(100, judged=True), applied=[], states={})]
    kept = Seen(OPENED_AT, centres, centres[0].applied)
    result = report(PLAN, kept, kept)
    assert [sentence.partition(":")[0] for sentence in result["broken"]] == ["lost"]


def test_a_guarantee_that_all_together_do_not_show_broken_is_told_with_its_centre() -> None:
    centres = [replace(centre(0, judged=True), longest_wait_s=4.5), centre(100, judged=True)]
    kept = Seen(OPENED_AT, centres, [effect for one in centres for effect in one.applied])
    assert report(PLAN, kept, kept)["broken"] == ["wait: a desk waited 4.5 s for its answer, over 4.0 s (Medical College)"]


def test_the_table_has_every_row_of_both_days_and_the_verdict() -> None:
    shown = table(played(longest_wait_s=3.04, not_recorded={"status 507": 2}))
    for row in ROWS:
        assert f"\n  {row.name} " in shown
    assert re.search(r"^  longest wait at a desk +3\.0 s +17\.6 s$", shown, re.MULTILINE)
    assert re.search(r"^  desks asked in vain +2 +14$", shown, re.MULTILINE)
    assert re.search(r"^  outage, as measured +17\.6 s +–$", shown, re.MULTILINE)
    assert shown.endswith("Every guarantee was kept.")


def test_the_table_says_which_guarantee_is_broken() -> None:
    assert table({**played(), "broken": ["lost: 1 of them"]}).endswith("BROKEN  lost: 1 of them.")


def test_the_page_stands_alone_and_is_well_formed() -> None:
    read = Read(page(played()))
    assert read.open == []
    assert {tag for tag, _ in read.tags}.isdisjoint({"script", "link", "img", "iframe", "object"})
    assert not [attribute for _, attributes in read.tags for attribute in attributes if attribute.startswith(("on", "src", "href"))]
    assert "url(" not in page(played())
    assert sum(tag == "svg" for tag, _ in read.tags) == 3


def test_the_page_has_every_row_for_every_centre() -> None:
    read = Read(page(played()))
    for row in ROWS:
        assert f"\n{row.name}\n" in read.text
    assert sum(tag == "td" for tag, _ in read.tags) == len(ROWS) * (2 + PLAN.centres)
    assert "Every guarantee was kept" in read.text
    assert "12:04 to 15:00" in read.text


def test_the_longest_wait_without_dosekeeper_is_told_in_the_time_of_the_day() -> None:
    said = Read(page(played())).text
    assert "0.5 s" in said
    assert "2 h 56 min" in said


def test_how_old_the_answers_of_the_outage_were_is_told_in_the_time_of_the_day() -> None:
    read = Read(page(played(look_ups_in_outage=40, look_ups_answered_in_outage=39, look_up_age_median_s=5.0, look_up_age_max_s=16)))
    assert "\n39\n look-ups answered meanwhile, of 40\n50 min\n their median age; 2 h 40 min at most\n" in read.text
    assert "\n0\n look-ups answered meanwhile, of 0\n–\n their age\n" in read.text, "the day without"


def test_the_page_says_what_is_broken_and_no_longer_that_all_was_kept() -> None:
    said = page({**played(), "broken": ["lost: <3> of them"]})
    assert "lost: &lt;3&gt; of them" in said
    assert "Every guarantee was kept" not in said


def test_the_page_has_the_days_report_of_outages() -> None:
    assert "down: <12:04>" in Read(page({**played(), "outage_report": "down: <12:04>"})).text


def test_a_report_of_the_run_is_told_in_the_time_of_the_day() -> None:
    clock = Clock(OPENED_AT, speed=600)
    measured = {"from": "1970-01-01T00:16:40.000Z", "ended_between": [None, "1970-01-01T00:16:58.400Z"], "down_s": 18, "longest_wait_s": 3}
    assert of_the_day({"days": [measured], "cause": "Z"}, clock) == {
        "days": [
            {
                "from": "2021-07-30T09:00:00+05:30",
                "ended_between": [None, "2021-07-30T12:04:00+05:30"],
                "down_s": 10_800,
                "longest_wait_s": 3,
            }
        ],
        "cause": "Z",
    }


def test_the_page_draws_the_outage_where_it_was() -> None:
    result = played()
    later = copy.deepcopy(result)
    later["with"]["server"]["down"] = [780.0, 900.0]
    first, second = (
        next(attributes for tag, attributes in Read(page(one)).tags if tag == "rect" and attributes["class"] == "down")
        for one in (result, later)
    )
    assert float(second["x"] or 0) > float(first["x"] or 0)
    assert float(second["width"] or 0) < float(first["width"] or 0)


def test_the_same_result_makes_the_same_page() -> None:
    assert page(played()) == page(played())


VIEW = View(12.5 * 3600, "The server is down", [Row("Kashipur", "down", 41, 30, 9, 70, 0.25), Row("Kichha", "up", 20, 20, 0, 40, 1.5)])


class Terminal(io.StringIO):
    """Somewhere that can be redrawn."""

    def isatty(self) -> bool:
        return True


def test_where_nothing_can_be_redrawn_there_is_a_line_a_quarter_of_an_hour() -> None:
    out = io.StringIO()
    screen = Screen(out)
    for minutes in (0, 5, 15):
        screen.show(replace(VIEW, day_s=VIEW.day_s + 60 * minutes))
    screen.turn(VIEW.day_s, "The server is down")
    assert out.getvalue().splitlines() == [
        "12:30  61 doses given (50 without dosekeeper); 9 records wait, 110 confirmed; 1 of 2 sidecars see the server down",
        "12:45  61 doses given (50 without dosekeeper); 9 records wait, 110 confirmed; 1 of 2 sidecars see the server down",
        "12:30  The server is down.",
    ]


def test_on_a_terminal_the_picture_is_drawn_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.platform", "linux")
    out = Terminal()
    screen = Screen(out)
    long = replace(VIEW, said="The server is down" * 9)
    screen.show(long)
    once = out.getvalue()
    screen.show(long)
    assert out.getvalue() == once + f"\x1b[{once.count(chr(10))}A" + once
    assert all(len(row.removeprefix("\x1b[2K")) < 80 for row in once.splitlines())
    assert "Kashipur" in once
    assert re.search(r"41 #+\.+\n", once)

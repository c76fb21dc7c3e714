"""The report of two days with one of everything: its figures, and how it reads in both languages."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from proxy.cli.report_text import text
from proxy.operations import outages
from proxy.operations.asked import AnnotateAsked, ReportAsked
from proxy.operations.centre import Centre
from proxy.operations.errors import NotThere, Unfit
from proxy.operations.outage_report import report
from proxy.operations.report_page import page
from proxy.operations.report_words import Words
from store.decisions import Act, Decided
from store.journal import Journal
from store.outages import Note
from store.records import RecordState
from tests.operations.outage_scene import BOTH, GROUP, ZONE, at, centre, record, seen, written
from tests.system.markup import Read

EN, HI = Words("en", ZONE), Words("hi", ZONE)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Centre]:
    journal = await Journal.open(tmp_path / "journal.db", bytes(32))
    try:
        await written(journal)
        yield await centre(journal, tmp_path)
    finally:
        await journal.close()


def figures(told: dict[str, Any]) -> tuple[object, ...]:
    names = (
        "outages",
        "down_s",
        "longest_s",
        "planned_s",
        "slow_s",
        "unobserved_s",
        "doses",
        "walk_ins",
        "records",
        "late",
        "confirmed_at",
    )
    return tuple(told[name] for name in names)


async def test_each_day_and_month_has_its_figures_and_what_nobody_watched_counts_as_neither(scene: Centre) -> None:
    found = await report(scene, BOTH)
    first, second = found["days"]
    assert figures(first) == (1, 1200, 1200, 0, 0, 14 * 3600, 1, 0, 1, 1, "2021-07-30T12:30:00.000Z")
    # From 12:04:10 to 15:00:10 without the ten minutes of the restart; the day is over at 20:00, when the report was made.
    assert figures(second) == (1, 9960, 9960, 1800, 1200, 8 * 3600 + 600 + 2 * 3600, 2, 1, 4, 0, "2021-07-30T09:35:00.000Z")
    assert [figures(month) for month in found["months"]] == [figures(found["total"])]
    assert figures(found["total"])[:2] == (2, 11_160)
    assert (found["from"], found["to"]) == ("2021-07-28T18:30:00.000Z", "2021-07-30T14:30:00.000Z")


async def test_the_timeline_has_no_overlaps_and_no_time_beyond_what_was_asked(scene: Centre) -> None:
    found = (await report(scene, BOTH))["timeline"]
    assert [entry["kind"] for entry in found].count("down") == 3, "the restart is cut out of the second outage"
    assert all(before["to"] <= after["from"] for before, after in pairwise(found))


async def test_a_row_says_how_sure_it_is_what_was_recorded_and_what_persons_noted(scene: Centre) -> None:
    noon = (await report(scene, BOTH))["outages"][2]
    assert noon["began_between"] == ["2021-07-30T06:34:08.000Z", "2021-07-30T06:34:11.000Z"]
    assert noon["ended_between"] == ["2021-07-30T09:29:55.000Z", "2021-07-30T09:30:10.000Z"]
    assert (noon["doses"], noon["walk_ins"], noon["records"], noon["waiting"], noon["longest_wait_s"]) == (2, 1, 4, 0, 3.01)
    assert (noon["first_error"], noon["last_error"]) == ("connection refused", "503 Service Unavailable")
    assert [(note["by"], note["cause"]) for note in noon["notes"]] == [("Asha Rawat (invented)", "overload")]


def asked(since: str, until: str) -> ReportAsked:
    return ReportAsked(since=f"2021-07-{since}+05:30", until=f"2021-07-{until}+05:30", timezone=ZONE)  # type: ignore[arg-type]


async def test_a_clock_that_was_set_is_no_gap(scene: Centre) -> None:
    await scene.journal.begin_watch(at("30 18:00:50"), "clock")  # at 18:00:00, by the clock as it was
    assert (await report(scene, asked("30T17:30:00", "30T20:00:00")))["total"]["unobserved_s"] == 7150, "from 18:00:50 on nobody watched"


async def test_a_computer_without_a_clock_battery_that_was_off_was_not_watched(scene: Centre) -> None:
    await scene.journal.begin_watch(at("30 18:00:05"), "start")  # its clock went on from where it stood when it was switched off
    await scene.journal.begin_watch(at("30 19:30:00"), "clock")
    assert (await report(scene, asked("30T17:30:00", "30T20:00:00")))["total"]["unobserved_s"] == 7200


async def with_given_up(journal: Journal) -> ReportAsked:
    """Write an outage of the evening, of which one dose of three came to the server; return that evening."""
    outage = await journal.open_outage(GROUP, at("30 19:00:00"), at("30 19:00:00"), "refused", "upstream", seen("30 19:00:00"))
    for number, state in enumerate((RecordState.DELIVERED, RecordState.REFUSED, RecordState.HELD), start=6):
        await record(journal, number, "vaccinate", "30 19:10:00", state, "30 19:30:05")
    held = await journal.get(8)
    assert held is not None
    assert isinstance(await journal.discard(held, Act("asha", "given twice", word=True), at("30 19:40:00")), Decided)
    await journal.end_outage(outage.id, at("30 19:30:00"), seen("30 19:30:00"))
    return asked("30T18:30:00", "30T20:00:00")


async def test_what_was_refused_or_given_up_is_not_told_as_confirmed(scene: Centre) -> None:
    total = (await report(scene, await with_given_up(scene.journal)))["total"]
    names = ("records", "doses", "waiting", "given_up", "confirmed_at")
    assert tuple(total[name] for name in names) == (1, 1, 0, 2, "2021-07-30T14:00:05.000Z")


async def test_an_outage_that_began_before_the_report_counts_with_its_doses_and_what_lies_within(scene: Centre) -> None:
    found = await report(scene, asked("30T13:30:00", "30T14:30:00"))
    for told in (found["total"], *found["days"]):
        assert (told["outages"], told["down_s"], told["longest_s"], told["doses"], told["records"]) == (1, 3600, 3600, 2, 4)


async def test_a_running_service_watches_up_to_now_and_not_since_it_last_ran(scene: Centre) -> None:
    running = replace(scene, traffic=object())  # type: ignore[arg-type]
    assert (await report(running, asked("30T17:59:50", "30T20:00:00")))["total"]["unobserved_s"] == 7200, "that was another run"
    await scene.journal.begin_watch(at("30 19:59:20"), "start")
    assert (await report(running, asked("30T19:59:30", "30T20:00:00")))["total"]["unobserved_s"] == 0
    assert (await report(scene, asked("30T19:59:30", "30T20:00:00")))["total"]["unobserved_s"] == 30


@pytest.mark.parametrize(
    ("since", "until", "why"),
    [
        ("2021-07-31T00:00:00Z", "2021-08-01T00:00:00Z", "earlier --from"),
        ("2021-07-30T10:00:00Z", "2021-07-30T09:00:00Z", "earlier --from"),
        ("2020-01-01T00:00:00Z", "2021-07-30T09:00:00Z", "400 days"),
    ],
)
async def test_a_time_that_cannot_be_reported_is_refused(scene: Centre, since: str, until: str, why: str) -> None:
    with pytest.raises(Unfit, match=why):
        await report(scene, ReportAsked(since=since, until=until, timezone=ZONE))  # type: ignore[arg-type]


async def test_it_is_a_text_with_a_line_for_each_day_and_block_for_each_half_hour(scene: Centre) -> None:
    said = text(await report(scene, BOTH), EN, "Rudrapur")
    assert re.search(r"^Fri 30 Jul 2021  /{16}····▒···██████▄···▚·////$", said, re.MULTILINE), said
    assert re.search(r"^Thu 29 Jul 2021 +1 +20 min +20 min +1 +– +30 Jul 18:00:00 +– +1 +– +– +14 h$", said, re.MULTILINE)
    assert "Of these because of our own line: 1. Doses recorded meanwhile: 3. All of it was confirmed" in said
    assert "Our own line: no answer in time." in said
    assert "    An operator held the records back." in said
    assert "It began between 30 Jul 12:04:08 and 30 Jul 12:04:11." in said
    assert "25% of all calls were answered late." in said
    assert "Note by Asha Rawat (invented), 30 Jul 16:00:00: the ministry said so <b> (overload)" in said


@pytest.mark.parametrize("words", [EN, HI])
async def test_the_page_stands_alone_and_has_all_that_the_text_has(scene: Centre, words: Words) -> None:
    found = await report(scene, BOTH)
    made = page(found, words, "<Rudrapur>")
    read = Read(made)
    assert read.open == []
    assert {tag for tag, _ in read.tags}.isdisjoint({"script", "link", "img", "iframe"})
    assert not re.search(r"\b(?:src|href|on\w+)\s*=|https?:|[{}]", re.sub(r"<style>.*?</style>", "", made, flags=re.DOTALL))
    assert made.count("class=down") == 3
    for line in text(found, words, "<Rudrapur>").splitlines():
        if line.startswith("    ") and "·" not in line and ":" in line and "00:00 " not in line:
            assert line.strip() in read.text
    if words is HI:
        assert not re.search(r"(?i)\b(outage|doses|down|between|note)\b", read.text)


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "–"), (3.04, "3 s"), (9.26, "9.3 s"), (59, "59 s"), (61, "1 min 1 s"), (7200, "2 h"), (90_000, "1 d 1 h")]
)
def test_lengths_are_told_in_two_units(seconds: float, said: str) -> None:
    assert EN.length(seconds) == said


async def test_what_a_person_knows_is_added_with_an_entry_of_the_audit(scene: Centre) -> None:
    with pytest.raises(NotThere, match="outages list"):
        await outages.annotate(scene, AnnotateAsked(key=99, by="asha", reason="who knows"))
    told = await outages.annotate(scene, AnnotateAsked(key=1, by="asha", reason="the cable was cut", cause="cable", scope="local"))
    (line,) = [line for line in await outages.listed(scene) if line["id"] == 1]
    assert line["notes"] == [told]
    assert (line["cause"], line["scope"]) == ("timeout", "local"), "what was measured stays"
    entry = (await scene.journal.audit_entries())[-1]
    assert (entry.action, entry.by, entry.reason) == ("annotate", "asha", "the cable was cut")
    assert '"outage": 1' in entry.details
    assert await scene.journal.outage_notes([1]) == [Note(1, at("30 20:00:00"), "asha", "the cable was cut", "cable", "local")]

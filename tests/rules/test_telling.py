"""What staff are told."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

from proxy.rules.telling import PublicStatus, Standing, standing, told
from proxy.texts import LANGUAGES
from store.records import RecordState


@pytest.mark.parametrize(("stands", "can_record"), [*product(Standing, (True, False))])
def test_every_standing_says_what_is_so_and_what_to_do_in_every_language(stands: Standing, can_record: bool) -> None:
    said = [told(PublicStatus(stands, None, can_record, 3, 2), language) for language in LANGUAGES]
    assert len({(each["tell"], each["next_step"]) for each in said}) == len(LANGUAGES)
    for each in said:
        assert "3" in each["tell"]
        assert "2" in each["next_step"]
        assert (each["state"], each["pending"], each["held"]) == (stands.value, 3, 2)


def test_whoever_has_to_act_is_told_so() -> None:
    quiet, log_in, officer = (
        told(PublicStatus(Standing.UP, None, True, 0, 0, needs_log_in, logged_out), "hi")["next_step"]
        for needs_log_in, logged_out in ((0, False), (7, False), (0, True))
    )
    assert quiet == "हमेशा की तरह टीका लगाएं और एंट्री करें।"
    assert log_in.startswith(quiet)
    assert "7" in log_in.removeprefix(quiet)
    assert officer.startswith(quiet)
    assert "आईसीटी अधिकारी" in officer.removeprefix(quiet)


def test_no_two_standings_sound_alike() -> None:
    says = [told(PublicStatus(stands, None, True, 0, 0), "en")["tell"] for stands in Standing]
    assert len(set(says)) == len(says)


def test_paper_is_for_what_is_refused_and_for_each_dose_only_where_nothing_can_be_kept() -> None:
    for stands, can_record in product(Standing, (True, False)):
        step = told(PublicStatus(stands, None, can_record, 0, 0), "en")["next_step"]
        assert ("paper" in step) == (stands is not Standing.UP or not can_record)
        assert ("each dose into the paper register" in step) == (stands is Standing.DOWN and not can_record)


def test_a_log_in_is_asked_for_when_there_is_a_server_to_take_it() -> None:
    for stands, language in product(Standing, LANGUAGES):
        log_in = told(PublicStatus(stands, None, True, 0, 0, 7), language)["next_step"].partition("7")[2]
        assert ("when the server is back" in log_in or "सर्वर लौटने पर" in log_in) == (stands is Standing.DOWN)


@pytest.mark.parametrize("state", RecordState)
def test_every_state_of_a_record_names_its_number(state: RecordState) -> None:
    words = {language: standing(state, 4821).said(language) for language in LANGUAGES}
    assert all("4821" in each for each in words.values())
    assert len(set(words.values())) == len(LANGUAGES)


def test_what_is_written_for_the_desks_software_names_every_standing() -> None:
    page = (Path(__file__).parents[2] / "docs" / "desk-software.md").read_text("utf-8")
    assert re.findall(r"^\| `(\w+)` \| (?!means)", page, re.MULTILINE) == list(Standing)
    assert told(PublicStatus(Standing.DOWN, None, True, 41, 0), "hi")["tell"] in page
    assert told(PublicStatus(Standing.DOWN, None, True, 41, 0), "hi")["next_step"] in page

from __future__ import annotations

import pytest

from proxy.operations.suggestions import OTHERWISE, SUGGESTIONS, suggestion


@pytest.mark.parametrize(
    ("reason", "by"),
    [
        ("refused http_400 APPOIN0006", "refused"),
        ("unknown timeout", "unknown"),
        ("looked up: other content", "looked up: other content"),
        ("looked up: fits 2 times", "looked up"),
        ("same-fact-as 12", "same-fact-as"),
        ("poison unknown http_500", "poison"),
    ],
)
def test_the_longest_beginning_counts(reason: str, by: str) -> None:
    assert suggestion(reason) == SUGGESTIONS[by]


def test_a_reason_that_is_new_is_looked_at() -> None:
    assert suggestion("") == suggestion("never heard of") == OTHERWISE


@pytest.mark.parametrize("words", [*SUGGESTIONS.values(), OTHERWISE])
def test_every_suggestion_names_a_command(words: str) -> None:
    assert "dosekeeper records " in words


@pytest.mark.parametrize("reason", ["looked up: other content", "already_recorded http_409"])
def test_who_is_to_compare_is_told_what_with_what(reason: str) -> None:
    assert "on the server (its entry is not kept here), compare: dosekeeper records show NUMBER --body" in suggestion(reason)

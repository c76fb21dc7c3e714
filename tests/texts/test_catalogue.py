from __future__ import annotations

import gettext
import io
import re

import pytest
from babel.messages.mofile import write_mo

from proxy.texts import LANGUAGES, preferred, translation
from proxy.texts.catalogue import in_code, po, translated

LANGUAGE = LANGUAGES[1:]


@pytest.mark.parametrize("language", LANGUAGE)
def test_every_text_of_the_code_has_a_translation_with_the_same_values_in_it(language: str) -> None:
    theirs = {text.id: text.string for text in translated(language) if text.id}
    assert theirs.keys() == {text.id for text in in_code() if text.id}, "next: make texts"
    assert [ours for ours, text in theirs.items() if _values(ours) != _values(text)] == []


def _values(text: object) -> list[list[str]]:
    forms = text if isinstance(text, (tuple, list)) else [text]
    return [sorted(re.findall(r"%\(\w+\)\w|\{\w+\}", str(form))) for form in forms if form]


@pytest.mark.parametrize("language", LANGUAGE)
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    compiled = io.BytesIO()
    write_mo(compiled, translated(language))
    compiled.seek(0)
    with po(language).with_suffix(".mo").open("rb") as file:
        assert vars(gettext.GNUTranslations(file))["_catalog"] == vars(gettext.GNUTranslations(compiled))["_catalog"], "next: make texts"


@pytest.mark.parametrize(
    ("field", "language"),
    [
        ("", "en"),
        ("hi", "hi"),
        ("hi-IN,hi;q=0.9,en;q=0.8", "hi"),
        ("en-IN,en;q=0.9,hi;q=0.8", "en"),
        ("ta, hi;q=0.5", "hi"),
        ("ta;q=1.0, fr", "en"),
        ("en;q=0.2, hi;q=0.7", "hi"),
        ("hi;q=0, en", "en"),
        ("hi;q=much", "en"),
        (";;,,q=", "en"),
        ("*", "en"),
    ],
)
def test_the_language_asked_for(field: str, language: str) -> None:
    assert preferred(field) == language


def test_what_has_no_translation_comes_in_english() -> None:
    assert translation("hi").gettext("no text of ours") == "no text of ours"

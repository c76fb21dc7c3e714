from __future__ import annotations

import ast
import gettext
import io
import re
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo

from proxy.texts import FOLDER, LANGUAGES, Text, preferred, translation, weighed
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


def test_what_is_asked_for_is_told_with_its_weight_and_what_cannot_be_read_is_left_out() -> None:
    assert weighed("text/event-stream, application/json;v=1; Q=0.5, a;q=b") == [("text/event-stream", 1.0), ("application/json", 0.5)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_to_say_is_nothing_in_every_language(language: str) -> None:
    assert Text("").said(language) == ""


def test_values_go_into_the_braces_and_without_values_braces_are_braces() -> None:
    assert Text("Record {number}.", {"number": 41}).said("hi") == "रिकॉर्ड 41।"
    assert Text("a {b} {").said("hi") == "a {b} {"


LOGGED = ("log.info", "log.warning", "log.error", "log.exception")

ANOTHERS = {"Too many headers received"}
"""aiohttp's words, to know them by."""

SPEAKING = [
    path
    for folder in ("rules", "traffic")
    for path in sorted((FOLDER.parent / folder).glob("*.py"))
    if path.stem != "trial"  # it speaks to who writes a profile
    if "proxy.texts" in path.read_text("utf-8") or "rules.problems" in path.read_text("utf-8")
]
"""Modules that say something to a desk."""


def unmarked(source: str) -> list[str]:
    """Return the sentences in *source* that are no texts of the catalogue: neither documentation, nor logged, nor for whoever develops."""
    tree = ast.parse(source)
    aside = (ast.Raise, ast.Assert)
    heard = {
        id(inner)
        for node in ast.walk(tree)
        if (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        or isinstance(node, aside)
        or (isinstance(node, ast.Call) and ast.unparse(node.func) in ("Text", "marked", *LOGGED))
        for inner in ast.walk(node)
    }
    texts = [
        node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in heard
    ]
    return [text for text in texts if re.search(r"[A-Za-z]{2,}[,:;]? [a-z]{2,}[^\"]*[.?!]?$", text)]


@pytest.mark.parametrize("path", SPEAKING, ids=lambda path: path.stem)
def test_nothing_is_said_past_the_catalogue(path: Path) -> None:
    assert set(unmarked(path.read_text("utf-8"))) <= ANOTHERS


def test_a_sentence_past_the_catalogue_would_be_found() -> None:
    assert unmarked('problem("denied", f"Route {route} is closed.", {})\nText("It is fine.")\n"""A note to read."""') == [" is closed."]

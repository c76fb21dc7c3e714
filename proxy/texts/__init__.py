"""
What people read, in their language: one gettext catalogue, English (as it stands in the code) and Hindi.

A text stands in the code, in English, as the argument of `marked`. Who shows it looks it up, `translation("hi").gettext(text)`, and puts
values in afterwards (`{name}`). `make texts` brings the catalogue, `hi/LC_MESSAGES/dosekeeper.po`, up to the code and compiles it.
What a program reads (keys, types of problems, states) is never translated.
"""

from __future__ import annotations

import gettext
from functools import cache
from pathlib import Path
from typing import Final

DOMAIN: Final = "dosekeeper"

LANGUAGES: Final = ("en", "hi")
"""ISO 639-1 codes; the first is what the code is written in, and the answer where nothing else is asked for."""

FOLDER: Final = Path(__file__).parent


def marked(text: str) -> str:
    """Return *text* as it is: it marks a text of the catalogue where it is written, apart from where it is shown."""
    return text


@cache
def translation(language: str) -> gettext.NullTranslations:
    """Return the texts of *language*, one of `LANGUAGES`; what has no translation yet comes in English."""
    if language == LANGUAGES[0]:
        return gettext.NullTranslations()
    return gettext.translation(DOMAIN, FOLDER, [language])


def preferred(accept_language: str) -> str:
    """
    Return the one of `LANGUAGES` that an Accept-Language field (RFC 9110, 12.5.4) ranks first; a region (`hi-IN`) counts as its language.

    What cannot be read counts as not said.
    """
    ranked = sorted(_ranges(accept_language), key=lambda found: -found[1])
    return next((language for language, weight in ranked if weight > 0 and language in LANGUAGES), LANGUAGES[0])


def _ranges(field: str) -> list[tuple[str, float]]:
    found = []
    for part in field.split(","):
        tag, _, parameter = part.partition(";")
        name, _, weight = parameter.strip().partition("=")
        try:
            found.append((tag.strip().lower().partition("-")[0], float(weight) if name.lower() == "q" else 1.0))
        except ValueError:
            continue
    return found

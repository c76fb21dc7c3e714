"""
What people read, in their language: one gettext catalogue, English (as it stands in the code) and Hindi.

A text stands in the code, in English: in a `Text` with the values for its braces, or as the argument of `marked`. It is put into a language
where it is shown (`Text.said`), because only there is it known who reads. What a shipped profile says to a desk is in the catalogue too.
`make texts` brings the catalogue, `hi/LC_MESSAGES/dosekeeper.po`, up to the code and compiles it.
What a program reads (keys, types of problems, states) is never translated.
"""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

DOMAIN: Final = "dosekeeper"

LANGUAGES: Final = ("en", "hi")
"""ISO 639-1 codes; the first is what the code is written in, and the answer where nothing else is asked for."""

FOLDER: Final = Path(__file__).parent


def marked(text: str) -> str:
    """Return *text* as it is: it marks a text of the catalogue where it is written, apart from where it is shown."""
    return text


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the catalogue, and the values that go into its braces; without values it is taken as it stands."""

    words: str
    values: Mapping[str, object] = field(default_factory=dict)

    def said(self, language: str = LANGUAGES[0]) -> str:
        """Return it in *language*, one of `LANGUAGES`."""
        words = self.words and translation(language).gettext(self.words)  # under "" gettext keeps what is to be known of the catalogue
        return words.format(**self.values) if self.values else words


@cache
def translation(language: str) -> gettext.NullTranslations:
    """Return the texts of *language*, one of `LANGUAGES`; what has no translation yet comes in English."""
    if language == LANGUAGES[0]:
        return gettext.NullTranslations()
    return gettext.translation(DOMAIN, FOLDER, [language], fallback=True)  # a desk is told in English rather than not at all


@lru_cache(256)
def preferred(accept_language: str) -> str:
    """
    Return the one of `LANGUAGES` that an Accept-Language field (RFC 9110, 12.5.4) ranks first; a region (`hi-IN`) counts as its language.

    What cannot be read counts as not said.
    """
    asked = ((tag.partition("-")[0], weight) for tag, weight in weighed(accept_language))
    ranked = sorted(asked, key=lambda found: -found[1])
    return next((language for language, weight in ranked if weight > 0 and language in LANGUAGES), LANGUAGES[0])


def weighed(wanted: str) -> list[tuple[str, float]]:
    """Return what a field of preferences (RFC 9110, 12.4.2) names, in lower case, with its weight; what cannot be read is left out."""
    found = []
    for part in wanted.split(","):
        name, *parameters = (text.strip().lower() for text in part.split(";"))
        try:
            found.append((name, next((float(text[2:]) for text in parameters if text.startswith("q=")), 1.0)))
        except ValueError:
            continue
    return found

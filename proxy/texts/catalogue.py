"""`make texts`: bring the catalogue up to the texts in the code, and compile it. Not part of the running product."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from ruamel.yaml import YAML

from proxy.texts import DOMAIN, FOLDER, LANGUAGES

KEYWORDS: Final = {"marked": None, "Text": None}
"""Calls whose first argument is a text of the catalogue."""

SAID_BY_PROFILES: Final = ("warn_if", "refuse_if")
"""Keys of a route under which a profile says something to a desk."""


def po(language: str) -> Path:
    """Return where the texts of *language* are written."""
    return FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def in_code() -> Catalog:
    """Return every text that is marked in the code or said by a shipped profile, with where it stands."""
    found = Catalog(domain=DOMAIN, project="dosekeeper")
    for path, _line, text, comments, context in extract_from_dir(FOLDER.parent, [("**.py", "python")], keywords=KEYWORDS):
        # The file alone: with line numbers every edit of the code would be one of the catalogue.
        found.add(text, locations=[(f"proxy/{path}", None)], auto_comments=comments, context=context)  # type: ignore[list-item]
    for profile in sorted((FOLDER.parent / "profiles").glob("*.yaml")):
        for said in _said_by(profile):
            found.add(said, locations=[(f"proxy/profiles/{profile.name}", None)])  # type: ignore[list-item]
    return found


def _said_by(profile: Path) -> Iterator[str]:
    for route in YAML(typ="safe").load(profile)["routes"]:
        for key in SAID_BY_PROFILES:
            yield from (each["text"] for each in route.get(key, ()))


def translated(language: str) -> Catalog:
    """Return the catalogue as it stands."""
    with po(language).open("rb") as file:
        return read_po(file, locale=language, domain=DOMAIN)


def bring_up(language: str) -> Catalog:
    """Write the catalogue of *language* anew, with every text of the code in it and no other, and its compiled form."""
    catalogue = translated(language)
    catalogue.update(in_code(), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    with po(language).open("wb") as file:
        write_po(file, catalogue, width=140)
    with po(language).with_suffix(".mo").open("wb") as file:
        write_mo(file, catalogue)
    return catalogue


def main() -> None:
    """End with an error that names every text without a translation, once all is written."""
    missing = [
        f"{po(language)}: no translation of: {text.id}" for language in LANGUAGES[1:] for text in bring_up(language) if not text.string
    ]
    sys.exit("\n".join(missing) or None)


if __name__ == "__main__":
    main()

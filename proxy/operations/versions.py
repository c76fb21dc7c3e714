"""
What runs here, and whether it is new enough.

The floors stand once, in pyproject.toml: an installed dosekeeper carries them in its own metadata. SQLite's is the store's.
"""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, version
from typing import Final

from store.file.connection import SQLITE_FLOOR, sqlite_version

OURS: Final = "dosekeeper"

_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*>=\s*([0-9][0-9.]*)\s*(?:;\s*(.*))?")
_WINDOWS_ONLY: Final = re.compile(r"sys_platform\s*==\s*[\"']win32[\"']")
_NUMBERS: Final = re.compile(r"\d+(?:\.\d+)*")


@dataclass(frozen=True, slots=True)
class Floor:
    """The oldest version of a library that is good enough."""

    name: str
    oldest: str


def installed() -> dict[str, str]:
    """Return the version of everything that runs here."""
    found = {floor.name: _version(floor.name) or "not installed" for floor in floors(_required())}
    own = {OURS: _version(OURS) or "not installed", "python": platform.python_version(), "sqlite": sqlite_version()}
    return {**own, "system": platform.platform(), **found}


def too_old() -> list[str]:
    """Return what is too old, or not there, and how to mend it; empty where all is well."""
    return [*_python(sys.version_info[:3]), *_sqlite(sqlite_version()), *unfit(floors(_required()), installed())]


def floors(required: Iterable[str]) -> Iterator[Floor]:
    """Return the floors in the lines of a package's Requires-Dist that hold on this system; extras are not asked for."""
    for line in required:
        match = _REQUIREMENT.fullmatch(line.strip())
        if match is None or (match[3] and not (_WINDOWS_ONLY.fullmatch(match[3].strip()) and sys.platform == "win32")):
            continue
        yield Floor(match[1], match[2])


def unfit(wanted: Iterable[Floor], found: Mapping[str, str]) -> Iterator[str]:
    """Return a line for each library whose version in *found* is below its floor."""
    for floor in wanted:
        is_ = found.get(floor.name, "not installed")
        if _number(is_) < _number(floor.oldest):
            stands = "is not installed" if is_ == "not installed" else f"{is_} is older than {floor.oldest}"
            yield f"{floor.name} {stands}. Install it anew: python -m pip install --upgrade '{floor.name}>={floor.oldest}'"


def _python(found: tuple[int, ...]) -> Iterator[str]:
    oldest = metadata(OURS)["Requires-Python"] if _version(OURS) else ""
    if found < _number(oldest):
        here = ".".join(map(str, found))
        yield f"Python {here} is older than {oldest.removeprefix('>=')}. Install dosekeeper with a newer one: python3 -m venv"


def _sqlite(found: str) -> Iterator[str]:
    if _number(found) < SQLITE_FLOOR:
        oldest = ".".join(map(str, SQLITE_FLOOR))
        mend = "python -m pip install --upgrade sqlcipher3"
        yield f"SQLite {found} is older than {oldest} and can corrupt the journal. Install sqlcipher3 anew: {mend}"


def _required() -> list[str]:
    return metadata(OURS).get_all("Requires-Dist") or [] if _version(OURS) else []


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _number(text: str) -> tuple[int, ...]:
    """Return the leading numbers of a version; what follows them (rc1, .post2) does not count here."""
    match = _NUMBERS.search(text)
    return tuple(map(int, match[0].split("."))) if match else ()

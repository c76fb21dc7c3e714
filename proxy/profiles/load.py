"""Profiles, read: a shipped one by its name, any other by its path."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from proxy.document import Document, DocumentError, Place, Problem, parse_document, read_document, validated
from proxy.document.fields import is_file_name
from proxy.document.problems import meant
from proxy.profiles.checks import between_parts
from proxy.profiles.model import Profile

_SUFFIX: Final = ".yaml"


def load_profile(name_or_path: str, base: Path) -> Profile:
    """
    Return the profile that the settings name.

    Args:
        name_or_path: Name of a shipped profile, or a path, which ends in .yaml, .yml or .json.
        base: Folder at which a relative path starts.

    Raises:
        DocumentError: there is no such profile, or all that is wrong with it, at once.
    """
    document = _document(name_or_path, base)
    return validated(document, Profile, findings=between_parts(document.value))


def shipped_profiles() -> tuple[str, ...]:
    """Return the names of the profiles that come with dosekeeper."""
    return tuple(sorted(_shipped()))


def _document(name_or_path: str, base: Path) -> Document:
    shipped = _shipped()
    if is_file_name(name_or_path):
        return read_document(base / name_or_path, f"give the path of a profile, or the name of a shipped one: {', '.join(sorted(shipped))}")
    if name_or_path not in shipped:
        message = f'no shipped profile is called "{name_or_path}" (a path ends in .yaml); {meant(name_or_path, sorted(shipped))}'
        raise DocumentError([Problem(Place(), "profile", message)])
    file = shipped[name_or_path]
    return parse_document(file.name, file.read_text(encoding="utf-8"))


def _shipped() -> dict[str, Traversable]:
    found = [file for file in files("proxy.profiles").iterdir() if file.name.endswith(_SUFFIX)]
    return {file.name.removesuffix(_SUFFIX): file for file in found}

"""The settings, read: from the file, the environment, or neither."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from proxy.document import Document, DocumentError, Place, Problem, read_document, validated
from proxy.document.environment import overridden
from proxy.settings.model import Settings

DEFAULT_FILE: Final = Path("config.yaml")


def load_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """
    Read the settings.

    Args:
        path: The configuration file; None: the one that DOSEKEEPER_CONFIG names, else `./config.yaml` where there is one, else
            the defaults.
        environ: The environment; every variable in it that begins with DOSEKEEPER_ must be known.

    Raises:
        DocumentError: all that is wrong with the file and with the variables, at once.
    """
    chosen = path or file_from(environ)
    absent = "give the path of a configuration file, or none to run with the defaults"
    written = read_document(chosen, absent) if chosen else Document({})
    document = _with_all_sections(overridden(written, Settings, environ))
    return validated(document, Settings, {"base": chosen.parent if chosen else Path()})


def file_from(environ: Mapping[str, str]) -> Path | None:
    """Return the file that is read where no other is named; None: there is none, and the defaults count. Raises DocumentError."""
    if named := environ.get("DOSEKEEPER_CONFIG"):
        return Path(named)
    try:
        return DEFAULT_FILE if DEFAULT_FILE.exists() else None
    except PermissionError:  # as after sudo -u in an administrator's own folder
        message = f"cannot be looked for: the folder {Path.cwd()} is closed to this user. Go to another (cd /), or name it: --config FILE"
        raise DocumentError([Problem(Place(str(DEFAULT_FILE)), "", message)]) from None


def _with_all_sections(document: Document) -> Document:
    """Put in the sections that are not there (or empty), so that their default paths too start at the file's folder."""
    if not isinstance(document.value, dict):
        return document
    sections = [name for name, field in Settings.model_fields.items() if name != "profile"]
    empty: dict[str, object] = {name: {} for name in sections if document.value.get(name) is None}
    return replace(document, value=document.value | empty)

"""The lock files fit pyproject.toml, and say nothing of the machine that made them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any, Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.source import text

PINNED: Final = re.compile(r"^([a-z0-9][a-z0-9-]*)==(\S+)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", re.MULTILINE)
PROJECT: Final[Mapping[str, Any]] = tomllib.loads(text("pyproject.toml"))["project"]
RUNTIME: Final[list[str]] = PROJECT["dependencies"]
DEV: Final[list[str]] = PROJECT["optional-dependencies"]["dev"]


def pins(lock: str) -> dict[str, str]:
    """Name and version of everything in a lock file."""
    return {name: version for name, version, _ in PINNED.findall(text(lock))}


@pytest.mark.parametrize(
    ("lock", "wanted"), [("requirements.lock", RUNTIME), ("requirements-dev.lock", RUNTIME + DEV)], ids=["runtime", "development"]
)
def test_lock_has_what_the_project_asks_for(lock: str, wanted: list[str]) -> None:
    pinned = pins(lock)
    here = {"sys_platform": "linux"}
    asked = [r for r in map(Requirement, wanted) if r.marker is None or r.marker.evaluate(here)]
    unfit = [str(r) for r in asked if not r.specifier.contains(pinned.get(canonicalize_name(r.name), "0"))]
    assert unfit == [], f"{lock} does not fit pyproject.toml. Next: make lock"


def test_what_is_tested_is_what_is_shipped() -> None:
    assert pins("requirements.lock").items() <= pins("requirements-dev.lock").items()


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_lock_holds_nothing_but_hashed_pins(lock: str) -> None:
    rest = PINNED.sub("", text(lock))
    assert [line for line in rest.splitlines() if line and not line.startswith("#")] == []
    assert not re.search(r"://|index|--find-links|\s/\w", rest)

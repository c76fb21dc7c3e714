"""The lock files fit pyproject.toml, and say nothing of the machine that made them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.source import ROOT, text

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


def test_the_sbom_names_every_locked_package_and_is_the_same_each_time(tmp_path: Path) -> None:
    made = {re.search(r"cyclonedx-py (.*) -o (?:dist|/opt/dosekeeper)/sbom.cdx.json", text(file))[1] for file in ("Makefile", "Dockerfile")}  # type: ignore[index]
    (arguments,) = made  # the image has what `make sbom` makes
    command = [str(Path(sys.executable).parent / "cyclonedx-py"), *arguments.split(), "-o"]
    for name in ("one.json", "two.json"):
        subprocess.run([*command, str(tmp_path / name)], cwd=ROOT, capture_output=True, timeout=50, check=True)
    one, two = ((tmp_path / name).read_bytes() for name in ("one.json", "two.json"))
    bom = json.loads(one)
    assert one == two
    assert {component["name"]: component["version"] for component in bom["components"]} == pins("requirements.lock")
    assert (bom["bomFormat"], bom["metadata"]["component"]["name"]) == ("CycloneDX", PROJECT["name"])

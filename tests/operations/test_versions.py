from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from proxy.operations.versions import Floor, floors, installed, too_old, unfit

ROOT = Path(__file__).parents[2]


def test_what_runs_the_tests_is_new_enough() -> None:
    assert too_old() == []


def test_the_floors_are_those_of_the_project() -> None:
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    everywhere = {line.partition(";")[0].replace(" ", "") for line in asked if "win32" not in line}
    assert {f"{floor.name}>={floor.oldest}" for floor in floors(asked) if floor.name != "tzdata"} == everywhere
    assert {"aiohttp", "sqlcipher3", "python", "sqlite", "dosekeeper"} <= installed().keys()


def test_extras_and_other_systems_are_not_asked_for() -> None:
    lines = ["aiohttp>=3.14.3", 'pytest>=9; extra == "dev"', "tzdata>=2025.2; sys_platform == 'never'"]
    assert list(floors(lines)) == [Floor("aiohttp", "3.14.3")]


@pytest.mark.parametrize(
    ("found", "fits"),
    [
        ("3.14.3", True),
        ("3.14.2", False),
        ("3.9.9", False),
        ("3.14", False),
        ("3.14.10", True),
        ("4.0.0rc1", True),
        ("not installed", False),
    ],
)
def test_versions_are_compared_as_numbers(found: str, fits: bool) -> None:
    assert (not list(unfit([Floor("aiohttp", "3.14.3")], {"aiohttp": found}))) is fits


@pytest.mark.parametrize("command", ["serve", "check"])
def test_a_library_that_is_too_old_is_named_with_what_to_do(tmp_path: Path, command: str) -> None:
    old = tmp_path / "aiohttp-3.9.1.dist-info"
    old.mkdir()
    (old / "METADATA").write_text("Metadata-Version: 2.1\nName: aiohttp\nVersion: 3.9.1\n")
    (tmp_path / "config.yaml").write_text("upstream: {url: http://127.0.0.1:1/api, headers: {x-api-key: demo-key}}\n")
    result = subprocess.run(
        [sys.executable, "-m", "proxy", "--config", str(tmp_path / "config.yaml"), command],
        cwd=ROOT,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert result.returncode == 1
    said = result.stdout + result.stderr
    assert "aiohttp 3.9.1 is older than 3.14.3" in said
    assert "pip install --upgrade 'aiohttp>=3.14.3'" in said
    assert not (tmp_path / "data").exists()

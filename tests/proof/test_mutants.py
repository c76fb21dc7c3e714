"""The product broken on purpose, in a copy of the tree: the tests that are named for the mistake must fail, and without it pass."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.proof.mode import PROOF
from tests.proof.mutants import MUTANTS, Mutant

ROOT: Final = Path(__file__).parents[2]
TREE: Final = ("proxy", "store", "simulator", "tests", "docs", "pyproject.toml", "config.yaml")
CHEAP: Final = {"the outage uses up the attempts", "the credential is journalled"}
TRIED: Final = [mutant for mutant in MUTANTS if PROOF or mutant.name in CHEAP]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in TREE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / "tree" / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, tmp_path / "tree" / name)
    return tmp_path / "tree"


def failed(tree: Path, *tests: str) -> set[str]:
    """Return which of *tests* failed in *tree*, in any of their cases; a test that cannot be run is an error of this test's."""
    quiet = {name: value for name, value in os.environ.items() if name not in ("HYPOTHESIS_PROFILE", "PYTEST_ADDOPTS")}
    command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-rfE", "-p", "no:cacheprovider", *tests]
    ran = subprocess.run(command, cwd=tree, env=quiet, capture_output=True, text=True, timeout=400, check=False)
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    assert "ERROR" not in ran.stdout, ran.stdout
    said = [line.removeprefix("FAILED ") for line in ran.stdout.splitlines() if line.startswith("FAILED ")]
    return {test for test in tests if any(line.startswith(test) for line in said)}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutant", TRIED, ids=lambda mutant: mutant.name)
def test_a_mutant_is_caught_by_every_test_named_for_it(tree: Path, mutant: Mutant) -> None:
    for change in mutant.changes:
        change.apply(tree)
    assert failed(tree, *mutant.caught_by) == set(mutant.caught_by)


@pytest.mark.skipif(not PROOF, reason="this run has them all anyway")
@pytest.mark.timeout(600)
def test_without_a_mutant_those_tests_pass(tree: Path) -> None:
    assert failed(tree, *sorted({test for mutant in MUTANTS for test in mutant.caught_by})) == set()


def test_every_mutant_still_applies(tree: Path) -> None:
    """Each to a tree of its own would be slow: no two of them change the same line."""
    for mutant in MUTANTS:
        for change in mutant.changes:
            change.apply(tree)
